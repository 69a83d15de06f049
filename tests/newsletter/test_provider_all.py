"""Every provider that EMAIL_URL may name: its calls can be built, and what it cannot do is known and said."""

import base64
import json
import re

import pytest

from newsletter.mime import delivery_token
from newsletter.transports import Outcome, Verdict
from newsletter.transports.provider import ProviderTransport, check_provider
from newsletter.transports.provider_batch import PROVIDERS
from picum import env
from tests.newsletter.providers.bench import MARKER, deliver, fake, make_letter, make_pressing, point_at

pytestmark = pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
BATCHING = [name for name, provider in PROVIDERS.items() if provider.most > 1]
READERS = ("amal@example.org", "boris@example.org", "carla@exämple.org")


def body(server) -> str:
    """What the one request said, however it is written."""
    [request] = server.requests
    if server.name == "mailgun":
        return json.dumps(request.form)
    if server.name == "amazon-ses":
        return base64.b64decode(request.data["Content"]["Raw"]["Data"]).decode().replace("\n ", "").replace("=\n", "")
    return json.dumps(request.data, ensure_ascii=False)


def test_the_table_knows_exactly_the_providers_that_email_url_may_name():
    assert PROVIDERS.keys() == env.PROVIDERS.keys()


@pytest.mark.parametrize("name", PROVIDERS)
def test_one_letter_goes_through_every_provider(settings, name):
    letter = make_letter(7, "carla@exämple.org")
    with fake(settings, name) as server:
        [told] = deliver(letter)

    assert (told.verdict, told.why) == (Verdict.ACCEPTED, "")
    said = body(server)
    assert "carla@xn--exmple-cua.org" in said
    assert delivery_token(7) in said
    assert letter.token in said
    assert MARKER not in said
    assert ("List-Unsubscribe" in said) == (name != "mailersend")


@pytest.mark.parametrize("name", BATCHING)
def test_a_batch_goes_through_every_provider_that_takes_one_in_one_call(settings, name):
    pressing = make_pressing()
    letters = [make_letter(number, address, pressing) for number, address in enumerate(READERS, 1)]
    with fake(settings, name, batch=1000) as server:
        told = deliver(*letters)

    assert [outcome.verdict for outcome in told] == [Verdict.ACCEPTED] * 3
    said = body(server)
    for letter in letters:
        assert f"/de/newsletter/leave/{letter.token}/>, <mailto:unsubscribe@news.example.org" in said
        assert delivery_token(letter.delivery_id) in said
    # The marker is left only where the provider itself replaces it.
    assert (MARKER in said) == (name == "sendgrid")
    assert said.count("List-Unsubscribe=One-Click") in {1, 3, 4}  # once for all, or for each


def test_sendgrid_is_told_to_put_each_reader_s_token_where_the_marker_stands(settings):
    pressing = make_pressing()
    letters = [make_letter(number, address, pressing) for number, address in enumerate(READERS, 1)]
    with fake(settings, "sendgrid", batch=3) as server:
        deliver(*letters)

    data = server.requests[0].data
    assert [one["substitutions"] for one in data["personalizations"]] == [{MARKER: letter.token} for letter in letters]
    assert [part["value"].count(MARKER) for part in data["content"]] == [2, 2]


def test_providers_without_metadata_carry_the_delivery_as_a_tag(settings):
    token = delivery_token(7)
    with fake(settings, "postal") as postal:
        deliver(make_letter(7, READERS[0]))
    with fake(settings, "mailersend") as mailersend:
        deliver(make_letter(7, READERS[0]))

    assert postal.requests[0].data["tag"] == token
    assert mailersend.requests[0].data["tags"] == [token, "newsletter"]
    assert "headers" not in mailersend.requests[0].data


def test_mailjet_is_not_sent_the_headers_it_refuses(settings):
    pressing = make_pressing()
    with fake(settings, "mailjet", batch=3) as single:
        deliver(make_letter(1, READERS[0], pressing))
    with fake(settings, "mailjet", batch=3) as batch:
        deliver(make_letter(1, READERS[0], pressing), make_letter(2, READERS[1], pressing))

    names = {
        "Content-Language", "List-Post", "List-Unsubscribe", "List-Unsubscribe-Post", "Precedence",
        "X-Auto-Response-Suppress",
    }  # fmt: skip
    assert single.requests[0].data["Globals"]["Headers"].keys() == names
    assert [message["Headers"].keys() for message in batch.requests[0].data["Messages"]] == [names, names]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sparkpost", "Kosten {{{amount}}} Euro"),
        ("unisender-go", "Kosten {{amount}} Euro"),
        ("mailersend", "Kosten {$amount} Euro"),
        ("mandrill", "Kosten *|AMOUNT|* Euro"),
        ("mailjet", "Kosten [[var:amount]] Euro"),
        ("brevo", "Kosten {{ params.amount }} Euro"),
    ],
)
def test_what_a_provider_would_replace_in_an_editor_s_text_arrives_as_it_was_written(settings, name, words):
    with fake(settings, name) as server:
        [told] = deliver(make_letter(1, READERS[0], make_pressing(words=words)))

    said = body(server)
    assert told.verdict is Verdict.ACCEPTED
    assert words not in said
    assert words in said.replace("\u2060", "")  # the text part, without its invisible word joiners
    html = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), said)
    assert f"<p>{words}</p>" in html


def test_scaleway_refuses_a_mailbox_it_would_lose(settings):
    with fake(settings, "scaleway") as scaleway:
        [told] = deliver(make_letter(1, "inês@example.org"))

    assert told == Outcome(Verdict.REFUSED, "refused", "Scaleway does not support EAI in to")
    assert scaleway.requests == []


@pytest.mark.parametrize(("wanted", "most"), [(1, 1), (50, 50), (5000, 500)])
def test_a_batch_is_as_large_as_the_knob_says_and_the_provider_allows(settings, wanted, most):
    point_at(settings, "postmark", "http://127.0.0.1:9", batch=wanted)
    assert (ProviderTransport().name, ProviderTransport().batch) == ("postmark", most)


@pytest.mark.parametrize("name", PROVIDERS)
def test_no_call_carries_more_letters_than_its_provider_takes(settings, name):
    pressing = make_pressing()
    letters = [make_letter(number, f"reader{number}@example.org", pressing) for number in range(1, 1202)]
    point_at(settings, name, "http://127.0.0.1:9", batch=5000)

    sizes = [len(group) for group in ProviderTransport().desk.groups(letters)]

    assert (max(sizes), sum(sizes)) == (PROVIDERS[name].most, 1201)


def test_a_provider_that_repeats_the_bodies_gets_no_call_larger_than_it_takes(settings):
    pressing = make_pressing(words="ü" * 3_000_000)  # six bytes each in JSON, and twice: 36 MB
    letters = [make_letter(number, f"reader{number}@example.org", pressing) for number in range(1, 4)]
    point_at(settings, "postmark", "http://127.0.0.1:9", batch=500)

    assert [len(group) for group in ProviderTransport().desk.groups(letters)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "batch", "ids"),
    [
        ("mailgun", 1, []),
        ("mailgun", 100, []),
        ("sparkpost", 1, ["newsletter.W020"]),
        ("mailersend", 100, ["newsletter.W020", "newsletter.W021"]),
        ("amazon-ses", 100, ["newsletter.W021"]),
        ("postmark", 1, []),
        ("postmark", 100, ["newsletter.W022"]),
    ],
)
def test_the_system_check_says_what_the_provider_cannot_do(settings, name, batch, ids):
    point_at(settings, name, "http://127.0.0.1:9", batch=batch)

    warnings = check_provider()

    assert [warning.id for warning in warnings] == ids
    assert all(name in warning.msg and warning.hint for warning in warnings)


def test_the_system_check_has_nothing_to_say_about_smtp(settings):
    settings.NEWSLETTER_TRANSPORT, settings.EMAIL_PROVIDER = "smtp", ""
    assert check_provider() == []


@pytest.mark.parametrize(
    ("value", "timeout"), [("7", 7.0), ("5 20", (5.0, 20.0)), ("5, 20", (5.0, 20.0)), ((1, 2), (1, 2))]
)
def test_the_time_to_wait_may_come_from_the_environment(settings, value, timeout):
    point_at(settings, "mailgun", "http://127.0.0.1:9", REQUESTS_TIMEOUT=value)
    lane = ProviderTransport().lane()
    lane._open()
    assert lane._connection.timeout == timeout
    lane._close()


@pytest.mark.parametrize(
    ("name", "setting", "value", "words"),
    [
        ("mailgun", "REQUESTS_TIMEOUT", "soon", "must be one or two numbers of seconds"),
        ("amazon-ses", "AMAZON_SES_CLIENT_PARAMS", "eu-west-1", "must be a JSON object"),
        ("amazon-ses", "AMAZON_SES_SESSION_PARAMS", "[]", "must be a JSON object"),
    ],
)
def test_a_setting_that_cannot_be_read_stops_the_edition_with_one_sentence(settings, name, setting, value, words):
    with fake(settings, name) as server:
        settings.ANYMAIL[setting] = value
        [told] = deliver(make_letter(1, READERS[0]))

    assert (told.verdict, told.why, told.stops) == (Verdict.UNSENT, "configuration", True)
    assert f"ANYMAIL_{setting} {words}" in told.detail
    assert server.requests == []
