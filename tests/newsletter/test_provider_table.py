"""The rows about providers of "observed → becomes" in docs/sending.md, through the whole engine: what stands in the
ledger afterwards, and how many calls the provider saw."""

import contextlib
import datetime
import multiprocessing
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from newsletter import enqueue, sending
from newsletter.models import Delivery, Edition
from newsletter.reconcile import reconcile
from tests.newsletter.crowd import crowd
from tests.newsletter.factories import make_issue
from tests.newsletter.providers.answers import Answer, Cut, Gathered, Late, Reset, Short, Silence, Taken
from tests.newsletter.providers.bench import fake, point_at

pytestmark = pytest.mark.django_db
READERS = 3
State = Edition.State
USUAL = ["mailgun", "postmark", "amazon-ses"]
WIRES = ["mailgun", "amazon-ses"]  # ours and boto's
PATIENCE = {"REQUESTS_TIMEOUT": (5, 0.2)}
MINUTES = datetime.timedelta(minutes=5)


@pytest.fixture(autouse=True)
def one_connection(settings):
    settings.SENDING_CONNECTIONS = 1  # so that the first letter is the one that meets the misbehaviour


@pytest.fixture(params=USUAL)
def provider(request, settings):
    with fake(settings, request.param, **PATIENCE) as server:
        if request.param == "amazon-ses":
            settings.ANYMAIL["AMAZON_SES_CLIENT_PARAMS"]["config"] = {"read_timeout": 0.2}
        yield server


def frozen_edition(readers: int = READERS) -> Edition:
    issue = make_issue(languages=["en"], items=1, state=State.READY)
    crowd(readers)
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    return issue.editions.get(language="en")


def send(edition: Edition) -> Edition:
    sending.send_edition(edition.pk)
    edition.refresh_from_db()
    return edition


def send_later(edition: Edition) -> Edition:
    """As the next worker does, when the edition's waiting is over."""
    with time_machine.travel(timezone.now() + MINUTES):
        reconcile()
        return send(edition)


def ledger(edition: Edition) -> dict[tuple[str, str], int]:
    """How many deliveries are in which state, and why."""
    return Counter(Delivery.objects.filter(edition=edition).values_list("state", "why"))


def recipients_of(server) -> list[str]:
    """To whom the calls were, one after the other."""
    readers = {address: address.encode() for address in Delivery.objects.values_list("subscriber__address", flat=True)}
    if server.name == "mailgun":
        return [request.form["to"][0] for request in server.requests]
    if server.name == "amazon-ses":
        return [request.data["Destination"]["ToAddresses"][0] for request in server.requests]
    return [next(to for to, word in readers.items() if word in request.body) for request in server.requests]


def assert_nobody_was_called_twice(server) -> None:
    assert [to for to, times in Counter(recipients_of(server)).items() if times > 1] == []


# --- refused ----------------------------------------------------------------------------------------------------------

REFUSALS = {
    "mailgun": Answer(400, {"message": "to parameter is not a valid address. please check documentation"}),
    "postmark": Answer(422, {"ErrorCode": 300, "Message": "Invalid 'To' address: 'x'."}),
    "mandrill": Answer(500, {"status": "error", "code": -2, "name": "ValidationError", "message": "to: invalid email"}),
    "amazon-ses": Answer(400, {"message": "Illegal address"}, {"x-amzn-ErrorType": "BadRequestException"}),
    "sendgrid": Answer(400, {"errors": [{"message": "Not an address", "field": "personalizations.0.to.0.email"}]}),
    "resend": Answer(422, {"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field"}),
}
REJECTIONS = {
    "postmark": Answer(200, {"ErrorCode": 406, "Message": "You tried to send to an inactive recipient."}),
    "mandrill": Answer(200, [{"email": "reader0@example.org", "status": "rejected", "_id": "1"}]),
    "mailjet": Answer(200, {"Messages": [{"Status": "error", "Errors": [
        {"StatusCode": 400, "ErrorMessage": "is not an address", "ErrorRelatedTo": ["To[0].Email"]}]}]}),
    "unisender-go": Answer(200, {"status": "success", "job_id": "1", "emails": [], "failed_emails":
        {"reader0@example.org": "unsubscribed"}}),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
@pytest.mark.parametrize(
    ("name", "answer"),
    [*REFUSALS.items(), *REJECTIONS.items()],
    ids=[f"{name} says no" for name in REFUSALS] + [f"{name} rejects in a 200" for name in REJECTIONS],
)
def test_a_refused_recipient_has_failed_and_the_others_get_theirs(settings, name, answer):
    with fake(settings, name) as server:
        server.script = [answer]
        edition = send(frozen_edition())

        assert Counter(state for state, _why in ledger(edition).elements()) == {"failed": 1, "accepted": READERS - 1}
        assert (edition.state, len(server.requests)) == (State.SENT, READERS)


# --- the edition pauses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", WIRES, indirect=True)
@pytest.mark.parametrize(
    ("status", "why"), [(401, "credentials"), (403, "credentials"), (402, "quota"), (308, "configuration")]
)
def test_a_closed_door_pauses_the_edition_and_nobody_is_lost(provider, status, why):
    provider.script = [Answer(status, {"message": "No"}, {"Location": provider.url + "/elsewhere"})]
    edition = send(frozen_edition())

    assert (edition.state, len(provider.requests)) == (State.PAUSED, 1)
    assert f"HTTP {status}" in edition.reason
    assert ledger(edition) == {("queued", why): 1, ("queued", ""): READERS - 1}

    enqueue.resume(edition, by=None)
    edition = send_later(edition)
    assert ledger(edition) == {("accepted", ""): READERS}
    assert len(provider.requests) == 1 + READERS


# --- the edition waits ------------------------------------------------------------------------------------------------


def test_too_many_calls_make_the_edition_wait_as_long_as_it_is_asked(provider):
    provider.script = [Answer(429, {"message": "Slow down"}, {"Retry-After": "120"})]
    before = timezone.now()
    edition = send(frozen_edition())

    assert (edition.state, len(provider.requests)) == (State.SENDING, 1)
    assert ledger(edition) == {("queued", "rate-limit"): 1, ("queued", ""): READERS - 1}
    assert edition.resume_at >= before + datetime.timedelta(seconds=120)
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}

    edition = send_later(edition)
    assert ledger(edition) == {("accepted", ""): READERS}
    assert (edition.state, len(provider.requests)) == (State.SENT, 1 + READERS)


LOST = {
    "500": Answer(500, {"message": "Sorry"}),
    "502, the page of a proxy": Answer(502, b"<html><h1>Bad Gateway</h1></html>", {"Content-Type": "text/html"}),
    "503": Answer(503, {}, {"Retry-After": "30"}),
    "408": Answer(408, {}),
    "200, a page of somebody else's": Answer(200, b"<html>Welcome to our WiFi", {"Content-Type": "text/html"}),
    "200 with half of its JSON": Answer(200, b'{"id": "<1@'),
    "200 that breaks off": Taken(Short(200, {"id": "1", "message": "Queued. Thank you."})),
    "cut": Reset(),
    "taken and cut": Taken(Reset()),
    "silence": Silence(),
    "taken and silence": Taken(Silence()),
    "taken and answered too late": Late(0.5),
}


# Of a page with an error every provider's reading is the same; of a 200 Postmark's is its own.
WHO_LOSES = [(name, said) for said in LOST for name in (USUAL if said.startswith("200") else WIRES)]


@pytest.mark.parametrize(
    ("provider", "answer"),
    [(name, LOST[said]) for name, said in WHO_LOSES],
    ids=[f"{name}-{said}" for name, said in WHO_LOSES],
    indirect=["provider"],
)
def test_a_call_without_a_clear_answer_leaves_its_one_reader_unknown_for_ever(provider, answer):
    provider.script = [answer]
    edition = send(frozen_edition())

    states = Counter(state for state, _why in ledger(edition).elements())
    assert states == {"unknown": 1, "queued": READERS - 1}
    assert (edition.state, len(provider.requests)) == (State.SENDING, 1)
    assert edition.resume_at is not None

    edition = send_later(edition)
    states = Counter(state for state, _why in ledger(edition).elements())
    assert states == {"unknown": 1, "accepted": READERS - 1}
    assert (edition.state, len(provider.requests)) == (State.SENT, READERS)
    assert_nobody_was_called_twice(provider)


@pytest.mark.parametrize("name", ["mailgun", "postmark"], ids=["form", "JSON"])
def test_a_cut_before_the_last_byte_was_sent_leaves_nothing_in_doubt(settings, name):
    """The request has no end (RFC 9112 §8), and more of it is left than the sockets hold."""
    with fake(settings, name) as server:
        edition = frozen_edition()
        rendition = edition.renditions.get()
        rendition.text += "x" * 12_000_000
        rendition.save()
        server.script = [Cut()]
        edition = send(edition)
        assert ledger(edition) == {("queued", "unreachable"): 1, ("queued", ""): READERS - 1}
        assert (edition.state, len(server.requests)) == (State.SENDING, 1)
        assert edition.resume_at is not None


# --- nothing left this machine ----------------------------------------------------------------------------------------


def nobody_listens() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("name", USUAL)
@pytest.mark.parametrize("url", ["http://provider.invalid", nobody_listens], ids=["no such name", "nobody listens"])
def test_without_a_connection_all_stay_in_the_queue_and_the_edition_waits(settings, name, url):
    point_at(settings, name, url if isinstance(url, str) else url())
    edition = send(frozen_edition())

    assert ledger(edition) == {("queued", "unreachable"): 1, ("queued", ""): READERS - 1}
    assert edition.state == State.SENDING
    assert edition.resume_at is not None


@pytest.fixture
def stranger(tmp_path):
    """A server with a certificate that nobody has signed: its port, and what was said to it after the handshake."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    words = [*made.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    heard: list[bytes] = []

    def serve(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client hangs up in the handshake; the test closes the socket
            while True:
                client, _address = listening.accept()
                with client, contextlib.suppress(OSError):
                    heard.append(context.wrap_socket(client, server_side=True).recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield listening.getsockname()[1], heard
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("name", USUAL)
def test_a_certificate_that_nobody_has_signed_is_told_nothing(settings, name, stranger):
    port, heard = stranger
    point_at(settings, name, f"https://127.0.0.1:{port}")
    edition = send(frozen_edition())

    assert ledger(edition) == {("queued", "unreachable"): 1, ("queued", ""): READERS - 1}
    assert edition.state == State.SENDING
    assert edition.resume_at is not None
    assert b"".join(heard) == b""


# --- a redirect that has done its work already ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mailgun", "postmark"], ids=["form", "JSON"])
@pytest.mark.parametrize("status", [302, 303])
def test_a_redirect_to_a_page_to_look_at_leaves_the_reader_unknown_and_is_not_followed(settings, name, status):
    with fake(settings, name) as server:
        server.script = [Taken(Answer(status, b"", {"Location": server.url + "/thanks"}))]
        edition = send(frozen_edition())

        assert ledger(edition) == {("unknown", "bad-answer"): 1, ("queued", ""): READERS - 1}
        assert len(server.requests) == 1


# --- a killed worker --------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("taken", [True, False], ids=["the provider has taken it", "the provider has not"])
@pytest.mark.parametrize("name", ["mailgun", "resend"], ids=["without keys", "with keys"])
def test_a_worker_killed_after_the_post_leaves_one_reader_unknown_and_calls_nobody_twice(settings, name, taken):
    with fake(settings, name) as server:
        server.script = [Taken(Silence()) if taken else Silence()]
        edition = frozen_edition()
        connections.close_all()  # not to be shared with a fork
        worker = multiprocessing.get_context("fork").Process(target=sending.send_edition, args=(edition.pk,))
        worker.start()
        wait_until(lambda: server.requests)
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        server.over.set()  # nobody waits for the answer any more

        edition = send_later(edition)
        assert ledger(edition) == {("unknown", "worker-lost"): 1, ("accepted", ""): READERS - 1}
        assert (edition.state, len(server.requests)) == (State.SENT, READERS)
        assert_nobody_was_called_twice(server)


def wait_until(condition) -> None:
    latest = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < latest
        time.sleep(0.01)


# --- a live idempotency key -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resend", "brevo"])
@pytest.mark.parametrize(
    "lost", [Taken(Silence()), Taken(Reset()), Silence(), Reset(), Answer(502, b"<h1>Bad Gateway</h1>")]
)
def test_under_a_key_nobody_is_unknown_and_everybody_has_one_mail(settings, monkeypatch, name, lost):
    monkeypatch.setattr("newsletter.transports.provider_wire.PAUSES", (0.01, 0.02))
    with fake(settings, name, **PATIENCE) as server:
        server.script = [lost]
        edition = send(frozen_edition())

        assert (edition.state, ledger(edition)) == (State.SENT, {("accepted", ""): READERS})
        assert len(server.requests) > READERS  # by one, and by more where the machine is slower than the patience
        assert sorted(mail.to for mail in server.mails) == [f"reader{number}@example.org" for number in range(READERS)]


# --- many connections at once -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [Silence(), Reset(), Answer(503, {}), Answer(401, {}), Answer(429, {})])
def test_a_provider_that_is_down_is_found_out_by_one_call_however_many_connections_there_are(settings, answer):
    settings.SENDING_CONNECTIONS = 8
    with fake(settings, "mailgun", **PATIENCE) as server:
        server.script = [answer] * 50
        edition = frozen_edition(readers=20)
        send(edition)

        assert len(server.requests) == 1
        assert Counter(state for state, _why in ledger(edition).elements())["queued"] >= 19


def test_without_a_connection_nobody_waits_for_each_of_them_in_turn(settings):
    settings.SENDING_CONNECTIONS = 8
    point_at(settings, "mailgun", nobody_listens())
    edition = send(frozen_edition(readers=20))

    assert Counter(state for state, _why in ledger(edition).elements()) == {"queued": 20}
    assert edition.resume_at is not None


def test_after_the_first_letter_all_connections_are_busy_at_once(settings):
    settings.SENDING_CONNECTIONS = 8
    with fake(settings, "mailgun") as server:
        together = threading.Barrier(8)
        server.script = [Late(0)] + [Gathered(together)] * 16
        edition = send(frozen_edition(readers=17))

        assert ledger(edition) == {("accepted", ""): 17}
        assert len(server.connections) == 8


def test_a_provider_that_refuses_the_first_reader_is_not_down(settings):
    settings.SENDING_CONNECTIONS = 8
    with fake(settings, "mailgun") as server:
        server.script = [REFUSALS["mailgun"]] * 2
        edition = send(frozen_edition(readers=20))

        assert ledger(edition) == {("failed", "refused"): 2, ("accepted", ""): 18}
