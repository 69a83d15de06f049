"""The mail is looked at as it would go out. Most of it can only go wrong when our templates change, so here they do."""

import re
from dataclasses import replace

import pytest
from django.template.loader import render_to_string
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from newsletter import problems, rendering
from newsletter.problems import colours, mail
from newsletter.problems.seen import Seen
from tests.newsletter.factories import LANGUAGES, contents, make_complete_issue, make_item, make_texts

pytestmark = pytest.mark.django_db


@pytest.fixture
def composition():
    """With everything that a mail can have: fallbacks, sources, a message, a donation box, a masthead."""
    issue = make_complete_issue()
    for language in LANGUAGES:
        box = '<p>Give <a href="https://give.example/">here</a>.</p>'
        make_texts(issue, language, masthead="One sentence", message="<p>Hello</p>", donation=box)
    make_item(
        issue,
        countries=["IT"],
        kind="report",
        de=("Nur deutsch", "<p>Ein <em>Text</em>.</p>"),
        sources=[{"outlet": "Il Faro", "url": "https://faro.example/", "language": "it"}],
    )
    return rendering.compose(contents(issue), "pt")


def changed(composition, **changes) -> rendering.Words:
    """The mail with `html` or `text` replaced in: pairs of what is there and what comes instead."""
    words = rendering.render_mail(composition, token=mail.TOKEN)
    for part, (old, new) in changes.items():
        assert old in getattr(words, part)
        words = replace(words, **{part: getattr(words, part).replace(old, new)})
    return words


def notes(composition, words) -> list[str]:
    return [problem.text for problem in mail.noteworthy(composition, words)]


def test_the_mail_as_it_is_has_no_problem_in_any_language(composition):
    for language in LANGUAGES:
        own = rendering.compose(composition.issue, language)
        words = rendering.render_mail(own, token=mail.TOKEN)
        assert (mail.forbidding(own, words), notes(own, words)) == ([], [])


@pytest.mark.parametrize(("part", "where"), [("html", ""), ("text", " where it is shown without layout")])
def test_a_part_without_a_link_to_unsubscribe_must_not_go_out(composition, part, where):
    words = rendering.render_mail(composition, token=mail.TOKEN)
    (leave,) = set(re.findall(r"https?://[^\s\"<>]*/leave/[^\s\"<>]*", getattr(words, part)))
    (problem,) = mail.forbidding(composition, changed(composition, **{part: (leave, "https://elsewhere.example/")}))
    assert (problem.blocking, problem.text) == (True, f"The mail has no link to unsubscribe{where}.")


def test_an_empty_text_part_must_not_go_out(composition):
    words = replace(rendering.render_mail(composition, token=mail.TOKEN), text=" \n")
    assert [problem.text for problem in mail.forbidding(composition, words)] == [
        "The mail is empty for readers whose program shows words without any layout.",
        "The mail has no link to unsubscribe where it is shown without layout.",
    ]


@pytest.mark.parametrize("markup", ["<p>", "</strong>", "<br>", '<a href="https://x.example/">', "&amp;", "&#39;"])
def test_markup_in_the_text_part_is_noted(composition, markup):
    words = changed(composition, text=("Item 1 (pt)", f"Item {markup} 1"))
    assert notes(composition, words) == [
        f"Where the mail is shown without layout, signs of the layout stand among its words: “{markup}”."
    ]


def test_signs_that_are_no_markup_are_not_taken_for_it(composition):
    signs = "a < b > c & d <https://x.example/?a=1&amp=2> <mailto:a@x.example> AT&T; R&D"
    assert notes(composition, changed(composition, text=("Item 1 (pt)", signs))) == []


def test_a_picture_without_words_is_noted_and_one_that_is_mere_decoration_is_not(composition):
    pictures = '<img src="/a.png"><img src="/b.png" alt=""><img src="/c.png" alt="A map">'
    words = changed(composition, html=("Item 1 (pt)</a>", f"Item 1 (pt)</a>{pictures}"))
    assert notes(composition, words) == ["A picture has no words for those who cannot see it: /a.png"]


@pytest.mark.parametrize(("tag", "number"), [("h1", 2), ("p", 0)])
def test_a_mail_has_just_one_first_heading(composition, tag, number):
    more = "<h1>Another</h1>" if number else ""
    html = rendering.render_mail(composition, token=mail.TOKEN).html
    html = re.sub(r"<(/?)h1\b", rf"<\1{tag}", html).replace("</body>", f"{more}</body>")
    words = replace(rendering.render_mail(composition, token=mail.TOKEN), html=html)
    found = [note for note in notes(composition, words) if "main headings" in note]
    assert found == [f"The mail has {number} main headings; it should have exactly one."]


def test_a_level_of_headings_that_is_left_out_is_noted(composition):
    html = rendering.render_mail(composition, token=mail.TOKEN).html
    html = html.replace("</h1>", "</h1><h4>Too deep</h4>", 1)
    words = replace(rendering.render_mail(composition, token=mail.TOKEN), html=html)
    assert notes(composition, words) == ["A level of headings is left out before “Too deep”."]


def test_words_in_another_language_must_say_so(composition):
    assert [entry.language for entry in composition.entries] == ["pt", "pt", "de"]
    assert notes(composition, changed(composition, html=(' lang="de"', ""))) == [
        "“Nur deutsch” is in another language, and the mail does not say so."
    ]
    html = re.sub(r"<html [^>]*>", "<html>", rendering.render_mail(composition, token=mail.TOKEN).html)
    words = replace(rendering.render_mail(composition, token=mail.TOKEN), html=html)
    assert notes(composition, words) == ["The mail does not say in which language it is."]


# --- colours --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000", "#ffffff", 21), ("#777777", "#fff", 4.48), ("#767676", "#fff", 4.54), ("white", "white", 1)],
)
def test_contrast_is_that_of_wcag(one, other, ratio):
    assert round(colours.contrast(one, other), 2) == ratio


@given(st.from_regex(r"\A#[0-9a-f]{6}\Z"), st.from_regex(r"\A#[0-9a-f]{6}\Z"))
def test_contrast_is_the_same_both_ways_and_never_out_of_its_bounds(one, other):
    assert 1 <= colours.contrast(one, other) == colours.contrast(other, one) <= 21


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # The words of sources a little too grey; only in the dark; a ground under readable words; a link.
        ("color: #4a5361", "color: #8d96a3", "light screen"),
        (".sources { color: #aeb8c0 !important; }", ".sources { color: #4a5361 !important; }", "dark screen"),
        ("background: #0b5f5c; color: #fff", "background: #7fd3cd; color: #fff", "light screen"),
        ("h3 span, a { color: #7fd3cd !important; }", "h3 span { color: #7fd3cd !important; }", "dark screen"),
    ],
)
def test_a_colour_that_is_hard_to_read_is_noted(composition, monkeypatch, old, new, said):
    """As if somebody had changed the mail's style sheet."""
    css = render_to_string("newsletter/mail/edition.css")
    assert old in css
    real = rendering.mail.render_to_string

    def render(name, context=None):
        return real(name, context).replace(css, css.replace(old, new))

    monkeypatch.setattr(rendering.mail, "render_to_string", render)
    found = notes(composition, rendering.render_mail(composition, token=mail.TOKEN))
    assert found
    assert all(said in note and "its contrast is" in note for note in found), found


@pytest.mark.parametrize(("language", "said"), [("en", "3.0, not at least 4.5."), ("de", "3,0"), ("fr", "3,0")])
def test_a_contrast_is_written_as_the_person_writes_numbers(composition, language, said):
    words = changed(composition, html=("</h1>", '</h1><p style="color:#949494;background:#fff">Faint</p>'))
    with override(language):
        found = [note for note in notes(composition, words) if "Faint" in note]
    assert [said in note for note in found] == [True, True]


def test_a_colour_that_is_not_known_is_named_and_not_passed_over(composition):
    html = "<html lang='pt'><body><h1 style='color: rebeccapurple'>Title</h1></body></html>"
    with pytest.raises(colours.Strange, match="rebeccapurple"):
        colours.faint(Seen(html))
    words = changed(composition, html=("#7fd3cd", "hsl(1 2 3)"))
    assert notes(composition, words) == ["The contrast of the mail cannot be judged: “hsl(1 2 3)” is not known."]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        # What an element inherits, and what lies under it further up.
        ('<div style="background:#fff"><div style="color:#fff"><p>x</p></div></div>', ["light", "dark"]),
        ('<div style="background:#fff;color:#000"><p style="color:inherit">x</p></div>', []),
        # Without any word about it a link is blue, and not on every ground.
        ('<div style="background:#0b5f5c;color:#fff"><a href="/">x</a></div>', ["light", "dark"]),
        ('<div style="background:#0b5f5c;color:#fff"><a href="/" style="color:inherit">x</a></div>', []),
        # What nobody sees, and what has no words.
        ('<p style="display: none; color:#fff; background:#fff">x</p>', []),
        ('<p style="color:#fff; background:#fff"> </p>', []),
    ],
)
def test_what_lies_under_words_is_found(html, expected):
    assert [one.scheme for one in colours.faint(Seen(html))] == expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("@media screen { p { color: #fff } }", []),  # the element's own style wins
        ("@media screen { p { color: #fff !important } }", ["light", "dark"]),
        ("@media screen { .a p { color: #fff !important } .b p { color: #ff0 !important } }", ["light", "dark"]),
        ("@media screen { .b p { color: #fff !important } }", []),  # it stands in no .b
        ("@media (prefers-color-scheme: dark) { p { background: #222 !important } }", ["dark"]),
        ("@media (prefers-color-scheme: dark) { p { background: #222 !important; color: #eee !important } }", []),
        ("@media screen { .a p { color: #000 !important } p { color: #fff !important } }", []),  # the more special wins
    ],
)
def test_rules_of_the_style_sheet_are_weighed_as_programs_do(rules, expected):
    html = (
        f'<html><head><style>{rules}</style></head><body class="a"><p style="color:#000;background:#fff">x</p></body>'
    )
    assert [one.scheme for one in colours.faint(Seen(html))] == expected


def test_notes_about_the_mail_lead_to_its_preview(composition):
    words = changed(composition, text=("Item 1 (pt)", "Item <b>1</b>"))
    (problem,) = mail.noteworthy(composition, words)
    assert [(place.kind, place.language) for place in problem.places] == [(problems.Kind.PREVIEW, "pt")]
