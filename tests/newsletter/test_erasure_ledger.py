"""The file that says who was erased: whatever somebody does to it shows, and what they left alone is still read."""

import datetime
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from newsletter import erasure_ledger
from newsletter.erasure_ledger import Erasure, Fault

NOON = datetime.datetime(2026, 11, 3, 12, 0, 0, 123456, tzinfo=datetime.UTC)
FIVE = [Erasure(uuid.UUID(int=number), NOON, stop=bool(number % 2)) for number in range(5)]
SIXTH = Erasure(uuid.UUID(int=6), NOON, stop=True)


@pytest.fixture(autouse=True)
def file(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    return erasure_ledger.path()


@pytest.fixture
def five(file):
    """The lines of five erasures."""
    for erasure in FIVE:
        erasure_ledger.append(erasure)
    return file.read_text().splitlines(keepends=True)


def read(file):
    return list(erasure_ledger.read(file))


def changed(line, **fields):
    return json.dumps(json.loads(line) | fields) + "\n"


def test_what_is_written_is_read(five, file):
    assert read(file) == FIVE
    assert json.loads(five[1]).keys() == {"key", "at", "stop", "after", "mac"}


CHANGES = {
    "another key": lambda line: changed(line, key="0" * 32),
    "another moment": lambda line: changed(line, at="2020-01-01T00:00:00+00:00"),
    "stopped": lambda line: changed(line, stop=True),
    "another line before": lambda line: changed(line, after="0" * 64),
    "another mac": lambda line: changed(line, mac="0" * 64),
    "a mac of no text": lambda line: changed(line, mac=7),
    "a mac in other letters": lambda line: changed(line, mac="é"),
    "a field more": lambda line: changed(line, more=1),
    "half": lambda line: line[: len(line) // 2] + "\n",
    "no object": lambda line: "[1]\n",
    "no JSON": lambda line: "é\n",
    "deeper than anybody reads": lambda line: "[" * 100_000 + "\n",
    "empty": lambda line: "\n",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_line_that_was_changed_is_refused_and_the_rest_is_read(five, file, change):
    file.write_text("".join([*five[:2], change(five[2]), *five[3:]]))
    assert read(file) == [*FIVE[:2], Fault(3, "genuine"), *FIVE[3:]]


@pytest.mark.parametrize(
    ("order", "faults"),
    [
        ([0, 1, 3, 4], [3]),
        ([1, 2, 3, 4], [1]),
        ([0, 2, 1, 3, 4], [2, 3, 4]),
        ([0, 1, 1, 2, 3, 4], [3]),
        ([0, 1, 2, 3], []),  # a lost end shows nowhere
    ],
)
def test_lines_that_are_missing_or_moved_show_and_those_there_are_read(five, file, order, faults):
    file.write_text("".join(five[number] for number in order))
    found = read(file)
    assert [line for line in found if isinstance(line, Erasure)] == [FIVE[number] for number in order]
    assert [line for line in found if isinstance(line, Fault)] == [Fault(number, "complete") for number in faults]


def test_lines_written_under_another_key_are_refused(five, file, settings):
    settings.ADDRESS_KEY = "a guess"
    assert read(file) == [Fault(number, "genuine") for number in range(1, 6)]


def test_after_a_line_that_was_changed_the_next_one_follows_it_as_it_is(five, file):
    """One fault stays one: the chain goes on from what stands there."""
    file.write_text("".join([*five[:4], changed(five[4], stop=True)]))
    erasure_ledger.append(SIXTH)
    assert read(file) == [*FIVE[:4], Fault(5, "genuine"), SIXTH]


def test_half_a_line_of_a_machine_that_stopped_is_taken_away(five, file):
    with file.open("a") as end:
        end.write(five[0][:-40])
    erasure_ledger.append(SIXTH)
    assert read(file) == [*FIVE, SIXTH]


@pytest.mark.parametrize("rubbish", ["x", "\n" * 5, "x" * 100_000, "x" * 100_000 + "\n"], ids=range(4))
def test_whatever_stands_at_the_end_the_next_line_can_be_read(five, file, rubbish):
    with file.open("a") as end:
        end.write(rubbish)
    erasure_ledger.append(SIXTH)
    assert [line for line in read(file) if isinstance(line, Erasure)] == [*FIVE, SIXTH]


def test_several_who_write_at_once_write_one_chain(file):
    erasures = [Erasure(uuid.UUID(int=number), NOON, stop=True) for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(erasure_ledger.append, erasures))
    assert sorted(read(file), key=lambda erasure: erasure.key) == erasures
