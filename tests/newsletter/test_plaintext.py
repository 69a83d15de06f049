"""Rich text as the text part of a mail shows it."""

import pytest

from picum.plaintext import plain, wrapped

ADDRESS = "https://example.org/" + "a-long-way-to-a-report/" * 5 + "report.pdf"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("<p>One.</p><p>Two &amp; <em>three</em>.</p>", "One.\n\nTwo & three."),
        ("<p>One<br>two</p>", "One\ntwo"),
        ("<ul><li><p>One</p></li><li>Two</li></ul>", "- One\n- Two"),
        ("<p>A</p><ol><li>One</li><li>Two<ul><li>deep</li></ul></li><li>Three</li></ol><p>B</p>",
         "A\n\n1. One\n2. Two\n  - deep\n3. Three\n\nB"),
        ('<p>Read <a href="https://example.org/a">the report</a>.</p>', "Read the report <https://example.org/a>."),
        ('<p><a href="https://example.org/">example.org</a>, open</p>', "https://example.org/, open"),
        ('<p><a href="https://example.org/a">https://example.org/a</a></p>', "https://example.org/a"),
        ('<p>Write to <a href="mailto:a@example.org">a@example.org</a></p>', "Write to a@example.org"),
        ('<p>Write to <a href="mailto:a@example.org">us</a></p>', "Write to us <a@example.org>"),
        ("<p>No <a>address</a></p>", "No address"),
        ("<p>1\u202f846 «\u00a0réponses\u00a0»</p>", "1\u202f846 «\u00a0réponses\u00a0»"),
    ],
)  # fmt: skip
def test_rich_text_becomes_plain_text(html, text):
    assert plain(html) == text


def test_lines_break_before_72_but_never_within_an_address():
    words = "word " * 30
    lines = plain(f'<p>{words}<a href="{ADDRESS}">report</a> {words}</p>').split("\n")
    assert [len(line) for line in lines if ADDRESS not in line and len(line) > 72] == []
    assert f"<{ADDRESS}>" in [word for line in lines for word in line.split(" ")]
    assert " ".join(lines) == f"{words}report <{ADDRESS}> {words}".strip()


def test_the_second_line_of_a_list_item_stands_under_the_first():
    assert plain(f"<ul><li>{'word ' * 20}</li></ul>").split("\n") == [
        "- " + " ".join(["word"] * 14),
        "  " + " ".join(["word"] * 6),
    ]


def test_a_heading_too_long_for_a_line_is_wrapped_and_newlines_are_spaces():
    assert wrapped(f"Two\nlines {'word ' * 15}", "  ") == f"Two lines {'word ' * 11}word\n  word word word"
