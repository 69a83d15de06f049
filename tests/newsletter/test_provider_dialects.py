"""Providers say the same thing in ways of their own; each is understood, after exactly one call."""

import json

import pytest

from newsletter.transports import Outcome, Verdict
from tests.newsletter.providers.answers import Answer, Reset, Silence
from tests.newsletter.providers.bench import deliver, fake, make_letter, make_pressing

AMAL = "amal@example.org"
REFUSED, UNSENT, LATER, UNKNOWN = Verdict.REFUSED, Verdict.UNSENT, Verdict.LATER, Verdict.UNKNOWN


def said(settings, name: str, answer: Answer, *letters) -> list[Outcome]:
    with fake(settings, name) as server:
        server.script = [answer]
        told = deliver(*(letters or [make_letter(1, AMAL)]))
        assert len(server.requests) == 1
        return told


@pytest.mark.parametrize("status", ["rejected", "invalid"])
def test_a_recipient_refused_in_a_200_is_refused(settings, status):
    answer = Answer(200, [{"email": AMAL, "status": status, "_id": "1", "reject_reason": "hard-bounce"}])

    [told] = said(settings, "mandrill", answer)

    why = {"rejected": "rejected", "invalid": "hard-bounce"}[status]
    assert told == Outcome(REFUSED, why, f"HTTP 200: …; {status}; 1; hard-bounce")


def test_a_single_recipient_is_found_under_whatever_name_the_provider_uses(settings):
    answer = Answer(200, [{"email": "amal@mail.example.org", "status": "queued", "_id": "1"}])

    assert said(settings, "mandrill", answer) == [Outcome(Verdict.ACCEPTED, detail="1")]


def test_a_recipient_about_whom_a_200_says_nothing_is_unknown(settings):
    assert said(settings, "scaleway", Answer(200, {"emails": []})) == [
        Outcome(UNKNOWN, "bad-answer", "HTTP 200", backs_off=True)
    ]


POSTMARK = {
    "inactive": (422, 406, "Found inactive addresses: amal@example.org. Inactive recipients are", REFUSED, "rejected"),
    "bad address": (422, 300, "Error parsing 'To': Illegal email domain 'x' in address", REFUSED, "hard-bounce"),
    "our From": (422, 300, "Invalid 'From' address: 'x'.", UNSENT, "configuration"),
    "our signature": (422, 400, "The 'From' address you supplied is not a Sender Signature", UNSENT, "configuration"),
    "our money": (422, 405, "Not allowed to send: you have run out of credits", UNSENT, "quota"),
    "our account": (422, 412, "Your account is pending approval", UNSENT, "configuration"),
    "our token": (401, 10, "Bad or missing Server API token", UNSENT, "credentials"),
    "their limits": (429, 429, "Rate limit exceeded", LATER, "rate-limit"),
    "their delay": (200, 0, "Message accepted, but delivery may be delayed.", Verdict.ACCEPTED, ""),
}


@pytest.mark.parametrize(("status", "code", "said", "verdict", "why"), POSTMARK.values(), ids=POSTMARK.keys())
def test_postmark_s_error_codes_are_told_apart(settings, status, code, said, verdict, why):
    data = {"ErrorCode": code, "Message": said, "MessageID": "1", "To": AMAL}
    with fake(settings, "postmark") as postmark:
        postmark.script = [Answer(status, data)]
        [told] = deliver(make_letter(1, AMAL))

    assert (told.verdict, told.why, told.stops) == (verdict, why, verdict is UNSENT)


def test_an_account_that_is_closed_in_mid_batch_refuses_nobody(settings):
    pressing = make_pressing()
    letters = [make_letter(number, f"reader{number}@example.org", pressing) for number in (1, 2, 3)]
    taken = {"ErrorCode": 0, "Message": "OK", "MessageID": "1", "To": "reader1@example.org"}
    closed = {"ErrorCode": 405, "Message": "Not allowed to send"}
    with fake(settings, "postmark", batch=3) as postmark:
        postmark.script = [Answer(200, [taken, closed, closed])]
        told = deliver(*letters)

    assert [(outcome.verdict, outcome.why) for outcome in told] == [
        (Verdict.ACCEPTED, ""), (UNSENT, "quota"), (UNSENT, "quota"),
    ]  # fmt: skip
    assert [outcome.stops for outcome in told] == [False, True, True]


OTHERS = {
    "Mandrill says 500 for a wrong key": (
        "mandrill", 500, {"status": "error", "code": -1, "name": "Invalid_Key", "message": "Invalid API key"},
        UNSENT, "credentials",
    ),
    "Mandrill says 500 for a wrong field": (
        "mandrill", 500, {"status": "error", "code": -2, "name": "ValidationError", "message": "email: bad"},
        REFUSED, "refused",
    ),
    "Mandrill says 500 for trouble": (
        "mandrill", 500, {"status": "error", "code": -4, "name": "GeneralError", "message": "Sorry"},
        UNKNOWN, "server-error",
    ),
    "Postal says 200 for a wrong key": (
        "postal", 200, {"status": "error", "data": {"code": "InvalidServerAPIKey", "message": "No"}},
        UNSENT, "credentials",
    ),
    "Postal says 200 for a bad letter": (
        "postal", 200, {"status": "error", "data": {"code": "ValidationError", "message": "No"}}, REFUSED, "refused",
    ),
    "Mailjet says whose field is wrong: theirs": (
        "mailjet", 400, {"Messages": [{"Status": "error", "Errors": [
            {"StatusCode": 400, "ErrorMessage": "is an invalid email address", "ErrorRelatedTo": ["To[0].Email"]}]}]},
        REFUSED, "hard-bounce",
    ),
    "Mailjet says whose field is wrong: ours": (
        "mailjet", 400, {"Messages": [{"Status": "error", "Errors": [
            {"StatusCode": 400, "ErrorMessage": "is not a validated sender", "ErrorRelatedTo": ["From"]}]}]},
        UNSENT, "configuration",
    ),
    "Mailjet knows no such key": (
        "mailjet", 401, {"ErrorCode": "mj-0002", "StatusCode": 401, "ErrorMessage": "API key authentication failure"},
        UNSENT, "credentials",
    ),
    "Resend's day is full": (
        "resend", 429, {"statusCode": 429, "name": "daily_quota_exceeded", "message": "Too much"}, UNSENT, "quota",
    ),
    "MailerSend does not like the reader": (
        "mailersend", 422, {"message": "The to.0.email must be valid.", "errors": {"to.0.email": ["invalid"]}},
        REFUSED, "refused",
    ),
    "Brevo has no credits left": (
        "brevo", 402, {"code": "not_enough_credits", "message": "You are out of credits"}, UNSENT, "quota",
    ),
    "Amazon throttles": (
        "amazon-ses", 429, {"__type": "TooManyRequestsException", "message": "Maximum sending rate exceeded."},
        LATER, "rate-limit",
    ),
    "Amazon's day is full": (
        "amazon-ses", 429, {"__type": "TooManyRequestsException", "message": "Daily message quota exceeded."},
        UNSENT, "quota",
    ),
    "Amazon has paused us": (
        "amazon-ses", 400, {"__type": "SendingPausedException", "message": "Paused"}, UNSENT, "credentials",
    ),
    "Amazon does not like the reader": (
        "amazon-ses", 400, {"__type": "BadRequestException", "message": "Illegal address"}, REFUSED, "refused",
    ),
    "Amazon knows no such key": (
        "amazon-ses", 403, {"__type": "UnrecognizedClientException", "message": "The token is invalid."},
        UNSENT, "credentials",
    ),
    "Amazon is in trouble": ("amazon-ses", 500, {"message": "Internal"}, UNKNOWN, "server-error"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "status", "data", "verdict", "why"), OTHERS.values(), ids=OTHERS.keys())
def test_each_provider_s_own_way_of_saying_it_is_understood_after_one_call(settings, name, status, data, verdict, why):
    headers = {"x-amzn-ErrorType": data["__type"]} if "__type" in data else {}
    [told] = said(settings, name, Answer(status, json.dumps(data).encode(), headers))

    assert (told.verdict, told.why, told.stops) == (verdict, why, verdict is UNSENT)


@pytest.mark.parametrize(
    ("answer", "verdict", "why"),
    [(Reset(), UNKNOWN, "no-answer"), (Silence(), UNKNOWN, "no-answer"), (None, UNSENT, "unreachable")],
    ids=["cut", "silence", "nobody listens"],
)
def test_amazon_s_own_client_makes_one_call_and_tells_apart_what_went_out(settings, answer, verdict, why):
    with fake(settings, "amazon-ses") as amazon:
        settings.ANYMAIL["AMAZON_SES_CLIENT_PARAMS"]["config"] = {"read_timeout": 0.3, "retries": {"max_attempts": 5}}
        amazon.script = [answer]
        if answer is None:
            amazon.shutdown()  # a socket that is still polled goes on listening when it is closed
            amazon.socket.close()
        [told] = deliver(make_letter(1, AMAL))

    assert (told.verdict, told.why, told.backs_off) == (verdict, why, True)
    assert len(amazon.requests) == (0 if answer is None else 1)


def test_amazon_without_credentials_is_a_matter_of_configuration(settings, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    with fake(settings, "amazon-ses") as amazon:
        params = {"endpoint_url": amazon.url, "region_name": "eu-west-1"}
        settings.ANYMAIL["AMAZON_SES_CLIENT_PARAMS"] = json.dumps(params)  # as the environment gives it
        [told] = deliver(make_letter(1, AMAL))

    assert (told.verdict, told.why, told.stops) == (UNSENT, "configuration", True)
    assert amazon.requests == []
