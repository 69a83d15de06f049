"""Everything a provider can say, or fail to say, and what it becomes: the table of docs/sending.md, row by row."""

import asyncio
import datetime
import socket
import threading
from email.utils import format_datetime

import pytest
import time_machine

from newsletter.transports import Outcome, Verdict
from newsletter.transports.provider import UNEXPLAINED, ProviderTransport
from tests.newsletter.providers.answers import Answer, Reset, Silence
from tests.newsletter.providers.bench import Ledger, deliver, deliver_each, fake, make_letter, make_pressing, point_at

AMAL = "amal@example.org"
NOT_US = "The provider does not let us send (%s)."
SET_UP = "The provider cannot be used as it is set up (%s)."
QUOTA = "The provider's quota is used up (%s)."


@pytest.fixture
def mailgun(settings):
    with fake(settings, "mailgun") as server:
        yield server


@pytest.fixture
def impatient(settings, mailgun):
    """As mailgun, but nobody waits long for an answer."""
    settings.ANYMAIL["REQUESTS_TIMEOUT"] = (5, 0.3)
    return mailgun


def words(text: str) -> dict:
    return {"message": text}


REFUSED, UNSENT, LATER, UNKNOWN = Verdict.REFUSED, Verdict.UNSENT, Verdict.LATER, Verdict.UNKNOWN
ROWS = {
    "400 for the recipient": (
        Answer(400, words("to parameter is not a valid address. please check documentation")),
        Outcome(REFUSED, "refused", "HTTP 400: to parameter is not a valid address. please check documentation"),
    ),
    "400 that blames nobody": (
        Answer(400, words("Header name must be pure ASCII")),
        Outcome(REFUSED, "refused", "HTTP 400: Header name must be pure ASCII"),
    ),
    "400 about the sender": (
        Answer(400, words("from parameter is not a valid address. please check documentation")),
        Outcome(
            UNSENT,
            "configuration",
            SET_UP % "HTTP 400: from parameter is not a valid address. please check documentation",
            stops=True,
        ),
    ),
    "400 about the quota": (
        Answer(400, words("Monthly limit of your plan is reached")),
        Outcome(UNSENT, "quota", QUOTA % "HTTP 400: Monthly limit of your plan is reached", stops=True),
    ),
    "422 for the recipient, whose address is not kept": (
        Answer(422, words("Amal@Example.org has no account here")),
        Outcome(REFUSED, "refused", "HTTP 422: … has no account here"),
    ),
    "401": (
        Answer(401, b"Forbidden", {"Content-Type": "text/plain"}),
        Outcome(UNSENT, "credentials", NOT_US % "HTTP 401: Forbidden", stops=True),
    ),
    "402": (Answer(402, words("Pay first")), Outcome(UNSENT, "quota", QUOTA % "HTTP 402: Pay first", stops=True)),
    "403": (
        Answer(403, words("Account disabled")),
        Outcome(UNSENT, "credentials", NOT_US % "HTTP 403: Account disabled", stops=True),
    ),
    "404": (
        Answer(404, words("Domain not found: news.example.org")),
        Outcome(UNSENT, "configuration", SET_UP % "HTTP 404: Domain not found: news.example.org", stops=True),
    ),
    "408": (Answer(408, {}), Outcome(UNKNOWN, "no-answer", "HTTP 408", backs_off=True)),
    "413": (
        Answer(413, {}),
        Outcome(UNSENT, "too-large", "The mail is too large for the provider (HTTP 413).", stops=True),
    ),
    "429 with seconds": (
        Answer(429, words("Slow down"), {"Retry-After": "17"}),
        Outcome(LATER, "rate-limit", "HTTP 429: Slow down", retry_after=17.0, backs_off=True),
    ),
    "429 with a wait of months": (
        Answer(429, {}, {"Retry-After": "99999999"}),
        Outcome(LATER, "rate-limit", "HTTP 429", retry_after=86400.0, backs_off=True),
    ),
    "429 with nonsense": (
        Answer(429, {}, {"Retry-After": "soon"}),
        Outcome(LATER, "rate-limit", "HTTP 429", backs_off=True),
    ),
    "429 about the quota": (
        Answer(429, words("daily_quota_exceeded")),
        Outcome(UNSENT, "quota", QUOTA % "HTTP 429: daily_quota_exceeded", stops=True),
    ),
    "500": (
        Answer(500, b"<html><h1>Oops</h1></html>", {"Content-Type": "text/html"}),
        Outcome(UNKNOWN, "server-error", "HTTP 500: Oops", backs_off=True),
    ),
    "503 that says when": (
        Answer(503, {}, {"Retry-After": "30"}),
        Outcome(UNKNOWN, "server-error", "HTTP 503", retry_after=30.0, backs_off=True),
    ),
    "200 that is no JSON": (
        Answer(200, b'{"id": "<1@'),
        Outcome(UNKNOWN, "bad-answer", 'HTTP 200: {"id": "<1@', backs_off=True),
    ),
    "200 of somebody else": (
        Answer(200, {"welcome": "Free WiFi"}),
        Outcome(UNKNOWN, "bad-answer", "HTTP 200: Free WiFi", backs_off=True),
    ),
    "308, which would have sent it twice": (
        Answer(308, b"", {"Location": "/v3/news.example.org/messages"}),
        Outcome(UNSENT, "configuration", SET_UP % "HTTP 308", stops=True),
    ),
    "303": (
        Answer(303, b"", {"Location": "/v3/news.example.org/messages"}),
        Outcome(UNKNOWN, "bad-answer", "HTTP 303", backs_off=True),
    ),
}


@pytest.mark.parametrize(("answer", "outcome"), ROWS.values(), ids=ROWS.keys())
def test_each_answer_of_mailgun_becomes_its_outcome_after_one_call(mailgun, answer, outcome):
    mailgun.script = [answer]

    assert deliver(make_letter(1, AMAL)) == [outcome]
    assert len(mailgun.requests) == 1


def test_a_retry_after_that_is_a_date_is_counted_from_now(mailgun):
    now = datetime.datetime(2026, 10, 28, 12, 0, tzinfo=datetime.UTC)
    when = format_datetime(now + datetime.timedelta(seconds=90), usegmt=True)
    mailgun.script = [Answer(429, {}, {"Retry-After": when})]

    with time_machine.travel(now, tick=False):
        assert deliver(make_letter(1, AMAL))[0].retry_after == 90.0


def test_a_connection_cut_after_the_request_leaves_the_letter_unknown(mailgun):
    mailgun.script = [Reset()]

    told = deliver(make_letter(1, AMAL))

    assert [(outcome.verdict, outcome.why, outcome.backs_off) for outcome in told] == [(UNKNOWN, "no-answer", True)]
    assert "Connection" in told[0].detail
    assert len(mailgun.requests) == 1


def test_a_provider_that_says_nothing_leaves_the_letter_unknown(impatient):
    impatient.script = [Silence()]

    told = deliver(make_letter(1, AMAL))

    assert [(outcome.verdict, outcome.why, outcome.backs_off) for outcome in told] == [(UNKNOWN, "no-answer", True)]
    assert "timed out" in told[0].detail
    assert len(impatient.requests) == 1


def test_silence_leaves_a_whole_batch_unknown_and_no_more(settings, impatient):
    settings.SENDING_BATCH = 3
    pressing = make_pressing()
    letters = [make_letter(number, f"reader{number}@example.org", pressing) for number in range(1, 6)]
    impatient.script = [Silence()]
    ledger = Ledger()

    told = deliver(*letters, ledger=ledger)

    assert [outcome.verdict for outcome in told] == [UNKNOWN] * 3 + [UNSENT] * 2
    assert (len(impatient.requests), ledger.asked) == (1, [[1, 2, 3]])


def test_after_trouble_the_lane_makes_a_new_connection(mailgun):
    mailgun.script = [Reset()]
    pressing = make_pressing()

    told = deliver_each([[make_letter(1, AMAL, pressing)], [make_letter(2, "boris@example.org", pressing)]])

    assert [outcome.verdict for [outcome] in told] == [UNKNOWN, Verdict.ACCEPTED]
    assert len(mailgun.connections) == 2


def test_a_connection_that_was_idle_for_long_is_not_trusted(mailgun, monkeypatch):
    monkeypatch.setattr("newsletter.transports.provider.IDLE_SECONDS", 0)
    pressing = make_pressing()

    deliver_each([[make_letter(1, AMAL, pressing)], [make_letter(2, "boris@example.org", pressing)]])

    assert (len(mailgun.requests), len(mailgun.connections)) == (2, 2)


def test_a_lane_that_is_given_up_in_mid_call_raises_that_and_can_be_closed(impatient):
    impatient.script = [Silence()]

    async def run() -> None:
        lane = ProviderTransport().lane()
        sending = asyncio.create_task(lane.send([make_letter(1, AMAL)], Ledger().intend))
        while not impatient.requests:
            await asyncio.sleep(0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await lane.close()
        assert lane._connection is None

    asyncio.run(run())


def test_nothing_was_sent_when_nobody_listens(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    point_at(settings, "mailgun", f"http://127.0.0.1:{port}")

    assert deliver(make_letter(1, AMAL)) == [
        Outcome(UNSENT, "unreachable", "No connection to the provider: [Errno 111] Connection refused", backs_off=True)
    ]


def test_nothing_was_sent_when_the_name_is_not_known(settings):
    point_at(settings, "mailgun", "http://provider.invalid")

    told = deliver(make_letter(1, AMAL))

    assert [(outcome.verdict, outcome.why, outcome.backs_off) for outcome in told] == [(UNSENT, "unreachable", True)]


@pytest.mark.parametrize("greeting", [b"", b"220 this is a mail server\r\n"], ids=["hangs up", "speaks no TLS"])
def test_nothing_was_sent_when_there_is_no_tls(settings, greeting):
    """Seen from outside, a cut in the TLS handshake looks like one after the request; the wire knows better."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        point_at(settings, "mailgun", f"https://127.0.0.1:{server.getsockname()[1]}")

        def hang_up() -> None:
            client, _address = server.accept()
            with client:
                client.recv(10_000)
                client.sendall(greeting)

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        told = deliver(make_letter(1, AMAL))
        thread.join()

    assert [(outcome.verdict, outcome.why, outcome.backs_off) for outcome in told] == [(UNSENT, "unreachable", True)]


def test_a_wrong_address_of_the_api_is_a_matter_of_configuration(settings):
    point_at(settings, "mailgun", "api.mailgun.example")
    settings.ANYMAIL["MAILGUN_API_URL"] = "api.mailgun.example/v3"

    assert [(outcome.verdict, outcome.why, outcome.stops) for outcome in deliver(make_letter(1, AMAL))] == [
        (UNSENT, "configuration", True)
    ]


def test_a_missing_key_is_found_before_any_intent(settings):
    point_at(settings, "mailgun", "http://127.0.0.1:9")
    del settings.ANYMAIL["MAILGUN_API_KEY"]
    ledger = Ledger()

    [told] = deliver(make_letter(1, AMAL), ledger=ledger)

    assert (told.verdict, told.why, told.stops) == (UNSENT, "configuration", True)
    assert "MAILGUN_API_KEY" in told.detail
    assert ledger.asked == []


def test_what_anymail_cannot_write_down_is_a_matter_of_configuration_and_refuses_nobody(mailgun, settings):
    settings.ANYMAIL["MAILGUN_SEND_DEFAULTS"] = {"merge_data": {AMAL: {"when": object()}}}

    [told] = deliver(make_letter(1, AMAL))

    assert (told.verdict, told.why, told.stops) == (UNSENT, "configuration", True)
    assert "AnymailSerializationError" in told.detail
    assert mailgun.requests == []


def test_a_feature_the_provider_lacks_is_a_matter_of_configuration_and_refuses_nobody(settings):
    with fake(
        settings, "postmark", SEND_DEFAULTS={"send_at": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)}
    ) as it:
        [told] = deliver(make_letter(1, AMAL))

    words = "AnymailUnsupportedFeature: Postmark does not support send_at"
    assert told == Outcome(UNSENT, "configuration", SET_UP % words, stops=True)
    assert it.requests == []


def test_after_a_brake_the_other_letters_are_not_even_intended(mailgun):
    mailgun.script = [Answer(401, words("No"))]
    ledger = Ledger()

    told = deliver(make_letter(1, AMAL), make_letter(2, "boris@example.org"), ledger=ledger)

    assert [(outcome.verdict, outcome.stops) for outcome in told] == [(UNSENT, True), (UNSENT, False)]
    assert (len(mailgun.requests), ledger.asked) == (1, [[1]])


def test_many_refusals_in_a_row_for_nobody_s_sake_stop_the_edition(mailgun):
    mailgun.script = [Answer(400, words("Something about this mail"))] * UNEXPLAINED
    pressing, transport = make_pressing(), ProviderTransport()
    rounds = [[make_letter(number, f"reader{number}@example.org", pressing)] for number in range(1, UNEXPLAINED + 1)]

    told = [outcome for [outcome] in deliver_each(rounds, transport=transport)]

    assert {outcome.verdict for outcome in told} == {REFUSED}
    assert [outcome.stops for outcome in told] == [False] * (UNEXPLAINED - 1) + [True]


def test_a_detail_is_short_and_names_neither_address_nor_token(mailgun):
    letter = make_letter(1, "“amal”@example.org")
    said = f"{letter.address} amal%40example.org <amal@example.org> {letter.token} " + "x " * 400
    mailgun.script = [Answer(500, words(said))]

    [told] = deliver(letter)

    assert told.detail.startswith("HTTP 500: … … <…> … x x")
    assert len(told.detail) == 300
