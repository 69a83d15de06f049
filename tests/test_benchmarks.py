"""The benchmarks stay runnable and say what they ask for. Nothing is timed here."""

import importlib
import json
import pkgutil
from collections import Counter
from pathlib import Path

import pytest
from django.utils import timezone

import benchmarks
from benchmarks import (
    crowd,
    decade,
    driver,
    machine,
    posts,
    present,
    profiling,
    questions,
    remembering,
    report,
    visiting,
)
from benchmarks.measure import Measure, Result, Series, Skipped
from benchmarks.table import MEASURES, TABLES
from newsletter import enqueue, search_index
from newsletter.models import Delivery, Edition, SentencePair
from newsletter.translation import board, learning

ASKED = {
    "smtp": (0.5, 0.8),
    "post-office": (6, 10),
    "far": (1.9, 4.5),
    "first-mail": (5, 1),
    "freezing": (50_000, 150_000),
    "memory": (150, 100),
    "statements": (1, 0.3),
    "provider": (150, 400),
    "events": (2_000, 5_000),
    "leaving": (100, 200),
    "import": (30, 8),
    "import-sqlite": (30, 8),
    "lists": (50, 25),
    "directory": (50, 40),
    "board": (300, 150),
    "desk": (600, 300),
    "search": (150, 50),
    "memory-offers": (100, 50),
}
MARKS = report.BEGIN.format("engine"), report.END.format("engine")
SEARCHED = "benchmarks.peer.searching.models"


def measure(**fields) -> Measure:
    return Measure(**{"name": "one", "title": "One", "unit": "/s", "floor": 2, "aim": 5, "take": None} | fields)


def taken(name: str) -> dict:
    return report.row(measure(name=name), Result(4, "4"))


def run_of(*rows, quick=False) -> dict:
    return {"date": "2026-11-21", "quick": quick, "machine": {"cores": "2", "Python": "3.11.7"}, "rows": list(rows)}


def test_every_module_of_the_benchmarks_can_be_imported():
    names = {module.name for module in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.")}
    assert "benchmarks.rows.loopback" in names
    # Those of peers want their own environment.
    for name in names - {"benchmarks.peer.settings", "benchmarks.peer.searching.settings", SEARCHED}:
        importlib.import_module(name)


def test_every_row_has_its_floor_and_its_aim():
    assert {row.name: (row.floor, row.aim) for row in MEASURES if row.floor is not None} == ASKED
    assert [row.name for row in MEASURES if row.floor is None] == ["smtp-sqlite", "freezing-areas"]
    assert all(callable(row.take) for row in MEASURES)
    assert {row.name for row in MEASURES if row.low} == {
        row.name for row in MEASURES if row.floor is not None and row.aim < row.floor
    }


@pytest.mark.parametrize(
    ("low", "value", "verdict"),
    [(False, 5, "aim"), (False, 4.9, "floor"), (False, 1.9, "missed"), (True, 1, "aim"), (True, 3, "missed")],
)
def test_a_figure_is_held_against_floor_and_aim(low, value, verdict):
    asked = {"floor": 2, "aim": 1} if low else {"floor": 2, "aim": 5}
    assert measure(low=low, **asked).verdict(value) == verdict


def test_a_figure_for_information_is_held_against_nothing():
    assert measure(floor=None, aim=None).verdict(0) == ""


def test_the_median_of_several_counts_and_the_range_is_shown():
    assert Series([3, 900, 1_200.4]).words() == "900 (3–1,200)"
    assert Series([0.512]).words(2) == "0.51"


def test_the_table_names_machine_figures_and_what_was_asked():
    rows = [
        report.row(measure(), Result(4, "4 (3–5)", ["four of one thing"], {"all": [3, 4, 5]})),
        report.row(measure(name="two", floor=None, aim=None, unit="×"), Result(0.4, "0.40")),
        report.skipped(measure(name="three"), "smtp-sink is needed"),
    ]
    assert report.table(json.loads(json.dumps(run_of(*rows)))).splitlines() == [
        "2026-11-21: 2 cores, Python 3.11.7.",
        "",
        "| row | measure | figure | floor | aim | |",
        "|---|---|---|---|---|---|",
        "| `one` | One | 4 (3–5)/s | 2/s | 5/s | floor reached |",
        "| `two` | One | 0.40 × |  |  | for information |",
        "| `three` | One | skipped: smtp-sink is needed | | | |",
        "",
        "- `one`: four of one thing.",
    ]


def test_only_the_figures_between_the_marks_of_the_document_are_replaced(tmp_path):
    document = tmp_path / "figures.md"
    document.write_text(f"above\n{MARKS[0]}\nold\n{MARKS[1]}\nbelow\n")
    for _time in range(2):
        assert report.write(document, run_of(taken("one")), {"engine": ["one"]}) == ["engine"]
        assert document.read_text().startswith(f"above\n{MARKS[0]}\n2026-11-21: 2 cores")
        assert document.read_text().endswith(f"{MARKS[1]}\nbelow\n")
        assert "old" not in document.read_text()


def test_a_run_of_some_rows_writes_the_tables_that_are_whole(tmp_path):
    document = tmp_path / "figures.md"
    pages = [report.BEGIN.format("pages"), "slow", report.END.format("pages")]
    document.write_text("\n".join([*MARKS, *pages]))
    written = report.write(document, run_of(taken("two"), taken("one")), {"engine": ["one"], "pages": ["two", "three"]})
    assert written == ["engine"]
    assert document.read_text().splitlines()[-3:] == pages
    assert "`one`" in document.read_text()
    assert "`two`" not in document.read_text()


@pytest.mark.parametrize(("text", "quick", "rows"), [("", True, ["one"]), ("none", False, ["one"]), ("", False, ["1"])])
def test_a_quick_run_half_a_table_and_a_document_without_a_place_leave_everything_as_it_is(tmp_path, text, quick, rows):
    document = tmp_path / "figures.md"
    document.write_text(text or "".join(MARKS))
    with pytest.raises(Skipped):
        report.write(document, run_of(*map(taken, rows), quick=quick), {"engine": ["one"]})
    assert document.read_text() == (text or "".join(MARKS))


def test_the_document_has_a_place_for_each_table():
    text = Path("docs/benchmarks.md").read_text()
    assert all(mark.format(name) in text for name in TABLES for mark in (report.BEGIN, report.END))


def test_the_machine_is_described_in_words():
    told = machine.described("15.20 (Debian 15.20-0)")
    assert told["PostgreSQL"] == "15.20"
    assert all(told.values())


def test_a_profile_names_what_takes_the_time():
    stacks = "main (a.py:1);send (b.py:7) 3\nmain (a.py:2);wait (c.py:9) 1\n"
    assert profiling.summary(stacks) == (
        "on top\n 75.0  send (b.py)\n 25.0  wait (c.py)\n\n"
        "anywhere\n100.0  main (a.py)\n 75.0  send (b.py)\n 25.0  wait (c.py)\n"
    )


def test_the_crowd_gets_one_letter_each_of_about_the_size_that_was_asked_for(db):
    crowd.readers(3, "en", "de en")
    issue = crowd.issue(("en", "de"), size=20_000)
    enqueue.send(issue, ["en", "de"], by=None)
    enqueue.freeze_due(issue.pk)
    assert sorted(Delivery.objects.values_list("edition__language", "subscriber__languages")) == [
        ("de", "de en"),
        ("en", "en"),
        ("en", "en"),
    ]
    assert set(Edition.objects.filter(state=Edition.State.SENDING).values_list("language", flat=True)) == {"en", "de"}
    assert 18_000 < len(driver._letter()) < 25_000


@pytest.mark.parametrize("source", posts.EVENTS)
def test_the_posts_of_a_provider_are_about_our_letters(db, source):
    crowd.readers(5, "en")
    issue = crowd.issue(("en",), size=5_000)
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    together = 2 if source == "sendgrid" else 1
    bodies = [json.loads(body) for body in posts.bodies(source, 4, together)]
    told = [event for body in bodies for event in (body if isinstance(body, list) else [body])]
    assert len(bodies) == 4 / together
    assert len({json.dumps(event) for event in told}) == 4


def test_every_page_that_is_measured_answers(db, monkeypatch):
    decade.fill(issues=13, items=2)
    monkeypatch.setattr(present, "ITEMS", 6)
    monkeypatch.setattr(present, "READERS", 30)
    present.make()
    searched = {name: page for name, page in questions.pages().items() if name.endswith("(en)") or "file" in name}
    pages = present.boards() | present.others() | searched
    seen = visiting.visit(visiting.client(present.carla()), pages, 0)
    assert seen.keys() == pages.keys()
    assert all(page["statements"] > 0 and page["octets"] > 0 for page in seen.values())


def test_the_present_issue_has_texts_at_every_stage(db, monkeypatch):
    monkeypatch.setattr(present, "ITEMS", 12)
    monkeypatch.setattr(present, "READERS", 30)
    present.make()
    found = board.of(present.issue(), present.carla(), on=timezone.localdate())
    counts = sum((column.counts for column in found.columns), Counter())
    assert counts.keys() == set(board.Stage)
    assert counts[board.Stage.OUTDATED] == 2 * 6
    assert any(cell.is_late and cell.assignee for row in found.rows for cell in row.cells.values())


def test_each_visit_is_timed_and_its_statements_are_counted(db):
    seen = visiting.visit(visiting.client(), {"archive": visiting.Page("/en/newsletter/")}, 3)["archive"]
    assert len(seen["milliseconds"]) == len(seen["database"]) == 3
    assert all(0 < within < whole for within, whole in zip(seen["database"], seen["milliseconds"], strict=True))


def test_a_page_that_answers_otherwise_is_no_figure(db):
    with pytest.raises(ValueError, match="answers 404"):
        visiting.visit(visiting.client(), {"lost": visiting.Page("/en/nowhere/")}, 1)


def test_questions_of_the_search_find_what_was_made(db):
    decade.fill(issues=13, items=2)
    search_index.fill()
    asked = questions.ask(questions.plain(), 1)
    assert {(one["name"], one["found"] > 0) for one in asked if one["language"] == "en"} == {
        ("a frequent word", True),
        ("two words", True),
        ("a phrase", True),
        ("a rare word", True),
        ("a word nobody said", False),
        ("a frequent word of one year", True),
    }


def test_the_memory_offers_what_ten_years_said(db, monkeypatch):
    decade.fill(issues=1, items=40)
    learning.learn()
    monkeypatch.setattr(present, "ITEMS", 6)
    monkeypatch.setattr(present, "READERS", 1)
    present.make()
    remembering.warm()
    answer = remembering.offers()
    assert answer["pairs"] == SentencePair.objects.count() > 40 * 6
    assert len(answer["items"]) == 6
    assert sum(row["offered"] for row in answer["items"]) > 6
