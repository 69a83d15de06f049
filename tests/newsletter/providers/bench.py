"""Letters, a ledger that only notes what it was asked, and the settings that point a provider at the fake one."""

import asyncio
import uuid
from collections.abc import Sequence
from functools import lru_cache

from newsletter.mime import Letter, Pressing
from newsletter.transports import Outcome
from newsletter.transports.provider import ProviderTransport
from picum import env, links
from tests.newsletter.providers.fake import KEY, FakeProvider

MARKER = "reader-0f3a9c-token"


@lru_cache(maxsize=1)
def botocore_session():
    """One for all tests: each would read Amazon's descriptions of its services anew (50 ms)."""
    import botocore.session

    return botocore.session.get_session()


def anymail(name: str, url: str) -> dict[str, object]:
    """Anymail's settings for a provider at another address."""
    upper = env.PROVIDERS[name].upper()
    if name == "amazon-ses":
        keys = {"region_name": "eu-west-1", "aws_access_key_id": "id", "aws_secret_access_key": KEY}
        session = {"botocore_session": botocore_session()}
        return {"AMAZON_SES_CLIENT_PARAMS": {"endpoint_url": url} | keys, "AMAZON_SES_SESSION_PARAMS": session}
    if name == "mailjet":
        return {"MAILJET_API_KEY": "id", "MAILJET_SECRET_KEY": KEY, "MAILJET_API_URL": url}
    if name == "scaleway":
        return {"SCALEWAY_SECRET_KEY": KEY, "SCALEWAY_PROJECT_ID": "project", "SCALEWAY_API_URL": url}
    word = {"postmark": "SERVER_TOKEN", "mailersend": "API_TOKEN", "mailtrap": "API_TOKEN"}.get(name, "API_KEY")
    return {f"{upper}_{word}": KEY, f"{upper}_API_URL": url + ("/v3" if name == "mailgun" else "")}


def point_at(settings, name: str, url: str, *, batch: int = 1, **more) -> None:
    """Let the newsletter leave through a provider at `url`. `more`: Anymail's settings."""
    settings.NEWSLETTER_TRANSPORT, settings.EMAIL_PROVIDER = "provider", name
    settings.EMAIL_BACKEND = f"anymail.backends.{env.PROVIDERS[name]}.EmailBackend"
    settings.SENDING_BATCH = batch
    settings.ANYMAIL = anymail(name, url) | more
    settings.SITE_URL = "https://news.example.org"
    settings.DEFAULT_FROM_EMAIL = "PICUM <newsletter@news.example.org>"
    settings.NEWSLETTER_MAIL_DOMAIN = "news.example.org"
    settings.NEWSLETTER_REPLY_TO = "office@example.org"


def make_pressing(*, words: str = "Grüße aus Brüssel", language: str = "de", marker: str = MARKER) -> Pressing:
    leave = links.page("newsletter:leave", marker, language=language)
    choose = links.page("newsletter:preferences", marker, language=language)
    return Pressing(
        language=language,
        label="october-2026",
        subject="Oktober 2026",
        html=f'<p>{words}</p><a href="{leave}">abmelden</a> <a href="{choose}">Sprachen</a>',
        text=f"{words}\n\nAbmelden: {leave}\nSprachen: {choose}\n",
        marker=marker,
    )


def make_letter(number: int, address: str, pressing: Pressing | None = None) -> Letter:
    return Letter(number, 1, address, uuid.UUID(int=number), pressing or make_pressing())


class Ledger:
    """Grants every intent but those for `gone`, and notes what it was asked and how often."""

    def __init__(self, gone: Sequence[int] = ()):
        self.gone, self.asked = set(gone), []

    async def intend(self, letters: Sequence[Letter]) -> set[int]:
        ids = [letter.delivery_id for letter in letters]
        self.asked.append(ids)
        return set(ids) - self.gone


def deliver(*letters: Letter, ledger: Ledger | None = None, transport: ProviderTransport | None = None):
    """What one lane says to these letters, given at once."""
    return deliver_each([letters], ledger=ledger, transport=transport)[0]


def deliver_each(rounds, *, ledger: Ledger | None = None, transport=None) -> list[list[Outcome]]:
    """One lane, several rounds of letters."""

    async def run() -> list[list[Outcome]]:
        lane = (transport or ProviderTransport()).lane()
        try:
            return [await lane.send(letters, (ledger or Ledger()).intend) for letters in rounds]
        finally:
            await lane.close()

    return asyncio.run(run())


def leave_header(letter: Letter) -> str:
    return (
        f"<https://news.example.org/{letter.pressing.language}/newsletter/leave/{letter.token}/>, "
        f"<mailto:unsubscribe@news.example.org?subject={letter.token}>"
    )


def fake(settings, name: str, **options) -> FakeProvider:
    """A provider that is pointed at; to be entered."""
    server = FakeProvider(name)
    point_at(settings, name, server.url, **options)
    return server
