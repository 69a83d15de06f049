"""Rules of the import that hold for every file: nothing gets lost, nothing crashes, short cuts change nothing."""

import csv
import io
import tempfile
from pathlib import Path

import email_validator
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter import importing, lists
from newsletter.lists import Refused, Row
from newsletter.models import Subscriber
from picum import csvfile
from picum.addresses import InvalidAddress, normalise
from tests.newsletter.factories import make_subscriber

COLUMNS = ["email", "languages", "name"]
HEADER = "email,languages,name\n"


def outcome(form, text):
    try:
        return form(text)
    except InvalidAddress as error:
        return error.args


parts = st.one_of(
    st.sampled_from(
        [
            "info",
            "INFO",
            "Amal",
            "xn--",
            "xn--bcher-kva",
            "org",
            "ORG",
            "test",
            "local",
            "arpa",
            "example",
            "a" * 63,
            "a" * 64,
        ]
    ),
    st.text("abYZ09-_+'é\u00df\u0301 ", min_size=1, max_size=4),
    st.text(max_size=3),
)
addresses = st.builds("".join, st.lists(st.one_of(parts, st.sampled_from(list("@@..-"))), max_size=9))


@given(st.one_of(addresses, st.emails(), st.builds("{}@{}.{}".format, parts, parts, parts)))
@settings(deadline=None, max_examples=400)
def test_the_short_way_to_a_plain_address_ends_where_the_long_way_does(text):
    assert outcome(importing.normalised, text) == outcome(normalise, text)


@pytest.mark.parametrize("reserved", [*email_validator.SPECIAL_USE_DOMAIN_NAMES, "xn--bcher-kva.org", "ab--y.org"])
def test_a_name_reserved_by_the_internet_goes_the_long_way(reserved):
    for text in (f"amal@{reserved}", f"amal@mail.{reserved}"):
        assert outcome(importing.normalised, text) == outcome(normalise, text) != text


@given(st.from_regex(importing.PLAIN, fullmatch=True))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_short_way_is_taken_by_nothing_that_the_long_way_would_change(text):
    assert outcome(importing.normalised, text) == outcome(normalise, text)


def read(content: bytes) -> list[Row | Refused]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_bytes(content)
        return list(lists.read(path))


cells = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffd\u2028\u2029"), max_size=30)


@given(
    st.lists(st.tuples(cells, cells, cells), max_size=6),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.sampled_from(csvfile.DELIMITERS),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@settings(deadline=None)
def test_what_a_spreadsheet_writes_is_read_back_unchanged(rows, encoding, delimiter, ending, quoting):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=ending, quoting=quoting)
    writer.writerows([COLUMNS, *rows])
    assert read(file.getvalue().encode(encoding)) == [
        Row(line, *cells) for line, row in enumerate(rows, 2) if any(cells := [cell.strip() for cell in row])
    ]


hostile = st.one_of(
    st.sampled_from(
        ['"', '""', "\0", "\r", "\n", ",", ";", "\t", "\ufeff", "\u2028", "\x85", "en", "pt es", "=1+1", "a" * 1_001]
    ),
    st.sampled_from(["amal@example.org", "AMAL@example.org", "boris@example.org", "josé@bücher.example"]),
    st.text(max_size=8),
)


@given(
    st.lists(hostile, max_size=25),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"]),
    st.binary(max_size=12),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_a_file_every_row_is_imported_or_reported(db, pieces, encoding, tail):
    rows = read((HEADER + "".join(pieces)).encode(encoding, "replace") + tail)
    lines = [row.line for row in rows]
    assert lines == sorted(set(lines))
    with transaction.atomic():
        make_subscriber("boris@example.org")
        report = importing.import_rows(rows, source="list")
        new = Subscriber.objects.filter(source="list", state=Subscriber.State.SUBSCRIBED)
        assert report.rows == len(rows)
        assert report.added == new.count() == Subscriber.objects.exclude(address="boris@example.org").count()
        assert {refusal.line for refusal in report.refusals} <= set(lines)
        assert len(report.refusals) == report.refused
        assert {row.line for row in rows if isinstance(row, Refused)} <= {refusal.line for refusal in report.refusals}
        transaction.set_rollback(True)
