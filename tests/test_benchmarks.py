"""The benchmarks stay runnable and say what they ask for. Nothing is timed here."""

import importlib
import json
import pkgutil

import pytest

import benchmarks
from benchmarks import crowd, driver, machine, posts, profiling, report
from benchmarks.measure import Measure, Result, Series, Skipped
from benchmarks.table import MEASURES
from newsletter import enqueue
from newsletter.models import Delivery, Edition

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
}


def measure(**fields) -> Measure:
    return Measure(**{"name": "one", "title": "One", "unit": "/s", "floor": 2, "aim": 5, "take": None} | fields)


def run_of(*rows, quick=False) -> dict:
    return {"date": "2026-11-21", "quick": quick, "machine": {"cores": "2", "Python": "3.11.7"}, "rows": list(rows)}


def test_every_module_of_the_benchmarks_can_be_imported():
    names = {module.name for module in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.")}
    assert "benchmarks.rows.loopback" in names
    for name in names - {"benchmarks.peer.settings"}:  # which wants its own environment
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
    document.write_text(f"above\n{report.BEGIN}\nold\n{report.END}\nbelow\n")
    for _time in range(2):
        report.write(document, run_of())
        assert document.read_text().startswith(f"above\n{report.BEGIN}\n2026-11-21: 2 cores")
        assert document.read_text().endswith(f"{report.END}\nbelow\n")
        assert "old" not in document.read_text()


@pytest.mark.parametrize(("text", "quick"), [(f"{report.BEGIN}{report.END}", True), ("no marks", False)])
def test_a_quick_run_and_a_document_without_a_place_leave_everything_as_it_is(tmp_path, text, quick):
    document = tmp_path / "figures.md"
    document.write_text(text)
    with pytest.raises(Skipped):
        report.write(document, run_of(quick=quick))
    assert document.read_text() == text


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
