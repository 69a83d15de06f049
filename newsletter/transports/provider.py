"""Sending through a provider's API with Anymail: one call at a time on each lane, and never a second try unasked.

A lane asks `intend`, makes exactly one call, and says what it came to. requests and boto would try again by
themselves, or follow a redirect with the same POST; both are switched off.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext as _
from requests.adapters import HTTPAdapter

from newsletter.mime import Letter
from newsletter.transports import Intend, Outcome, Verdict
from newsletter.transports.provider_batch import PROVIDERS, Desk
from newsletter.transports.provider_outcomes import Call, no_call, outcomes

log = logging.getLogger(__name__)
CONNECT_SECONDS, READ_SECONDS = 10, 60  # together under the default lease
IDLE_SECONDS = 30  # an idle connection may be dead without our knowing; a new one costs less than an unknown letter
PARTS = 8  # a batch that was refused as a whole is tried again in so many parts
UNEXPLAINED = 5  # so many refusals in a row for which no recipient is blamed: it is probably our mail


class ProviderTransport:
    """The provider that EMAIL_URL names."""

    def __init__(self) -> None:
        self.name = settings.EMAIL_PROVIDER
        self.provider = PROVIDERS[self.name]
        self.batch = min(settings.SENDING_BATCH, self.provider.most)
        self.desk = Desk(self.provider, self.batch)
        self.unexplained = 0

    def lane(self) -> "ProviderLane":
        return ProviderLane(self)

    def braked(self, outcome: Outcome) -> Outcome:
        """The outcome, which stops the edition when too many letters in a row were refused for no reader's sake."""
        if outcome.verdict is Verdict.ACCEPTED:
            self.unexplained = 0
        if outcome.verdict is Verdict.REFUSED and outcome.why == "refused":
            self.unexplained += 1
            return replace(outcome, stops=self.unexplained >= UNEXPLAINED)
        return outcome


class ProviderLane:
    """One connection to the provider, in a thread of its own."""

    def __init__(self, transport: ProviderTransport):
        self.transport = transport
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"lane-{transport.name}")
        self._connection: BaseEmailBackend | None = None
        self._wire: Wire | None = None
        self._used = 0.0

    async def send(self, letters: Sequence[Letter], intend: Intend) -> list[Outcome]:
        """One call for each group of letters that can share one; what follows a brake is not tried."""
        told: dict[int, Outcome] = {}
        intended: set[int] = set()
        groups = deque(self.transport.desk.groups(letters))
        while groups:
            group = groups.popleft()
            brake = next((outcome for outcome in told.values() if outcome.stops or outcome.backs_off), None)
            if brake:
                told |= _all(group, Outcome(Verdict.UNSENT, brake.why))
                continue
            answers, refused = await self._call(group, intend, intended)
            told |= {number: self.transport.braked(outcome) for number, outcome in answers.items()}
            groups.extendleft(reversed(_parts(refused)))
        return [told[letter.delivery_id] for letter in letters]

    async def close(self) -> None:
        closing = asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)
        await asyncio.wait([closing], timeout=5)

    async def _call(
        self, group: list[Letter], intend: Intend, intended: set[int]
    ) -> tuple[dict[int, Outcome], list[Letter]]:
        """Intent, then one call: what is known now, and the letters that were refused together and go again apart.

        A letter that goes again needs a new intent; if that is not granted, the old one is given back as unsent.
        """
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._open)
        except Exception as error:
            return _all(group, no_call(error)), []
        granted = await intend(group)
        told = {
            letter.delivery_id: Outcome(Verdict.UNSENT if letter.delivery_id in intended else Verdict.WITHDRAWN)
            for letter in group
            if letter.delivery_id not in granted
        }
        intended |= granted
        going = [letter for letter in group if letter.delivery_id in granted]
        if not going:
            return told, []
        answers, refused_together = await loop.run_in_executor(self._thread, self._post, going)
        if refused_together:
            return told, going
        return told | {letter.delivery_id: answer for letter, answer in zip(going, answers, strict=True)}, []

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self._connection and time.monotonic() - self._used > IDLE_SECONDS:
            self._close()
        if self._connection is None:
            connection = get_connection(**connection_options())
            connection.open()
            if session := getattr(connection, "session", None):
                self._wire = Wire(pool_connections=1, pool_maxsize=1, max_retries=0)
                session.mount("https://", self._wire)
                session.mount("http://", self._wire)
                session.max_redirects = 0
            self._connection = connection

    def _post(self, letters: list[Letter]) -> tuple[list[Outcome], bool]:
        call = Call(self.transport.provider, letters)
        if self._wire:
            self._wire.went_out = False
        try:
            call = replace(call, message=self.transport.desk.message(letters))
            self._connection.send_messages([call.message])
        except Exception as error:
            call = replace(call, error=error)
        self._used = time.monotonic()
        call = replace(call, went_out=self._wire.went_out if self._wire else None)
        try:
            return outcomes(call)
        except Exception as error:
            log.error("The answer of %s could not be read: %s", self.transport.name, type(error).__name__)
            return [Outcome(Verdict.UNKNOWN, "bad-answer", backs_off=True)] * len(letters), False

    def _close(self) -> None:
        connection, self._connection, self._wire = self._connection, None, None
        if connection:
            with contextlib.suppress(Exception):  # an error on the way out changes nothing
                connection.close()


class Wire(HTTPAdapter):
    """Plain HTTP without retries, which notes whether a byte of the request may have left this machine: what fails
    before that (DNS, connect, TLS) was certainly not sent."""

    went_out = False

    def get_connection_with_tls_context(self, *args, **kwargs):
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        if not issubclass(pool.ConnectionCls, _Noting):
            pool.ConnectionCls = type("NotingConnection", (_Noting, pool.ConnectionCls), {"wire": self})
        return pool


class _Noting:
    """A connection of http.client's kind that tells its wire when it begins to send."""

    wire: Wire
    ready = False

    def connect(self) -> None:
        self.ready = False
        super().connect()
        self.ready = True

    def send(self, data) -> None:
        if self.sock is None:
            self.connect()
        if self.ready:  # and not still asking a proxy for a tunnel
            self.wire.went_out = True
        super().send(data)


def connection_options() -> dict[str, object]:
    """What Anymail's backend is opened with: patient enough, and no second try. Raises ImproperlyConfigured."""
    options: dict[str, object] = {"backend": settings.EMAIL_BACKEND}
    if settings.EMAIL_PROVIDER != "amazon-ses":
        return options | {"timeout": _timeout()}
    from botocore.config import Config  # heavy, and needed for Amazon only

    client = dict(_mapping("AMAZON_SES_CLIENT_PARAMS"))
    config = client.get("config") or {}
    calm = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
    calm = calm.merge(config if isinstance(config, Config) else Config(**config))
    client["config"] = calm.merge(Config(retries={"total_max_attempts": 1}))
    return options | {"client_params": client, "session_params": dict(_mapping("AMAZON_SES_SESSION_PARAMS"))}


def _timeout() -> object:
    """Anymail's REQUESTS_TIMEOUT: seconds, or "connect read"; from the environment it comes as text."""
    value = settings.ANYMAIL.get("REQUESTS_TIMEOUT", (CONNECT_SECONDS, READ_SECONDS))
    if not isinstance(value, str):
        return value
    try:
        seconds = tuple(float(word) for word in value.replace(",", " ").split())
    except ValueError:
        seconds = ()
    if len(seconds) not in {1, 2}:
        raise ImproperlyConfigured(f"ANYMAIL_REQUESTS_TIMEOUT must be one or two numbers of seconds, not {value!r}.")
    return seconds[0] if len(seconds) == 1 else seconds


def _mapping(name: str) -> dict:
    """A setting of Anymail's that is a dictionary; from the environment it comes as JSON."""
    value = settings.ANYMAIL.get(name, {})
    try:
        value = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ImproperlyConfigured(f"ANYMAIL_{name} must be a JSON object.")
    return value


def check_provider(app_configs=None, **kwargs) -> list[checks.CheckMessage]:
    """What the chosen provider cannot do for a newsletter: docs/providers.md."""
    if settings.NEWSLETTER_TRANSPORT != "provider":
        return []
    provider, warnings = PROVIDERS[settings.EMAIL_PROVIDER], []
    if not provider.unsubscribes:
        warnings.append(
            checks.Warning(
                _("%(provider)s does not carry our List-Unsubscribe header.") % {"provider": provider.name},
                hint=_("Gmail and Yahoo ask it of newsletters. Choose another provider: docs/providers.md."),
                id="newsletter.W020",
            )
        )
    if settings.SENDING_BATCH > 1 and provider.most == 1:
        warnings.append(
            checks.Warning(
                _("SENDING_BATCH has no effect: %(provider)s takes one letter a call.") % {"provider": provider.name},
                hint=_("Set SENDING_BATCH to 1."),
                id="newsletter.W021",
            )
        )
    if settings.SENDING_BATCH > 1 and provider.most > 1 and not provider.stand_in:
        warnings.append(
            checks.Warning(
                _("In batches through %(provider)s the links to unsubscribe inside the mail are not personal.")
                % {"provider": provider.name},
                hint=_("Only the List-Unsubscribe header is. Set SENDING_BATCH to 1, or see docs/providers.md."),
                id="newsletter.W022",
            )
        )
    return warnings


def _all(group: Sequence[Letter], outcome: Outcome) -> dict[int, Outcome]:
    return {letter.delivery_id: outcome for letter in group}


def _parts(group: Sequence[Letter]) -> list[list[Letter]]:
    size = max(1, len(group) // PARTS)
    return [list(group[start : start + size]) for start in range(0, len(group), size)]
