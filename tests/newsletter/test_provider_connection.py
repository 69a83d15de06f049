"""What lies under a call: how many connections, which proxy, and a form that is encoded once for all readers."""

import asyncio

import requests
from hypothesis import given
from hypothesis import strategies as st

from newsletter.transports import Verdict
from newsletter.transports.provider import ProviderTransport
from newsletter.transports.provider_wire import form
from tests.newsletter.providers.bench import Ledger, deliver, fake, make_letter, make_pressing, point_at

AMAL = "amal@example.org"
WORDS = st.text(max_size=30) | st.text(alphabet="tok-en_ &=%ü\r\n", max_size=400)
FIELDS = st.dictionaries(st.text(max_size=10), WORDS | st.lists(WORDS, min_size=1, max_size=3), min_size=1)


@given(FIELDS, st.sampled_from(["", "tok-en", "&="]))
def test_a_form_is_written_as_requests_writes_it(fields, apart):
    assert form(fields, apart=apart) == requests.Request("POST", "http://x", data=fields).prepare().body


def test_lanes_are_as_many_as_the_knob_says(settings):
    settings.SENDING_CONNECTIONS = 5
    point_at(settings, "mailgun", "http://127.0.0.1:9")
    assert ProviderTransport().lanes == 5


def send_on_lanes(transport: ProviderTransport, letters: list) -> list[Verdict]:
    """Each letter on a lane of its own, all at once."""

    async def run() -> list[Verdict]:
        lanes = [transport.lane() for _letter in letters]
        each = [lane.send([letter], Ledger().intend) for lane, letter in zip(lanes, letters, strict=True)]
        told = await asyncio.gather(*each)
        await asyncio.gather(*(lane.close() for lane in lanes))
        return [outcome.verdict for [outcome] in told]

    return asyncio.run(run())


def test_amazon_s_client_is_one_for_all_lanes_and_a_new_one_after_all_have_closed(settings, monkeypatch):
    import boto3

    made = []
    client = boto3.session.Session.client
    monkeypatch.setattr(
        boto3.session.Session, "client", lambda *args, **options: made.append(1) or client(*args, **options)
    )
    pressing = make_pressing()
    letters = [make_letter(number, f"reader{number}@example.org", pressing) for number in range(1, 5)]
    with fake(settings, "amazon-ses") as amazon:
        transport = ProviderTransport()

        assert send_on_lanes(transport, letters) == [Verdict.ACCEPTED] * 4
        assert (len(made), len(amazon.requests)) == (1, 4)
        assert send_on_lanes(transport, letters[:1]) == [Verdict.ACCEPTED]
        assert (len(made), len(amazon.requests)) == (2, 5)


def test_the_proxy_of_the_environment_is_used(settings, monkeypatch):
    with fake(settings, "mandrill") as server:
        point_at(settings, "mandrill", "http://provider.invalid")
        monkeypatch.setenv("HTTP_PROXY", server.url)
        monkeypatch.delenv("NO_PROXY", raising=False)

        assert [outcome.verdict for outcome in deliver(make_letter(1, AMAL))] == [Verdict.ACCEPTED]
        assert server.requests[0].path.startswith("http://provider.invalid/")


def test_the_certificates_of_the_environment_are_used(settings, monkeypatch):
    point_at(settings, "mandrill", "https://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")

    [told] = deliver(make_letter(1, AMAL))

    assert told.verdict is Verdict.UNSENT
    assert "/nonexistent" in told.detail


def test_a_netrc_of_somebody_s_is_not_read(settings, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with fake(settings, "postmark") as postmark:
        deliver(make_letter(1, AMAL))

    assert "Authorization" not in postmark.requests[0].headers
