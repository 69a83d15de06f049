"""The box itself: what is kept, in which order, and how it is found again."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from picum.mailbox import store
from picum.mailbox.store import NO_LANGUAGE, Filter


@pytest.fixture
def filled(box):
    """Six mails, the last one the newest."""
    for to, subject, language in [
        ("amal@example.org", "Novembre", "fr"),
        ("boris@example.org", "November", "de"),
        ("carla@example.org", "Rundbrief ÜBER Grenzen", "de"),
        ("amal@example.org", "100% _gratis_", "nl"),
        ("boris@example.org", "", ""),
        ("ΖΩΉ@example.org", "über Łódź", "pl"),
    ]:
        store.add(box, b"raw", sender="bounce@picum.example", recipients=[to], subject=subject, language=language)
    return box


def ids(mails: list[store.Mail]) -> list[int]:
    return [mail.id for mail in mails]


def test_pages_are_turned_by_the_last_id(filled):
    first = store.page(filled, limit=4)
    second = store.page(filled, before=first[-1].id, limit=4)

    assert (ids(first), ids(second)) == ([6, 5, 4, 3], [2, 1])
    assert store.page(filled, before=1) == []


def test_what_came_after_is_the_newest_of_it(filled):
    assert ids(store.page(filled, after=2, limit=2)) == [6, 5]
    assert ids(store.page(filled, after=6)) == []
    assert store.count(filled, after=2) == 4


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), [6, 5, 4, 3, 2, 1]),
        (Filter(language="de"), [3, 2]),
        (Filter(language=NO_LANGUAGE), [5]),
        (Filter(language="it"), []),
        (Filter(words="AMAL@"), [4, 1]),
        (Filter(words="über"), [6, 3]),
        (Filter(words="ŁÓDŹ"), [6]),
        (Filter(words="ζωή"), [6]),
        (Filter(words="0%"), [4]),
        (Filter(words="%"), [4]),
        (Filter(words="_"), [4]),
        (Filter(words="'"), []),
        (Filter(language="de", words="boris"), [2]),
    ],
)
def test_a_filter_finds_by_language_and_words(filled, wanted, found):
    assert ids(store.page(filled, wanted)) == found
    assert store.count(filled, wanted) == len(found)


def test_neighbours_stay_within_the_filter(filled):
    assert store.neighbours(filled, 3) == (4, 2)
    assert store.neighbours(filled, 6) == (None, 5)
    assert store.neighbours(filled, 3, Filter(words="boris")) == (5, 2)
    assert store.neighbours(filled, 2, Filter(language="de")) == (3, None)


def test_languages_are_counted(filled):
    assert store.languages(filled) == {"": 1, "de": 2, "fr": 1, "nl": 1, "pl": 1}


def test_only_the_newest_are_kept(box):
    for _ in range(7):
        store.add(box, b"raw", kept=5)

    assert ids(store.page(box)) == [7, 6, 5, 4, 3]
    assert (store.mail(box, 2), store.raw(box, 2)) == (None, None)


def test_emptying_throws_all_away_gives_the_space_back_and_never_reuses_an_id(box, path):
    for _ in range(40):
        store.add(box, os.urandom(50_000))
    box.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    full = path.stat().st_size

    assert store.empty(box) == 40

    box.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert store.page(box) == []
    assert path.stat().st_size < full / 10
    assert store.add(box, b"raw") == 41


def test_eight_may_open_a_missing_box_at_once(tmp_path):
    path = tmp_path / "not" / "yet" / "mailbox.sqlite3"

    def add(number: int) -> int:
        with store.opened(path) as box:
            return store.add(box, b"%d" % number)

    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(add, range(80)))

    assert sorted(numbers) == list(range(1, 81))


def test_reading_goes_on_while_mails_are_written(box, path):
    store.add(box, b"one")
    box.execute("BEGIN IMMEDIATE")
    try:
        with store.opened(path) as reader:
            assert store.count(reader) == 1
    finally:
        box.execute("ROLLBACK")
