"""Answers that are slow, huge or full of what no database takes: they cost what a lost answer costs, and no more."""

import gzip
import time

import pytest

from newsletter import enqueue, sending
from newsletter.models import Delivery, Edition
from newsletter.transports import Outcome, Verdict
from newsletter.transports.provider_words import MOST_CHARACTERS, scrubbed
from tests.newsletter.crowd import crowd
from tests.newsletter.factories import make_issue
from tests.newsletter.providers.answers import Answer, Drip, DripOfBody, Taken
from tests.newsletter.providers.bench import deliver, deliver_each, fake, make_letter, make_pressing

AMAL, BORIS = "amal.haddad@example.org", "boris@example.org"
OUR_WIRE_AND_BOTO_S = ["mailgun", "amazon-ses"]
SLOW = {"mailgun": "timed out", "amazon-ses": "Read timeout"}
LONG = {"mailgun": "more than 1,000,000 bytes", "amazon-ses": "Connection was closed before"}
REAL = {"id": "<1@x>", "MessageId": "1", "message": "Queued. Thank you."}
LARGE = b'{"id": "' + b"x" * 1_100_000 + b'"}'


def impatient(settings, name: str):
    """Waits 0.4 s for an answer, with boto too."""
    server = fake(settings, name, REQUESTS_TIMEOUT=(5, 0.4))
    if name == "amazon-ses":
        settings.ANYMAIL["AMAZON_SES_CLIENT_PARAMS"]["config"] = {"read_timeout": 0.4}
    return server


@pytest.mark.parametrize("answer", [Drip(200, REAL), DripOfBody(200, REAL)], ids=["head and body", "body"])
@pytest.mark.parametrize("name", OUR_WIRE_AND_BOTO_S)
def test_an_answer_that_comes_byte_by_byte_is_not_awaited_longer_than_silence(settings, name, answer):
    with impatient(settings, name) as server:
        server.script = [Taken(answer)]
        start = time.monotonic()
        [told] = deliver(make_letter(1, AMAL))

        assert (told.verdict, told.why, told.backs_off) == (Verdict.UNKNOWN, "no-answer", True)
        assert SLOW[name] in told.detail
        assert time.monotonic() - start < 2.5  # all of it would take 5 s
        assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["resend", "brevo"])
def test_under_a_key_a_dripping_answer_is_asked_for_again_and_the_reader_gets_one_mail(settings, monkeypatch, name):
    monkeypatch.setattr("newsletter.transports.provider_wire.PAUSES", (0.01,))
    with impatient(settings, name) as server:
        server.script = [Taken(DripOfBody(200, REAL))]

        assert [told.verdict for told in deliver(make_letter(1, AMAL))] == [Verdict.ACCEPTED]
        assert (len(server.requests), [mail.to for mail in server.mails]) == (2, [AMAL])


def test_the_time_of_one_answer_does_not_shorten_that_of_the_next_on_the_same_connection(settings):
    with impatient(settings, "mailgun") as server:
        rounds = [[make_letter(number, f"reader{number}@example.org", make_pressing())] for number in range(1, 4)]
        server.script = [DripOfBody(200, "")] * 2  # two bytes of JSON: 0.2 s each

        assert [outcome.why for [outcome] in deliver_each(rounds)] == ["bad-answer", "bad-answer", ""]
        assert (len(server.requests), len(server.connections)) == (3, 1)


@pytest.mark.parametrize("name", OUR_WIRE_AND_BOTO_S)
def test_an_answer_beyond_all_measure_is_not_read_to_its_end(settings, name):
    with fake(settings, name) as server:
        server.script = [Taken(Answer(200, LARGE))]
        [told] = deliver(make_letter(1, AMAL))

        assert (told.verdict, told.why, told.backs_off) == (Verdict.UNKNOWN, "no-answer", True)
        assert LONG[name] in told.detail


def test_an_answer_that_is_huge_when_unpacked_is_not_read_to_its_end(settings):
    with fake(settings, "mailgun") as server:
        server.script = [Taken(Answer(200, gzip.compress(LARGE), {"Content-Encoding": "gzip"}))]
        rounds = [[make_letter(1, AMAL)], [make_letter(2, BORIS)]]
        [[told], [next_one]] = deliver_each(rounds)

        assert (told.verdict, told.why) == (Verdict.UNKNOWN, "no-answer")
        assert "more than 1,000,000 bytes" in told.detail
        assert next_one.verdict is Verdict.ACCEPTED


NOT_FOR_A_DATABASE = ["half an emoji \ud83d here", "a NUL \x00 here", "\udfff\x1b[31m\x7f"]


@pytest.mark.parametrize("words", NOT_FOR_A_DATABASE)
def test_what_no_database_takes_is_left_out_of_a_provider_s_words(settings, words):
    with fake(settings, "mailgun") as server:
        server.script = [Answer(400, {"message": f"'to' is not valid: {words}"})]
        [told] = deliver(make_letter(1, AMAL))

    assert told.detail.startswith("HTTP 400: 'to' is not valid: ")
    assert told.detail.encode().decode().isprintable()


@pytest.mark.django_db
def test_a_group_whose_answers_hold_what_no_database_takes_is_recorded(settings):
    issue = make_issue(languages=["en"], items=1, state=Edition.State.READY)
    crowd(len(NOT_FOR_A_DATABASE) + 1)
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    settings.SENDING_CONNECTIONS = 1
    with fake(settings, "mailgun") as server:
        server.script = [Answer(400, {"message": f"'to' is not valid: {words}"}) for words in NOT_FOR_A_DATABASE]
        sending.send_edition(issue.editions.get(language="en").pk)

    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["accepted", *["failed"] * 3]


def told(detail: str, *addresses: str) -> str:
    """The detail that is kept of a letter to each of these, in one call."""
    pressing = make_pressing()
    letters = [make_letter(number, address, pressing) for number, address in enumerate(addresses, 1)]
    return scrubbed(Outcome(Verdict.REFUSED, "refused", detail), letters).detail


@pytest.mark.parametrize("words", ["a", "@", "a@", "%40a ", "a b ", "ä"])
def test_a_megabyte_of_words_is_searched_for_addresses_in_no_time(words):
    start = time.process_time()
    kept = told(words * (1_000_000 // len(words)), AMAL)
    assert time.process_time() - start < 0.5
    assert len(kept) <= 300


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("user amal.haddad unknown", "user … unknown"),
        ("no mailbox <AMAL.HADDAD>: Amal.Haddad", "no mailbox <…>: …"),
        ("amal.haddad at another place, boris here", "… at another place, … here"),
        ("amal.haddadi is somebody else, and so is xboris", "amal.haddadi is somebody else, and so is xboris"),
        ("an address is not valid", "an address is not valid"),
    ],
)
def test_a_reader_is_not_named_by_what_stands_before_the_at_either(said, kept):
    assert told(said, AMAL, BORIS, "an@example.org") == kept


@pytest.mark.parametrize("missing", range(len(f"{AMAL},{BORIS}") + 2))
def test_wherever_long_words_are_cut_no_half_of_an_address_is_left(missing):
    """Much of what is kept shrinks, so that the place of the cut is within the 300 characters."""
    long = f"{'x' * 90}@example.org," * 18
    said = long + "," * (MOST_CHARACTERS - len(long) - missing) + f"{AMAL},{BORIS}" + "the end " * 10
    assert set(told(said, "carla@example.org")) <= set("…,")
