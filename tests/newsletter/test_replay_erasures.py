"""After a restore whoever was erased since the backup is erased again; nobody else, and nobody twice."""

import datetime
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from newsletter import consents, erasing, erasure_ledger, importing, moving, my_data, wordings
from newsletter.consents import Entry, How, Kind
from newsletter.lists import Row
from newsletter.models import Consent, Move, SignUp, Subscriber, Suppression
from tests.newsletter.factories import make_subscriber
from tests.newsletter.sent import NOW, sent_issue
from tests.newsletter.traces import traces

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    return tmp_path


@pytest.fixture
def amal():
    return subscribed("amal@example.org")


@pytest.fixture
def boris():
    return subscribed("boris@example.org")


@pytest.fixture
def carla():
    return subscribed("carla@example.org")


def subscribed(address, how=How.FORM, at=NOW):
    reader = make_subscriber(address, created_at=at, subscribed_at=at)
    consents.append([Entry(Kind.GIVEN, how, reader.address_key)], now=at)
    return reader


@contextmanager
def lost_by_a_restore():
    """What happens within is not in the backup; the ledger of erasures lies elsewhere."""
    backup = transaction.savepoint()
    yield
    transaction.savepoint_rollback(backup)


def move(reader, address, at=NOW):
    """Both addresses agree."""
    moving.ask(reader, address, network="", now=at)
    wish = Move.objects.get()
    for handle in (wish.old_handle, wish.new_handle):
        moving.confirm(handle, now=at)
    reader.refresh_from_db()


def erase(*readers, at=NOW + DAY, **fields):
    for reader in readers:
        assert erasing.erase(reader.address_key, how=How.PAGE, now=at, **fields)


def replay(*arguments):
    """What the command says, its complaints, and how it ends."""
    out, err = StringIO(), StringIO()
    try:
        call_command("replay_erasures", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue().strip(), err.getvalue().splitlines(), str(error)
    return out.getvalue().strip(), err.getvalue().splitlines(), ""


def said(known, erased):
    return f"In the ledger: {known}. Erased again: {erased}.", [], ""


def who():
    return list(Subscriber.objects.order_by("address").values_list("address", flat=True))


def stopped():
    return set(Suppression.objects.values_list("address_key", "reason"))


# --- who is back ------------------------------------------------------------------------------------------------------


def test_who_is_back_after_a_restore_is_erased_again(amal, boris, carla):
    sent_issue(amal, boris, carla)
    with lost_by_a_restore():
        erase(amal, boris)
    assert who() == ["amal@example.org", "boris@example.org", "carla@example.org"]
    assert replay() == said(2, 2)
    assert who() == ["carla@example.org"]
    assert traces("amal@", "boris@") == []
    assert stopped() == {(amal.address_key, "erased"), (boris.address_key, "erased")}
    lines = Consent.objects.filter(address_key=amal.address_key).order_by("number")
    assert [(line.kind, line.how, line.detail) for line in lines] == [
        ("given", "form", ""),
        ("erased", "staff", "again, after a restore"),
    ]
    assert list(consents.verify()) == []


def test_a_second_time_nobody_is_left(amal, carla):
    with lost_by_a_restore():
        erase(amal)
    replay()
    file, chain = erasure_ledger.path().read_bytes(), consents.head()
    assert replay() == said(1, 0)
    assert (erasure_ledger.path().read_bytes(), consents.head()) == (file, chain)


def test_without_a_restore_nothing_happens(amal, carla):
    erase(amal)
    chain = consents.head()
    assert replay() == said(1, 0)
    assert consents.head() == chain


def test_a_dry_run_only_counts(amal, carla):
    with lost_by_a_restore():
        erase(amal)
    held, chain = my_data.about(amal.address_key), consents.head()
    assert replay("--dry-run") == ("In the ledger: 1. Would be erased again: 1.", [], "")
    assert my_data.about(amal.address_key) | {"told_at": None} == held | {"told_at": None}
    assert (consents.head(), stopped()) == (chain, set())


def test_who_was_not_yet_known_at_the_backup_is_stopped_all_the_same(carla):
    """Or the next import would bring them."""
    with lost_by_a_restore():
        amal = subscribed("amal@example.org")
        erase(amal)
    assert replay() == said(1, 1)
    assert stopped() == {(amal.address_key, "erased")}
    assert replay() == said(1, 0)


def test_who_went_off_the_stop_list_too_is_off_it_again(amal):
    Suppression.objects.create(address_key=amal.address_key, reason="unsubscribed")
    with lost_by_a_restore():
        erase(amal, also_from_stop_list=True)
    assert replay() == said(1, 1)
    assert (who(), stopped()) == ([], set())


def test_what_staff_entered_on_the_stop_list_stays_there(amal):
    Suppression.objects.create(address_key=amal.address_key, reason="staff")
    with lost_by_a_restore():
        erase(amal, also_from_stop_list=True)
    replay()
    assert stopped() == {(amal.address_key, "staff")}


def test_rows_of_one_table_that_came_back_alone_go_again(amal):
    row = Subscriber.objects.filter(pk=amal.pk).values().get()
    erase(amal)
    Subscriber.objects.create(**row)
    assert replay() == said(1, 1)
    assert who() == []


# --- who has come back by themselves ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [How.FORM, How.EMBED, How.MOVE, How.IMPORT])
def test_who_has_subscribed_again_since_stays(amal, how):
    erase(amal, also_from_stop_list=True)
    again = subscribed("amal@example.org", how, NOW + 2 * DAY)
    chain = consents.head()
    assert replay() == said(1, 0)
    assert (who(), stopped(), consents.head()) == (["amal@example.org"], set(), chain)
    Subscriber.objects.get(handle=again.handle)


def test_who_subscribed_between_the_restore_and_the_replay_stays(amal):
    with lost_by_a_restore():
        erase(amal)
    consents.append([Entry(Kind.GIVEN, How.FORM, amal.address_key)], now=NOW + 2 * DAY)
    assert replay() == said(1, 0)
    assert who() == ["amal@example.org"]


@pytest.mark.parametrize("how", [How.IMPORT, How.STAFF, How.MEMBER])
def test_whom_an_older_list_brings_between_the_restore_and_the_replay_goes(how):
    with lost_by_a_restore():
        amal = subscribed("amal@example.org")
        erase(amal)
    importing.import_rows([Row(2, "amal@example.org", "en")], source="an old list")
    consents.append([Entry(Kind.GIVEN, how, amal.address_key)], now=NOW + 2 * DAY)
    assert replay() == said(1, 1)
    assert (who(), stopped()) == ([], {(amal.address_key, "erased")})


def test_who_came_back_and_was_erased_again_counts_once(amal):
    with lost_by_a_restore():
        erase(amal)
        again = subscribed("amal@example.org", at=NOW + 2 * DAY)
        erase(again, at=NOW + 3 * DAY, also_from_stop_list=True)
    assert replay() == said(1, 1)
    assert (who(), stopped()) == ([], set())
    assert replay() == said(1, 0)


@pytest.mark.parametrize("also", [False, True])
def test_who_had_moved_since_the_backup_is_erased_at_the_address_that_it_knows(amal, carla, also):
    former = [amal.address_key]
    with lost_by_a_restore():
        for name in ("nadia", "noor"):
            move(amal, f"{name}@example.org")
            former.append(amal.address_key)
        erase(amal, also_from_stop_list=also)
    assert who() == ["amal@example.org", "carla@example.org"]
    assert replay() == said(3, 3)
    assert who() == ["carla@example.org"]
    assert stopped() == (set() if also else {(key, "erased") for key in former})
    assert replay() == said(3, 0)


def test_without_a_restore_nothing_happens_to_who_had_moved_either(amal, carla):
    move(amal, "nadia@example.org")
    erase(amal)
    chain = consents.head()
    assert replay() == said(2, 0)
    assert (who(), consents.head()) == (["carla@example.org"], chain)


def test_a_former_address_that_is_a_readers_again_stays_theirs(amal):
    former = amal.address_key
    move(amal, "nadia@example.org")
    back = subscribed("amal@example.org", at=NOW + DAY / 2)
    erase(amal)
    assert replay() == said(1, 0)
    assert who() == ["amal@example.org"]
    assert (former, "erased") not in stopped()
    erase(back, at=NOW + 2 * DAY)
    assert who() == []


def test_who_is_about_to_confirm_a_later_wish_may_do_so(amal):
    with lost_by_a_restore():
        erase(amal)
    asked = {"address": amal.address, "address_key": amal.address_key, "languages": "en", "how": "form"}
    for at in (NOW, NOW + 2 * DAY):
        SignUp.objects.create(wording=wordings.current("en"), created_at=at, **asked)
    assert replay() == said(1, 1)
    assert [sign_up.created_at for sign_up in SignUp.objects.all()] == [NOW + 2 * DAY]


# --- the file ---------------------------------------------------------------------------------------------------------


def test_lines_that_cannot_be_trusted_are_named_and_the_rest_is_done(amal, boris, carla):
    """One was changed, one is missing before the last one."""
    dan = subscribed("dan@example.org")
    with lost_by_a_restore():
        erase(amal, boris, carla, dan)
    lines = erasure_ledger.path().read_text().splitlines(keepends=True)
    erasure_ledger.path().write_text("".join([lines[0].replace("true", "false"), lines[1], lines[3]]))
    assert replay() == (
        "In the ledger: 2. Erased again: 2.",
        [
            "Line 1 was not written by us, or was changed; it is not followed.",
            "Line 3 does not follow the line before it: lines are missing there.",
        ],
        "Lines that cannot be trusted: 2.",
    )
    assert who() == ["amal@example.org", "carla@example.org"]


def test_another_file_is_read_where_it_is_named(amal, folder):
    with lost_by_a_restore():
        erase(amal)
    elsewhere = erasure_ledger.path().rename(folder / "from the backup")
    assert replay("--file", str(elsewhere)) == said(1, 1)


def test_a_file_that_is_not_there_is_said_to_be_missing(folder):
    out, complaints, end = replay()
    assert (out, complaints) == ("", [])
    assert end == f"There is no {folder}/erasures/ledger.jsonl: nobody was erased, or it was lost."
    assert replay("--file", str(folder))[2].endswith("cannot be read: Is a directory.")


def test_erasures_later_than_the_replay_go_on_in_the_same_file(amal, boris):
    with lost_by_a_restore():
        erase(amal)
    replay()
    erase(boris, at=timezone.now())
    assert replay() == said(2, 0)
