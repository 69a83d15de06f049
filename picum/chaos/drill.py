"""The drill: a site is built up, sends, suffers, and is judged."""

import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from newsletter import enqueue, lifecycle, subscriptions
from newsletter.models import Delivery, Edition, Subscriber
from picum import env
from picum.chaos import crew as crews
from picum.chaos import stage, wire
from picum.chaos.calamities import KILL, STOP, Blow, Calamities
from picum.chaos.crash import POINTS
from picum.chaos.judge import Doubt, Evidence, Finding, judge
from picum.chaos.servers import Postgres, Redis
from picum.chaos.site import Site

WORKERS, CHILDREN, BEATS, SENDERS = 2, 2, 2, 3
ROUND_TRIPS = 4  # answers that the relay gives for a mail: MAIL, RCPT, DATA, dot
SLOWEST = 0.1  # seconds for an answer
SETTLES = 2.0  # seconds in which a late double would arrive
IN_THE_AIR = 10.0  # seconds that a letter is on its way at most, hangs included
LEAVERS = 3  # readers who leave at a time


class TimedOut(Exception):
    """Deliveries were still open when the time was up; the message says in which state."""


class Drill:
    """`run()` once, in a process whose settings are those of the drill's own site. `say` gets the lines."""

    def __init__(self, folder: Path, *, recipients: int, kills: int, seed: int, say: Callable[[str], None]):
        self.folder, self.recipients, self.kills, self.say = folder, recipients, kills, say
        self.dice = random.Random(seed)  # noqa: S311  # dice, not secrets
        self.has_services = not settings.BROKER_IS_EMBEDDED
        self.start = time.monotonic()
        self.left: set[str] = set()
        self.finished_at = 0.0
        self.postgres: Postgres | None = None
        self.redis: Redis | None = None
        self.half_frozen = 0
        self.pauses: list[str] = []  # for which the relay gave no cause

    def tell(self, what: str, whom: str) -> float:
        """A line for what happens now; the moment in seconds since the start."""
        moment = time.monotonic() - self.start
        self.say(f"{moment:7.1f} s  {what:<42}{whom}")
        return moment

    def run(self) -> tuple[Finding, Evidence]:
        """Raises TimedOut, or site.Failed when something of the drill itself does not start."""
        with wire.Wire({}, port=settings.EMAIL_PORT, delay=self._delay(), path=self.folder / "accepted.log",
                       dice=self.dice, tell=self.tell) as self.wire:  # fmt: skip
            environment = {"SENDING_LEASE_SECONDS": str(settings.SENDING_LEASE_SECONDS),
                           "SENDING_RECONCILE_SECONDS": str(settings.SENDING_RECONCILE_SECONDS),
                           "SENDING_CONNECTIONS": str(settings.SENDING_CONNECTIONS)}  # fmt: skip
            self.site = Site(self.folder, self.wire, database=env.text("DATABASE_URL"),
                             broker=settings.CELERY_BROKER_URL, **environment)  # fmt: skip
            try:
                self._build()
                self._die_while_freezing()
                self._send()
                return self._judge()
            finally:
                connection.close()
                if self.postgres:
                    self.postgres.close()
                self.site.close()

    def _delay(self) -> float:
        """So slow a relay that the sending takes some seconds for each blow, and there is a middle to hit."""
        lanes = self._senders() * settings.SENDING_CONNECTIONS
        return min(SLOWEST, (2 + 2 * self.kills) * lanes / (ROUND_TRIPS * self.recipients))

    def _senders(self) -> int:
        return WORKERS * CHILDREN if self.has_services else SENDERS

    # --- before -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        if self.has_services:
            self.postgres = Postgres(self.site, self.folder / "postgres", env.text("DATABASE_URL"))
            self.redis = Redis(self.site, self.folder / "redis", settings.CELERY_BROKER_URL)
            durable = ", ".join(f"{name} {value}" for name, value in sorted(self.postgres.settings().items()))
            self.tell("PostgreSQL and Redis of our own", durable)
        call_command("migrate", verbosity=0)
        self.readers = stage.make_readers(self.recipients, dice=self.dice)
        self.issue = stage.make_issue(dice=self.dice)
        self.wire.faults = wire.plan(self.readers, dice=self.dice)
        self.tell("the site stands", f"{len(self.readers)} readers, an issue in {len(stage.LANGUAGES)} languages")

    def _die_while_freezing(self) -> None:
        """Staff press Send at once, and each time the machine dies in the middle of what follows."""
        points = [*POINTS, "commit"][: 3 if self.has_services else 2]
        self.tell(f"Send is pressed {len(points)} times at once", ", ".join(stage.LANGUAGES))
        words = "from picum.chaos.crash import send_and_die as go; go({!r}, {!r}, {!r})"
        dying = [
            self.site.start("manage.py", "shell", "-v0", "-c", words.format(stage.SLUG, stage.LANGUAGES, point))
            for point in points
        ]
        for point, program in zip(points, dying, strict=True):
            program.ends(code=-signal.SIGKILL)
            self.half_frozen = max(self.half_frozen, Delivery.objects.count())
            self.tell("kill -9 while freezing", f"at: {point}; deliveries left behind: {self.half_frozen}")

    # --- in the middle ------------------------------------------------------------------------------------------

    def _send(self) -> None:
        posts = (
            crews.celery(self.folder, workers=WORKERS, children=CHILDREN, beats=BEATS)
            if self.has_services
            else crews.commands(stage.SLUG, number=SENDERS)
        )
        self.crew = crews.Crew(self.site, posts)
        self.calamities = Calamities(
            self.crew, self.wire, self.dice, self.tell, connections=settings.SENDING_CONNECTIONS,
            lease=settings.SENDING_LEASE_SECONDS, postgres=self.postgres, redis=self.redis,
        )  # fmt: skip
        self.crew.start()
        self.tell("the workers start", ", ".join(post.name for post in posts))
        blows = self._moments(self.calamities.kinds(self.kills))
        deadline = time.monotonic() + 120 + 30 * self.kills + self.recipients / 20
        looked_at = 0.0
        while True:
            self.crew.tend()
            self.calamities.tend()
            self._strike(blows)
            if time.monotonic() - looked_at > 0.5:
                looked_at = time.monotonic()
                if self._look_after() and not self.calamities.pending:
                    break
            if time.monotonic() > deadline:
                raise TimedOut(self._state())
            time.sleep(0.02)
        self.finished_at = time.monotonic()
        if idle := len(blows) + len(self.wire.ambushes):
            self.tell("everything is final already", f"{idle} of the blows found nothing to hit")
        time.sleep(SETTLES)
        self.crew.dismiss()

    def _moments(self, kinds: list[str]) -> list[tuple[int, Callable[[], bool]]]:
        """What happens when the relay has so many mails, in this order."""
        faults = wire.OF_CONNECTIONS[: self.recipients // 300]
        deeds: list[Callable[[], bool]] = [lambda fault=fault: self._wait_for(fault) for fault in faults]
        deeds += [self._leave, self._leave]
        last = int(self.recipients * 0.85)
        number = len(kinds) + len(deeds)
        marks = sorted(self.dice.choices(range(1, max(3, last)), k=number))
        self.dice.shuffle(deeds)
        blows = [lambda kind=kind: self.calamities.strike(kind) for kind in kinds]
        places = set(self.dice.sample(range(number), len(blows)))
        order = [blows.pop(0) if at in places else deeds.pop(0) for at in range(number)]
        return list(zip(marks, order, strict=True))

    def _strike(self, blows: list) -> None:
        """The next one, once its mark is reached; one that cannot be done now waits, and the others after it."""
        if blows and len(self.wire.log) >= blows[0][0]:
            with suppress(DatabaseError, InterfaceError):
                if blows[0][1]():
                    blows.pop(0)

    def _wait_for(self, fault: wire.Fault) -> bool:
        self.wire.waiting.append(fault)
        return True

    def _leave(self) -> bool:
        """Some readers whose turn has not come leave the newsletter."""
        rows = Delivery.objects.filter(issue=self.issue, state__in=Delivery.DUE)
        waiting = list(rows.order_by("pk").values_list("subscriber_id", flat=True))
        for reader in Subscriber.objects.filter(pk__in=self.dice.sample(waiting, min(LEAVERS, len(waiting)))):
            self.left.add(reader.address)
            subscriptions.unsubscribe(reader, how="page")
            self.tell("unsubscribes", reader.address)
        return True

    def _look_after(self) -> bool:
        """What staff and time would do; whether everything is final."""
        try:
            self._resume()
            self._let_time_pass()
            rows = Delivery.objects.filter(issue=self.issue)
            waits = Edition.objects.filter(issue=self.issue, state__in=["scheduled", "paused"]).exists()
            return rows.exists() and not waits and not rows.unfinished().exists()
        except (DatabaseError, InterfaceError):
            connection.close()  # it is down just now
            return False

    def _resume(self) -> None:
        for edition in Edition.objects.filter(issue=self.issue, state=Edition.State.PAUSED):
            why = edition.reason
            if wire.POLICY.words not in why:
                self.pauses.append(why)
            with suppress(lifecycle.IllegalMove):
                enqueue.resume(edition, by=None)
                self.tell("the edition had paused; staff resumes", f"{edition.language}: {why}")

    def _let_time_pass(self) -> None:
        """A deferred letter waits for minutes; in the drill they are over at once."""
        now = timezone.now()
        late = Delivery.objects.filter(issue=self.issue, state=Delivery.State.DEFERRED, due_at__gt=now)
        if number := late.update(due_at=now):
            self.tell("minutes pass", f"{number} deferred letters are due")

    def _state(self) -> str:
        states = {}
        for state in Delivery.objects.filter(issue=self.issue).values_list("state", flat=True):
            states[state] = states.get(state, 0) + 1
        editions = Edition.objects.filter(issue=self.issue).exclude(state="draft")
        lines = [f"{number} {state}" for state, number in sorted(states.items())]
        lines += [f"edition {one.language} {one.state} {one.last_error}".strip() for one in editions]
        return "Not everything was final in time: " + "; ".join(lines)

    # --- after --------------------------------------------------------------------------------------------------

    def _judge(self) -> tuple[Finding, Evidence]:
        ledger = list(Delivery.objects.filter(issue=self.issue).values_list("subscriber__address", "state"))
        frozen = sum(Edition.objects.filter(issue=self.issue).values_list("frozen_count", flat=True))
        unknown = [address for address, state in ledger if state == "unknown"]
        evidence = Evidence(
            self.readers, ledger, frozen, list(self.wire.log), self.wire.refused, self.left,
            doubts=self._doubts(), causes={address: self._cause(address) for address in unknown},
            silences={name: self._silence(moment) for name, moment in self.calamities.losses},
            half_frozen=self.half_frozen,
            pauses=self.pauses,
        )  # fmt: skip
        return judge(evidence), evidence

    def _doubts(self) -> dict[str, Doubt]:
        doubts = self.calamities.doubts()
        for fault in self.wire.happened.values():
            if fault.doubt:
                before = doubts.get(fault.name, Doubt(fault.name, 0))
                doubts[fault.name] = Doubt(fault.name, before.most + fault.doubt)
        return doubts

    def _cause(self, address: str) -> str:
        """What put this letter in doubt: the relay's own doing, or a blow to the process that had it in hand."""
        fault = self.wire.happened.get(address)
        if fault and fault.doubt:
            return fault.name
        carried = self.wire.carried.get(address)
        if carried is None:
            return ""
        ended = self.wire.ended.get(carried.connection, float("inf"))
        hits = [blow for blow in self.calamities.blows if _was_hit(carried, ended, blow)]
        hits.sort(key=lambda blow: (blow.kind, carried.port not in blow.ports, abs(ended - blow.start)))
        return hits[0].name if hits else ""

    def _silence(self, loss: float) -> float:
        """The longest time without a mail from the loss of the broker to the end of the sending."""
        points = [loss, *(moment for moment in self.wire.moments if moment > loss), max(loss, self.finished_at)]
        return max(after - before for before, after in pairwise(points))


def _was_hit(carried: wire.Carried, ended: float, blow: Blow) -> bool:
    """Whether the connection that carried the letter, and came to its end at `ended`, ended with a kill, was held up by
    a SIGSTOP, or waited for the database."""
    if carried.moment > blow.end + 1:
        return False
    if blow.kind == KILL:
        return blow.start - 0.1 < ended < blow.end + 3
    if blow.kind == STOP:
        return ended > blow.start and (carried.port in blow.ports or not blow.ports)
    return ended > blow.start and carried.moment > blow.start - IN_THE_AIR
