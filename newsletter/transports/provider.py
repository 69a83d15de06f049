"""Sending through a provider's API with Anymail: one call at a time on each lane, and never a second try unasked.

A lane asks `intend`, makes exactly one call, and says what it came to. Where the provider knows idempotency keys, a
call that got no answer is made again under its key (provider_wire); that is still one call.
"""

import asyncio
import contextlib
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from django.conf import settings
from django.core import checks
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext as _

from newsletter.mime import Letter
from newsletter.transports import Following, Intend, Outcome, Verdict, nothing_follows
from newsletter.transports.provider_batch import PROVIDERS, Desk
from newsletter.transports.provider_outcomes import Call, no_call, outcomes
from newsletter.transports.provider_wire import OneClient, Session, connection_options

log = logging.getLogger(__name__)
IDLE_SECONDS = 30  # an idle connection may be dead without our knowing; a new one costs less than an unknown letter
PARTS = 8  # a batch that was refused as a whole is tried again in so many parts
UNEXPLAINED = 5  # so many refusals in a row for which no recipient is blamed: it is probably our mail


class ProviderTransport:
    """The provider that EMAIL_URL names."""

    def __init__(self) -> None:
        self.name = settings.EMAIL_PROVIDER
        self.provider = PROVIDERS[self.name]
        self.batch = min(settings.SENDING_BATCH, self.provider.most)
        self.lanes = settings.SENDING_CONNECTIONS
        self.desk = Desk(self.provider, self.batch)
        self.client = OneClient()
        self.unexplained = 0
        self.probe = asyncio.Lock()
        self.works = False
        self.trouble: tuple[float, Outcome] | None = None  # the last probe's, and the monotonic moment it was known

    def lane(self) -> "ProviderLane":
        return ProviderLane(self)

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """What a probe says about all lanes."""
        self.works = any(outcome.verdict is Verdict.ACCEPTED for outcome in outcomes)
        if brake := next((outcome for outcome in outcomes if outcome.stops or outcome.backs_off), None):
            self.trouble = time.monotonic(), replace(brake, verdict=Verdict.UNSENT)

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
        self._session: Session | None = None  # None for Amazon, whose client has a wire of its own
        self._used = 0.0
        self._closing = threading.Event()

    async def send(
        self, letters: Sequence[Letter], intend: Intend, following: Following = nothing_follows
    ) -> list[Outcome]:
        """Outcomes in the order of the letters.

        Until a first letter is accepted, one lane goes ahead and the others wait for it: a provider that is down
        costs each run one unknown letter, not one for each lane.
        """
        transport, asked = self.transport, time.monotonic()
        if not transport.works:
            async with transport.probe:
                if transport.trouble and transport.trouble[0] >= asked:
                    return [transport.trouble[1]] * len(letters)
                if not transport.works:
                    outcomes = await self._send(letters, intend)
                    transport.learn(outcomes)
                    return outcomes
        return await self._send(letters, intend)

    async def _send(self, letters: Sequence[Letter], intend: Intend) -> list[Outcome]:
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
        self._closing.set()  # no further call for what is in doubt
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
            if not self._is_open():
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

    def _is_open(self) -> bool:
        return self._connection is not None and time.monotonic() - self._used <= IDLE_SECONDS

    def _open(self) -> None:
        self._close()
        connection = get_connection(**connection_options(self.transport.provider))
        if self.transport.name == "amazon-ses":
            self.transport.client.lend(connection)
        else:
            connection.open()
            self._session = Session(connection.session, connection.api_url, self.transport.provider, self._closing)
            connection.session = self._session
        self._connection, self._used = connection, time.monotonic()

    def _post(self, letters: list[Letter]) -> tuple[list[Outcome], bool]:
        provider = self.transport.provider
        # Not made of the delivery and its attempt: an attempt that came to nothing is made once more under its old
        # number, and would be given the old answer.
        key = str(uuid.uuid4()) if provider.idempotency else ""
        call = Call(provider, letters)
        if self._session:
            self._session.wire.begin(key)
            self._session.token = letters[0].token if len(letters) == 1 else ""
        try:
            call = replace(call, message=self.transport.desk.message(letters, key=key))
            self._connection.send_messages([call.message])
        except Exception as error:
            call = replace(call, error=error)
        self._used = time.monotonic()
        if self._session:
            call = replace(call, went_out=self._session.wire.went_out, doubt=self._session.wire.doubt)
        try:
            return outcomes(call)
        except Exception as error:
            log.error("The answer of %s could not be read: %s", self.transport.name, type(error).__name__)
            return [Outcome(Verdict.UNKNOWN, "bad-answer", backs_off=True)] * len(letters), False

    def _close(self) -> None:
        connection, self._connection, self._session = self._connection, None, None
        if connection is None:
            return
        with contextlib.suppress(Exception):  # an error on the way out changes nothing
            if self.transport.name == "amazon-ses":
                self.transport.client.take_back(connection)
            else:
                connection.close()


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
