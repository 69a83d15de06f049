"""Idempotency keys: a call that got no answer is made again, the very same under its key, and its reader gets one mail.

Providers without keys are never called twice: test_provider_outcomes and test_provider_dialects count their calls.
"""

import asyncio
import json

import pytest

from newsletter.transports import Outcome, Verdict
from newsletter.transports.provider import ProviderTransport
from newsletter.transports.provider_batch import PROVIDERS
from tests.newsletter.providers.answers import Answer, Late, Reset, Short, Silence, Taken
from tests.newsletter.providers.bench import Ledger, deliver, fake, make_letter, make_pressing

AMAL = "amal@example.org"
ACCEPTED, REFUSED, UNSENT, UNKNOWN = Verdict.ACCEPTED, Verdict.REFUSED, Verdict.UNSENT, Verdict.UNKNOWN
WIRE = "newsletter.transports.provider_wire"
KEYED = ["resend", "brevo"]
BUSY = {"statusCode": 409, "name": "concurrent_idempotent_requests", "message": "Still at it"}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(f"{WIRE}.PAUSES", (0.01, 0.02, 0.03))


@pytest.fixture(params=KEYED)
def provider(request, settings):
    with fake(settings, request.param, batch=3, REQUESTS_TIMEOUT=(5, 0.2)) as server:
        yield server


@pytest.fixture
def resend(settings):
    with fake(settings, "resend", batch=3, REQUESTS_TIMEOUT=(5, 0.2)) as server:
        yield server


@pytest.fixture
def brevo(settings):
    with fake(settings, "brevo", batch=3, REQUESTS_TIMEOUT=(5, 0.2)) as server:
        yield server


def keys(server) -> set[str]:
    if server.name == "resend":
        return {request.headers["Idempotency-Key"] for request in server.requests}
    return {request.data["headers"]["idempotencyKey"] for request in server.requests}


def same_call(server, calls: int) -> bool:
    """Whether so many calls came in, all the same, byte for byte."""
    return (len(server.requests), len({request.body for request in server.requests}), len(keys(server))) == (
        calls,
        1,
        1,
    )


def told(outcomes: list[Outcome]) -> list[tuple]:
    return [(outcome.verdict, outcome.stops) for outcome in outcomes]


def test_the_providers_with_keys_are_these():
    lives = {name: provider.idempotency for name, provider in PROVIDERS.items() if provider.idempotency}
    assert lives == {"resend": 24 * 3600, "brevo": 15 * 60}


LOST = {"hangs": Silence(), "hangs up": Reset(), "breaks off": Short(200, {"id": "1", "messageId": "<1@brevo>"})}


@pytest.mark.parametrize("then", LOST.values(), ids=LOST.keys())
def test_a_call_that_was_taken_and_not_answered_is_made_again_and_the_reader_gets_one_mail(provider, then):
    provider.script = [Taken(then)]

    assert told(deliver(make_letter(1, AMAL))) == [(ACCEPTED, False)]
    assert [mail.to for mail in provider.mails] == [AMAL]
    assert same_call(provider, 2)


@pytest.mark.parametrize(
    "lost", [Silence(), Reset(), Answer(503, {}), Answer(408, {}), Answer(502, b"<h1>Bad gateway")]
)
def test_a_call_that_was_not_taken_is_made_again_until_it_is(provider, lost):
    provider.script = [lost, lost]

    assert told(deliver(make_letter(1, AMAL))) == [(ACCEPTED, False)]
    assert [mail.to for mail in provider.mails] == [AMAL]
    assert same_call(provider, 3)


def test_an_answer_that_comes_too_late_is_asked_for_again(provider):
    provider.script = [Late(0.4)]

    assert told(deliver(make_letter(1, AMAL))) == [(ACCEPTED, False)]
    assert [mail.to for mail in provider.mails] == [AMAL]
    assert same_call(provider, 2)


def test_a_provider_that_never_answers_is_called_a_few_times_and_leaves_the_letter_unknown(provider):
    provider.script = [Taken(Silence())] + [Silence()] * 9

    [outcome] = deliver(make_letter(1, AMAL))

    assert (outcome.verdict, outcome.why, outcome.backs_off) == (UNKNOWN, "no-answer", True)
    assert same_call(provider, 4)


@pytest.mark.parametrize("then", [Silence(), Reset()], ids=["hangs", "hangs up"])
def test_a_whole_batch_is_made_again_under_one_key_and_nobody_gets_two(provider, then):
    pressing = make_pressing()
    letters = [make_letter(number, f"reader{number}@example.org", pressing) for number in (1, 2, 3)]
    provider.script = [Taken(then)]
    ledger = Ledger()

    assert told(deliver(*letters, ledger=ledger)) == [(ACCEPTED, False)] * 3
    assert [mail.to for mail in provider.mails] == [letter.address for letter in letters]
    assert same_call(provider, 2)
    assert ledger.asked == [[1, 2, 3]]


def test_each_letter_and_each_attempt_has_a_key_of_its_own(provider):
    letter = make_letter(1, AMAL)
    for _attempt in range(2):
        deliver(letter, make_letter(2, "boris@example.org"))

    assert len(keys(provider)) == len(provider.requests) == 4


def test_resend_still_at_it_is_asked_again(resend):
    resend.script = [Taken(Silence()), Answer(409, BUSY)]

    assert told(deliver(make_letter(1, AMAL))) == [(ACCEPTED, False)]
    assert len(resend.mails) == 1
    assert same_call(resend, 3)


def test_resend_at_it_for_ever_leaves_the_letter_unknown(resend):
    resend.script = [Taken(Reset())] + [Answer(409, BUSY)] * 9

    [outcome] = deliver(make_letter(1, AMAL))

    assert (outcome.verdict, outcome.why, outcome.stops) == (UNKNOWN, "no-answer", False)
    assert same_call(resend, 4)


def test_a_key_that_resend_knows_with_another_body_is_unknown_and_stops_nothing(resend):
    said = {"statusCode": 409, "name": "invalid_idempotent_request", "message": "Another payload"}
    resend.script = [Answer(409, said)]

    [outcome] = deliver(make_letter(1, AMAL))

    assert (outcome.verdict, outcome.why, outcome.backs_off, outcome.stops) == (UNKNOWN, "no-answer", False, False)
    assert len(resend.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 402, 404])
def test_a_door_that_closes_in_between_leaves_the_letter_unknown_and_stops_the_edition(provider, status):
    provider.script = [Taken(Reset()), Answer(status, {"message": "No longer"})]

    [outcome] = deliver(make_letter(1, AMAL))

    assert (outcome.verdict, outcome.why, outcome.stops) == (UNKNOWN, "no-answer", True)
    assert f"HTTP {status}: No longer" in outcome.detail
    assert same_call(provider, 2)


def test_too_many_calls_are_no_proof_that_the_first_was_not_taken(provider):
    provider.script = [Taken(Reset())] + [Answer(429, {"message": "Slow down"})] * 9

    [outcome] = deliver(make_letter(1, AMAL))

    assert (outcome.verdict, outcome.why, outcome.backs_off) == (UNKNOWN, "no-answer", True)
    assert same_call(provider, 4)


def test_after_too_many_calls_the_first_answer_is_still_to_be_had(provider):
    provider.script = [Taken(Reset()), Answer(429, {}, {"Retry-After": "0"})]

    assert told(deliver(make_letter(1, AMAL))) == [(ACCEPTED, False)]
    assert same_call(provider, 3)


def test_too_many_calls_without_anything_in_doubt_are_answered_by_waiting_not_by_the_same_call(provider):
    provider.script = [Answer(429, {}, {"Retry-After": "7"})]

    [outcome] = deliver(make_letter(1, AMAL))

    assert (outcome.verdict, outcome.retry_after) == (Verdict.LATER, 7.0)
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [("resend", {"name": "validation_error"}), ("brevo", {"code": "invalid_parameter"})],
)
def test_what_is_not_valid_the_second_time_was_not_taken_the_first_time(settings, name, said):
    with fake(settings, name) as server:
        server.script = [Reset(), Answer(422, said | {"message": "Invalid `to` field"})]
        assert told(deliver(make_letter(1, AMAL))) == [(REFUSED, False)]
        assert same_call(server, 2)


def test_a_refusal_that_is_not_the_provider_s_own_proves_nothing(provider):
    provider.script = [Taken(Reset()), Answer(400, b"<h1>Bad request</h1>", {"Content-Type": "text/html"})]

    assert told(deliver(make_letter(1, AMAL))) == [(UNKNOWN, False)]
    assert same_call(provider, 2)


def test_brevo_s_word_that_a_key_is_used_after_trouble_of_its_own_proves_nothing(brevo):
    brevo.script = [Taken(Answer(500, {}))]

    assert told(deliver(make_letter(1, AMAL))) == [(UNKNOWN, False)]
    assert same_call(brevo, 2)


def test_a_batch_in_doubt_is_not_taken_apart(provider):
    pressing = make_pressing()
    letters = [make_letter(number, f"reader{number}@example.org", pressing) for number in (1, 2)]
    provider.script = [Taken(Reset()), Answer(413, {})]
    ledger = Ledger()

    assert told(deliver(*letters, ledger=ledger)) == [(UNKNOWN, True)] * 2
    assert ledger.asked == [[1, 2]]
    assert same_call(provider, 2)


def test_a_server_that_is_gone_in_between_leaves_the_letter_unknown(resend):
    resend.script = [Taken(Reset())]
    reset = resend.RequestHandlerClass._reset

    def reset_and_leave(handler):
        resend.socket.close()
        reset(handler)

    resend.RequestHandlerClass = type("Leaving", (resend.RequestHandlerClass,), {"_reset": reset_and_leave})

    [outcome] = deliver(make_letter(1, AMAL))

    assert (outcome.verdict, outcome.why, outcome.backs_off) == (UNKNOWN, "no-answer", True)
    assert len(resend.requests) == 1


def test_nothing_begins_after_half_of_the_lease(settings, resend, monkeypatch):
    monkeypatch.setattr(f"{WIRE}.PAUSES", (0.01, 5.0, 5.0))
    settings.SENDING_LEASE_SECONDS = 2
    resend.script = [Reset()] * 9

    assert told(deliver(make_letter(1, AMAL))) == [(UNKNOWN, False)]
    assert same_call(resend, 2)


def test_a_provider_that_asks_for_more_patience_than_there_is_is_not_called_again(resend):
    resend.script = [Answer(503, {}, {"Retry-After": "3600"})]

    [outcome] = deliver(make_letter(1, AMAL))

    assert (outcome.verdict, outcome.retry_after, len(resend.requests)) == (UNKNOWN, 3600.0, 1)


def test_a_lane_that_is_closed_makes_no_further_call(resend, monkeypatch):
    monkeypatch.setattr(f"{WIRE}.PAUSES", (20.0,))
    resend.script = [Reset()]

    async def run() -> list[Outcome]:
        lane = ProviderTransport().lane()
        sending = asyncio.create_task(lane.send([make_letter(1, AMAL)], Ledger().intend))
        while not resend.requests:
            await asyncio.sleep(0.01)
        await lane.close()
        return await sending

    assert told(asyncio.run(run())) == [(UNKNOWN, False)]
    assert len(resend.requests) == 1


def test_brevo_s_key_is_no_header_of_the_readers_in_a_batch(brevo):
    pressing = make_pressing()
    deliver(make_letter(1, AMAL, pressing), make_letter(2, "boris@example.org", pressing))

    [request] = brevo.requests
    assert request.data["headers"].keys() == {"idempotencyKey"}
    assert "idempotencyKey" not in json.dumps(request.data["messageVersions"])


def test_an_address_that_cannot_be_written_is_refused_without_a_call(provider):
    assert told(deliver(make_letter(1, "not an address"))) == [(REFUSED, False)]
    assert provider.requests == []
