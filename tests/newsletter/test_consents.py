"""The consent ledger is only ever added to, and whatever somebody does to it behind our back shows."""

import datetime
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.db.models import QuerySet
from hypothesis import HealthCheck, given
from hypothesis import settings as rules
from hypothesis import strategies as st

from newsletter import consents, wordings
from newsletter.consents import Entry, Fault, How, Kind
from newsletter.models import Consent, Wording

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 11, 3, 12, 0, 0, 123456, tzinfo=datetime.UTC)
AMAL, BORIS = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.fixture
def lines(db):
    """Amal asks and consents in German, boris is imported and leaves, amal is erased."""
    german = wordings.current("de")
    consents.append(
        [
            Entry(Kind.REQUESTED, How.FORM, AMAL, german, "2026-11-03 11:58:00 UTC"),
            Entry(Kind.GIVEN, How.FORM, AMAL, german),
        ],
        now=NOON,
    )
    hour = datetime.timedelta(hours=1)
    consents.append([Entry(Kind.GIVEN, How.IMPORT, BORIS, detail="Liste 2024 – Köln")], now=NOON + hour)
    consents.append([Entry(Kind.WITHDRAWN, How.ONE_CLICK, BORIS)], now=NOON + 2 * hour)
    consents.append([Entry(Kind.ERASED, How.PAGE, AMAL)], now=NOON + 3 * hour)


def sql(statement, *values):
    """As somebody does it who can write to the database."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def faults():
    return [(fault.number, fault.what) for fault in consents.verify()]


def verified(*arguments):
    """What the command says, and whether it complains."""
    out = StringIO()
    try:
        call_command("verify_ledger", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue().splitlines(), str(error)
    return out.getvalue().splitlines(), ""


# --- adding -----------------------------------------------------------------------------------------------------------


def test_lines_are_numbered_and_chained(lines):
    rows = list(Consent.objects.order_by("number"))
    assert [(row.number, row.kind, row.how, row.address_key) for row in rows] == [
        (1, "requested", "form", AMAL),
        (2, "given", "form", AMAL),
        (3, "given", "import", BORIS),
        (4, "withdrawn", "one-click", BORIS),
        (5, "erased", "page", AMAL),
    ]
    assert [row.previous for row in rows] == [consents.BEGINNING, *(row.digest for row in rows[:-1])]
    assert consents.head() == (5, rows[-1].digest)
    assert faults() == []


def test_an_empty_ledger_is_sound():
    assert consents.head() == (0, consents.BEGINNING)
    assert faults() == []
    consents.append([], now=NOON)
    assert consents.head() == (0, consents.BEGINNING)


def test_what_is_rolled_back_leaves_no_line(lines):
    with transaction.atomic():
        consents.append([Entry(Kind.GIVEN, How.FORM, AMAL)], now=NOON)
        transaction.set_rollback(True)
    assert consents.head()[0] == 5


def test_outside_a_transaction_nothing_is_added(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(connections["default"], "in_atomic_block", False)  # the test's own
        with pytest.raises(transaction.TransactionManagementError):
            consents.append([Entry(Kind.GIVEN, How.FORM, AMAL)], now=NOON)
    assert consents.head()[0] == 0


TOUCHES = {
    "update": lambda: Consent.objects.update(how="staff"),
    "delete": lambda: Consent.objects.filter(number=1).delete(),
    "delete one": lambda: Consent.objects.get(number=1).delete(),
    "save": lambda: Consent.objects.get(number=1).save(),
    "save a field": lambda: Consent.objects.get(number=1).save(update_fields=["how"]),
    "update many": lambda: Consent.objects.bulk_update(Consent.objects.all(), ["how"]),
    "add without a chain": lambda: Consent.objects.create(
        number=6, address_key=AMAL, kind="given", how="form", at=NOON
    ),
    "update or create": lambda: Consent.objects.update_or_create(number=1, defaults={"how": "staff"}),
}


@pytest.mark.parametrize("touch", TOUCHES.values(), ids=TOUCHES)
def test_our_own_code_can_change_nothing(lines, touch):
    with pytest.raises(TypeError, match="only ever added to"), transaction.atomic():
        touch()
    assert faults() == []
    assert Consent.objects.count() == 5


# --- what is done behind our back -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE newsletter_consent SET kind = 'given' WHERE number = 4", [(4, "changed")]),
        ("UPDATE newsletter_consent SET wording_id = NULL WHERE number = 2", [(2, "changed")]),
        (
            "UPDATE newsletter_consent SET number = 50 WHERE number = 4",
            [(5, "missing"), (50, "missing"), (50, "changed")],
        ),
        ("DELETE FROM newsletter_consent WHERE number = 3", [(4, "missing")]),
        ("DELETE FROM newsletter_consent WHERE number < 3", [(3, "missing")]),
        ("DELETE FROM newsletter_consent WHERE number IN (2, 4)", [(3, "missing"), (5, "missing")]),
        # A line of the past is put in again, as the newest.
        (
            "INSERT INTO newsletter_consent (number, address_key, kind, how, wording_id, detail, at, previous, digest)"
            " SELECT 6, address_key, kind, how, wording_id, detail, at, previous, 'x' FROM newsletter_consent"
            " WHERE number = 2",
            [(6, "changed")],
        ),
        (
            "UPDATE newsletter_wording SET text = text || ' And pay.' WHERE language = 'de'",
            [(1, "text"), (2, "text")],
        ),
        ("UPDATE newsletter_wording SET digest = 'x' WHERE language = 'de'", [(1, "changed"), (2, "changed")]),
        ("UPDATE newsletter_wording SET number = 7 WHERE language = 'de'", [(1, "changed"), (2, "changed")]),
    ],
)
def test_what_somebody_does_to_the_rows_is_found(lines, statement, found):
    sql(statement)
    assert faults() == found


def test_two_lines_that_changed_places_are_found(lines):
    for before, after in ((3, 60), (4, 3), (60, 4)):
        sql("UPDATE newsletter_consent SET number = %s WHERE number = %s", after, before)
    assert faults() == [(3, "changed"), (4, "changed")]


def test_a_line_and_its_digest_made_without_the_key_are_found(lines, settings):
    """Who can run our program, but does not know the key."""
    key, settings.ADDRESS_KEY = settings.ADDRESS_KEY, "a guess"
    consents.append([Entry(Kind.GIVEN, How.FORM, AMAL)], now=NOON)
    settings.ADDRESS_KEY = key
    assert faults() == [(6, "changed")]


VALUES = {
    "number": st.integers(6, 10**9),
    "address_key": st.uuids(),
    "kind": st.sampled_from(Kind.values),
    "how": st.sampled_from(How.values),
    "wording_id": st.none() | st.integers(0, 6),  # an index into the texts there are
    "detail": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200),
    "at": st.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2040, 1, 1), timezones=st.just(datetime.UTC)),  # noqa: DTZ001
    "previous": st.text("0123456789abcdef", min_size=64, max_size=64),
    "digest": st.text("0123456789abcdef", min_size=64, max_size=64),
}


def test_every_field_is_tried_below():
    assert {field.attname for field in Consent._meta.fields} - {"id"} == set(VALUES)


@rules(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.integers(1, 5), st.sampled_from(sorted(VALUES)))
def test_any_field_of_any_line_that_was_changed_is_found(lines, data, number, name):
    value = data.draw(VALUES[name], label=name)
    row = Consent.objects.get(number=number)
    if name == "wording_id" and value is not None:
        value = Wording.objects.order_by("pk")[value].pk
    before = getattr(row, name)
    with transaction.atomic():
        QuerySet(Consent).filter(number=number).update(**{name: value})
        found = {fault.number for fault in consents.verify()}
        transaction.set_rollback(True)
    assert bool(found) == (value != before)
    assert faults() == []


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_says_how_far_a_sound_ledger_goes(lines):
    number, digest = consents.head()
    assert verified() == ([f"5 lines, the last one 5:{digest}"], "")
    assert verified("--expect", f"{number}:{digest}") == verified()


def test_the_command_names_each_fault_and_fails(lines):
    sql("UPDATE newsletter_consent SET kind = 'given' WHERE number = 4")
    sql("DELETE FROM newsletter_consent WHERE number = 2")
    sql("UPDATE newsletter_wording SET text = '' WHERE language = 'de'")
    said, complaint = verified()
    assert said == [
        "Line 1 refers to a consent text that was changed.",
        "Line 3 does not follow the line before it; what stood between is gone.",
        "Line 4 was changed, or slipped in.",
        f"4 lines, the last one 5:{consents.head()[1]}",
    ]
    assert complaint == "Faults in the ledger: 3."


@pytest.mark.parametrize("last", [3, 0])
def test_an_end_that_was_cut_off_shows_against_what_was_noted(lines, last):
    noted = "{}:{}".format(*consents.head())
    sql("DELETE FROM newsletter_consent WHERE number > %s", last)
    assert faults() == []
    assert verified()[1] == ""
    said, complaint = verified("--expect", noted)
    assert said[0] == "Line 5 is not there as it was noted: lines were cut off, or changed."
    assert complaint == "Faults in the ledger: 1."


def test_what_was_noted_of_an_empty_ledger_stays_true(lines):
    assert verified("--expect", f"0:{consents.BEGINNING}")[1] == ""


@pytest.mark.parametrize("noted", ["nonsense", ":", "5", "5:abc", "99:"])
def test_what_nobody_can_have_noted_is_no_reason_to_be_calm(lines, noted):
    assert verified("--expect", noted)[1]


def test_it_is_walked_in_two_queries_whatever_its_length(lines, django_assert_num_queries):
    with django_assert_num_queries(2):  # the lines, and the one text they refer to
        assert list(consents.verify()) == []


def test_a_fault_says_where_and_what(lines):
    sql("UPDATE newsletter_consent SET detail = 'x' WHERE number = 3")
    assert list(consents.verify()) == [Fault(3, "changed")]


# --- several at once --------------------------------------------------------------------------------------------------


@pytest.mark.service
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time.")
@pytest.mark.django_db(transaction=True)
def test_several_who_append_at_once_write_one_chain():
    together = threading.Barrier(4, timeout=30)

    def work(key: uuid.UUID) -> None:
        try:
            together.wait()
            for _time in range(10):
                with transaction.atomic():
                    consents.append([Entry(Kind.GIVEN, How.FORM, key), Entry(Kind.WITHDRAWN, How.PAGE, key)], now=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for job in [pool.submit(work, uuid.uuid4()) for _worker in range(4)]:
            job.result(60)
    assert list(Consent.objects.order_by("number").values_list("number", flat=True)) == list(range(1, 81))
    assert faults() == []
