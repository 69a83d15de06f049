"""A reader is erased: gone from every row and every file, but for the fingerprint; and nobody else is touched."""

import datetime
import json
import logging
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from newsletter import (
    consents,
    enqueue,
    erasing,
    erasure_ledger,
    importing,
    ledger,
    moving,
    my_data,
    sending,
    subscriptions,
    tracking,
    wordings,
)
from newsletter.checks import erasures_can_be_written
from newsletter.consents import How
from newsletter.lists import Row
from newsletter.models import (
    Consent,
    Delivery,
    Edition,
    Move,
    RawEvent,
    SignUp,
    Subscriber,
    Suppression,
)
from picum.addresses import address_key, normalise
from tests.html import Page
from tests.newsletter.factories import make_issue, make_subscriber
from tests.newsletter.sent import NOW, sent_issue
from tests.newsletter.somebody import all_about
from tests.newsletter.traces import traces

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _name in django_settings.LANGUAGES]
AMAL, BORIS = "Amal.Haddad@Münster.example", "boris@example.org"
# As the database, a file or a provider's post may write her address.
HERS = ["amal.haddad", "xn--mnster-3ya", "münster", "m\\u00fcnster", "Amal Haddad"]


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    return tmp_path


@pytest.fixture
def client():
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def readers():
    return all_about((AMAL, "Amal Haddad"), (BORIS, "Boris"))


@pytest.fixture
def amal(readers):
    return readers[0]


@pytest.fixture
def boris(readers):
    return readers[1]


def erase(reader, **fields):
    return erasing.erase(reader.address_key, **{"how": How.PAGE, "now": timezone.now()} | fields)


def lines():
    """The file's lines, without what chains them."""
    told = [json.loads(line) for line in erasure_ledger.path().read_text().splitlines()]
    return [(line["key"], line["stop"]) for line in told]


def rows_of(reader):
    """All that is held about somebody, as they would be told; but not at which moment."""
    return my_data.about(reader.address_key) | {"told_at": None}


def post(body, source="brevo", error="ValueError", **fields):
    """A provider's post that nobody could read."""
    body = body if isinstance(body, bytes) else body.encode()
    fields = {"digest": f"{RawEvent.objects.count():032}", "size": len(body), "processed_at": NOW} | fields
    return RawEvent.objects.create(source=source, body=body, error=error, **fields)


# --- what goes, what stays --------------------------------------------------------------------------------------------


def test_there_is_something_to_find(amal):
    post(f'{{"email": "{amal.address}"}}')
    assert traces(*HERS) == [
        "accounts_auditentry.object_label",
        "newsletter_delivery.detail",
        "newsletter_deliveryevent.detail",
        "newsletter_move.address",
        "newsletter_rawevent.body",
        "newsletter_signup.address",
        "newsletter_signup.name",
        "newsletter_subscriber.address",
        "newsletter_subscriber.name",
        "newsletter_subscriber.source",
        "newsletter_systemmail.address",
    ]


@pytest.mark.parametrize("also", [False, True])
def test_nothing_of_the_address_is_left_in_any_table_or_file(amal, boris, also):
    post(f'{{"email": "{amal.address}"}}')
    held = rows_of(boris)
    assert erase(amal, also_from_stop_list=also) is True
    assert traces(*HERS, str(amal.handle), amal.handle.hex) == []
    assert rows_of(boris) == held
    assert traces("boris") != []


def test_the_fingerprint_stays_where_it_must_and_nowhere_else(amal):
    count = Delivery.objects.count()
    erase(amal)
    key = amal.address_key
    assert sorted(traces(str(key), key.hex)) == [
        "file ledger.jsonl",
        "newsletter_consent.address_key",
        "newsletter_delivery.address_key",
        "newsletter_suppression.address_key",
    ]
    assert Delivery.objects.count() == count
    told = my_data.about(key)
    assert [(line["kind"], line["how"]) for line in told["consents"]] == [("given", "form"), ("erased", "page")]
    assert told["stop_list"]["reason"] == "erased"
    assert [(row["issue"], row["state"], row["detail"]) for row in told["deliveries"]] == [
        ("october", "accepted", ""),
        ("november", "failed", ""),
    ]
    assert [told[name] for name in ("reader", "moves", "sign_ups", "mails", "staff")] == [None, [], [], [], []]
    assert list(consents.verify()) == []


def test_the_trail_of_deeds_stays_without_the_address(amal):
    erase(amal)
    deeds = [
        deed for deed in my_data.AuditEntry.objects.order_by("pk") if str(amal.pk) in (deed.object_id, str(deed.data))
    ]
    assert [(deed.action, deed.object_label) for deed in deeds] == [("subscriber.change", "")]


@pytest.mark.parametrize(
    ("before", "also", "how", "after"),
    [
        (None, False, "page", ["erased"]),
        (None, True, "page", []),
        ("unsubscribed", False, "page", ["erased"]),
        ("bounced", False, "page", ["erased"]),
        ("complained", True, "page", []),
        ("staff", False, "page", ["staff"]),
        ("staff", True, "page", ["staff"]),  # what staff entered only they take off
        ("staff", True, "staff", []),
    ],
)
def test_what_becomes_of_the_stop_list(amal, before, also, how, after):
    if before:
        Suppression.objects.create(address_key=amal.address_key, reason=before)
    erase(amal, also_from_stop_list=also, how=how)
    assert list(Suppression.objects.values_list("reason", flat=True)) == after


def test_another_readers_move_to_this_address_ends(amal, boris):
    Move.objects.filter(subscriber=boris).update(address=amal.address, address_key=amal.address_key)
    erase(amal)
    assert not Move.objects.exists()
    assert traces(*HERS) == []


def test_who_only_waits_to_confirm_is_erased_too():
    words = wordings.current("en")
    key = address_key(BORIS)
    SignUp.objects.create(address=BORIS, address_key=key, languages="en", how="form", wording=words)
    assert erasing.erase(key, how=How.STAFF, now=NOW)
    assert traces("boris") == []
    assert list(Consent.objects.values_list("kind", "how")) == [("erased", "staff")]


@pytest.mark.parametrize("to", ["nadia@example.net", BORIS])
def test_who_moves_in_the_moment_of_erasing_is_erased_at_both_addresses(amal, to):
    as_the_page_read_her = Subscriber.objects.get(pk=amal.pk)
    moving.ask(amal, to, network="", now=NOW)
    for handle in Move.objects.values_list("old_handle", "new_handle").get(subscriber=amal):
        moving.confirm(handle, now=NOW)
    erasing.erase_reader(as_the_page_read_her, how=How.PAGE, now=timezone.now())
    assert list(Subscriber.objects.values_list("address", "state")) == [(BORIS, "subscribed")]
    assert Suppression.objects.get(address_key=as_the_page_read_her.address_key).reason == "erased"
    assert traces(*HERS, "nadia@") == []


def test_nobody_is_erased_twice(amal):
    erase(amal)
    ledger, chain = erasure_ledger.path().read_bytes(), consents.head()
    assert erase(amal, also_from_stop_list=True) is False
    assert erasing.erase(address_key("nobody@example.org"), how=How.STAFF, now=NOW) is False
    assert (erasure_ledger.path().read_bytes(), consents.head()) == (ledger, chain)
    assert Suppression.objects.count() == 1


def test_the_log_says_that_somebody_was_erased_and_not_who(amal, caplog):
    caplog.set_level(logging.DEBUG)
    erase(amal)
    assert "A reader was erased: page." in caplog.text
    assert [
        word for word in [*HERS, amal.address_key.hex, str(amal.address_key)] if word in caplog.text.casefold()
    ] == []


@pytest.mark.parametrize("issues", [1, 3])
def test_the_number_of_deliveries_costs_no_queries(django_assert_num_queries, issues):
    amal = make_subscriber(AMAL)
    for number in range(issues):
        sent_issue(amal, slug=f"issue-{number}")
    with django_assert_num_queries(25 if connection.vendor == "sqlite" else 26):
        erase(amal)


# --- providers' posts -------------------------------------------------------------------------------------------------

WRITTEN = {
    "as we do": "to=Amal.Haddad@münster.example",
    "in capitals": "AMAL.HADDAD@MÜNSTER.EXAMPLE",
    "as the wire does": "Final-Recipient: rfc822; amal.haddad@xn--mnster-3ya.example",
    "in a form": "recipient=amal.haddad%40xn--mnster-3ya.example&event=bounced",
    "in a form, all of it": "recipient=%61mal.haddad%40m%C3%BCnster.example",
    "in JSON": '{"email": "Amal.Haddad@m\\u00fcnster.example"}',
    "in JSON in JSON": '{"Message": "{\\"to\\": \\"amal.haddad\\\\u0040m\\\\u00FCnster.example\\"}"}',
    "among octets": b"\xff\x00 amal.haddad@xn--mnster-3ya.example \xfe",
}


@pytest.mark.parametrize("body", WRITTEN.values(), ids=WRITTEN)
def test_a_post_that_nobody_could_read_loses_its_body_however_it_writes_the_address(body):
    amal, hers = make_subscriber(AMAL), post(body)
    others = post('{"email": "boris@example.org"}')
    erase(amal)
    assert [bytes(RawEvent.objects.get(pk=one.pk).body) for one in (hers, others)] == [b"", others.body]
    assert RawEvent.objects.get(pk=hers.pk).error == "ValueError"


def test_a_post_that_waits_is_left_to_its_reader():
    amal = make_subscriber(AMAL)
    waiting = post(f'{{"email": "{amal.address}"}}', error="", processed_at=None)
    erase(amal)
    assert bytes(RawEvent.objects.get().body) == waiting.body


# --- while something goes on ------------------------------------------------------------------------------------------


def test_what_is_queued_is_skipped(relay):
    amal, _boris = make_subscriber(AMAL), make_subscriber(BORIS)
    issue = make_issue(items=1, languages=["en"], state=Edition.State.READY)
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    erase(amal, also_from_stop_list=True)
    sending.send_edition(issue.editions.get(language="en").pk)
    assert relay.recipients() == [BORIS]
    assert sorted(Delivery.objects.values_list("state", "why")) == [("accepted", ""), ("skipped", "erased")]


def test_a_letter_that_is_on_the_wire_comes_to_its_end():
    amal = make_subscriber(AMAL)
    (delivery,) = sent_issue(amal, state="attempting")
    erase(amal)
    ledger.record([ledger.Entry(delivery.pk, 1, "accepted", detail="250 queued")], worker="w", now=NOW)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.subscriber) == ("accepted", None)


def test_what_is_said_of_the_letter_later_finds_nobody(amal):
    delivery = Delivery.objects.filter(subscriber=amal, state="accepted").get()
    token = tracking.delivery_token(delivery.pk)
    erase(amal)
    said = {"token": token, "address": amal.address, "happened_at": NOW, "source": "brevo", "key": "1"}
    tracking.apply([tracking.Event(kind="hard", detail=f"no {amal.address} here", **said)], now=NOW)
    assert traces(*HERS) == []
    assert list(Suppression.objects.values_list("reason", flat=True)) == ["erased"]


def test_no_import_brings_back_who_was_erased(amal):
    erase(amal)
    report = importing.import_rows([Row(2, AMAL, "en")], source="an old list")
    assert [refusal.reason for refusal in report.refusals] == ["the address is on the stop list"]
    assert traces(*HERS) == []


def test_who_took_themselves_off_the_stop_list_may_be_imported(amal):
    erase(amal, also_from_stop_list=True)
    assert importing.import_rows([Row(2, AMAL, "en")], source="a new list").added == 1


@pytest.mark.service
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time.")
@pytest.mark.django_db(transaction=True)
def test_who_erases_and_leaves_in_two_tabs_at_once_is_erased_once():
    amal, together = make_subscriber(AMAL), threading.Barrier(4, timeout=30)

    def work(deed):
        try:
            together.wait()
            return deed()
        finally:
            connection.close()

    deeds = [lambda: erase(amal)] * 2 + [lambda: subscriptions.unsubscribe(amal, how="page")] * 2
    with ThreadPoolExecutor(4) as pool:
        erased = [job.result(30) for job in [pool.submit(work, deed) for deed in deeds]][:2]
    assert sorted(erased) == [False, True]
    assert traces(*HERS) == []
    assert list(Suppression.objects.values_list("reason", flat=True)) == ["erased"]
    assert list(consents.verify()) == []


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_file_says_who_and_whether_they_are_stopped(amal, boris, folder):
    erase(amal)
    erase(boris, also_from_stop_list=True)
    assert lines() == [(amal.address_key.hex, True), (boris.address_key.hex, False)]
    found = list(erasure_ledger.read(erasure_ledger.path()))
    assert [(one.key, one.stop) for one in found] == [(amal.address_key, True), (boris.address_key, False)]
    assert [one.at for one in found] == list(
        Consent.objects.filter(kind="erased").order_by("number").values_list("at", flat=True)
    )
    path = folder / "erasures" / "ledger.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_line_is_on_the_disk_before_the_database_commits(amal, monkeypatch):
    fsync, synced = os.fsync, []

    def look_and_sync(file):
        assert (len(lines()), Consent.objects.filter(kind="erased").exists()) == (1, False)
        synced.append(os.fstat(file).st_ino)
        fsync(file)

    monkeypatch.setattr(os, "fsync", look_and_sync)
    erase(amal)
    path = erasure_ledger.path()
    names = [path.parent, path.parent.parent]  # what a new file is called is on the disk too
    assert synced == [place.stat().st_ino for place in (path, *names)]


@pytest.mark.parametrize("trouble", ["no folder", "no space"])
def test_what_cannot_be_written_down_is_not_done(amal, boris, folder, monkeypatch, caplog, trouble):
    erase(boris)
    before, held, chain = erasure_ledger.path().read_bytes(), rows_of(amal), consents.head()
    if trouble == "no folder":
        django_settings.VAR_DIR = folder / "nowhere"
    else:
        monkeypatch.setattr(os, "fsync", _no_space)
    with pytest.raises(erasing.NotWritten):
        erase(amal)
    assert (rows_of(amal), consents.head()) == (held, chain)
    assert (folder / "erasures" / "ledger.jsonl").read_bytes() == before
    assert "Nobody is erased" in caplog.text
    monkeypatch.undo()


def _no_space(_file):
    raise OSError(28, "No space left on device")


def test_a_check_says_when_it_cannot_be_written(folder, settings):
    assert erasures_can_be_written(None) == []
    settings.VAR_DIR = folder / "nowhere"
    (error,) = erasures_can_be_written(None)
    assert (error.id, error.msg) == ("newsletter.E040", "The ledger of erasures cannot be written.")
    assert f"write to {folder}/nowhere/erasures" in error.hint


# --- the page ---------------------------------------------------------------------------------------------------------


def page_of(reader, language="en", page="erase/", now=None):
    return f"/{language}/newsletter/data/{my_data.token_for(reader, now=now or timezone.now())}/{page}"


def form(page):
    """The page's own, not the one at the foot."""
    return next(tag for tag in page.all("form") if tag["action"] is None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_goes_and_what_stays(client, language):
    amal = make_subscriber(AMAL)
    page = Page(client.get(page_of(amal, language)))
    assert page.one("html")["lang"] == language
    assert form(page).attributes == {"method": "post"}
    assert AMAL.replace("Münster", "münster") in page.words
    box = page.one("input", name="also_from_stop_list")
    assert (box["type"], "checked" in box.attributes) == ("checkbox", False)
    assert page.one("p", id=box["aria-describedby"]).words
    assert len(page.all("button", name="erase")) == 1


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_erases_nobody(client, amal, method):
    held = rows_of(amal)
    for query in ("", "?erase=yes&also_from_stop_list=yes"):
        assert getattr(client, method)(page_of(amal) + query).status_code == 200
    assert rows_of(amal) == held


@pytest.mark.parametrize(("ticked", "reasons"), [({}, ["erased"]), ({"also_from_stop_list": "yes"}, [])])
def test_the_button_erases(client, amal, ticked, reasons):
    address = page_of(amal)
    response = client.post(address, {"erase": "yes"} | ticked)
    assert (response.status_code, Page(response).one("h1").words) == (200, "Your data is erased")
    assert ("off the stop list" in Page(response).words) == bool(ticked)
    assert not response.cookies
    assert traces(*HERS) == []
    assert list(Suppression.objects.values_list("reason", flat=True)) == reasons


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("page", ["erase/", ""])
def test_afterwards_the_link_says_that_there_is_nothing(client, amal, method, page):
    address = page_of(amal, page=page)
    client.post(page_of(amal))
    response = getattr(client, method)(address)
    if (method, page) == ("post", ""):
        assert response.status_code == 405
    else:
        assert (response.status_code, Page(response).one("h1").words) == (200, "There is nothing about you here")
    assert lines() == [(amal.address_key.hex, True)]


def test_when_it_cannot_be_written_down_a_sentence_says_so(client, amal, folder, settings):
    settings.VAR_DIR = folder / "nowhere"
    held = rows_of(amal)
    response = client.post(page_of(amal), {"also_from_stop_list": "yes"})
    page = Page(response)
    assert response.status_code == 503
    assert page.one("p", role="alert").words == (
        "That did not work, and nothing was erased. Please try again later, or write to us."
    )
    assert "checked" in page.one("input", name="also_from_stop_list").attributes
    assert rows_of(amal) == held


def test_an_address_that_came_back_is_a_new_reader_with_an_old_history(amal):
    erase(amal)
    again = make_subscriber(AMAL)
    told = my_data.about(again.address_key)
    assert told["reader"]["handle"] != amal.handle
    assert normalise(AMAL) == again.address
    assert [line["kind"] for line in told["consents"]] == ["given", "erased"]
    assert datetime.timedelta() <= told["told_at"] - again.created_at
    assert Subscriber.objects.count() == 2
