"""`send_issue SLUG`: the button, for the command line."""

import datetime
import os
import signal
import time

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from newsletter import enqueue, lifecycle, reporting, sending
from newsletter.models import Edition, Issue
from newsletter.reconcile import reconcile
from picum.accounts.models import User

State = Edition.State
UNDER_WAY = {State.SCHEDULED, State.SENDING}
STEP_SECONDS = 2


class Command(BaseCommand):
    help = (
        "Send an issue: all languages that are ready, or those named. Called again while the issue is on its way, "
        "it only watches. With --wait it ends when every delivery is final (exit 0) or the sending stands still "
        "(exit 1); without a broker it does the sending itself."
    )

    def add_arguments(self, parser):
        parser.add_argument("slug")
        parser.add_argument(
            "--language", action="append", default=[], choices=[code for code, _n in settings.LANGUAGES]
        )
        parser.add_argument("--at", metavar="WHEN", help="such as 2026-11-30T09:00, in the site's time zone")
        parser.add_argument("--wait", action="store_true")
        parser.add_argument("--by", metavar="ADDRESS", help="who sends: needed where SENDING_NEEDS_TWO is set")

    def handle(self, *, slug, language, at, wait, by=None, **options):
        person = _sender(by) if by else None
        issue = Issue.objects.filter(slug=slug).first()
        if issue is None:
            raise CommandError(f"There is no issue “{slug}”.")
        moment = None if at is None else _moment(at)
        editions = {edition.language: edition for edition in issue.editions.order_by("pk")}
        going = [code for code in language or editions if editions[code].state in UNDER_WAY]
        wanted = [code for code in language or editions if editions[code].state not in UNDER_WAY]
        if not language:
            wanted = [code for code in wanted if editions[code].state == State.READY]
        if moment and going and (language or not wanted):
            raise CommandError(f"{', '.join(going)}: scheduled or being sent already; --at would change nothing.")
        if wanted:
            try:
                enqueue.send(issue, wanted, by=person, at=moment)
            except (enqueue.NotReady, lifecycle.IllegalMove) as error:
                raise CommandError(str(error)) from None
        elif held := next((edition for edition in editions.values() if edition.state == State.HELD), None):
            raise CommandError(
                f"The {held.language} edition is held: {held.reason} Send it with --language {held.language}."
            )
        elif not any(edition.state in UNDER_WAY for edition in editions.values()):
            raise CommandError(f"No edition of “{slug}” is ready to be sent.")
        if wait:
            with _Interrupt() as interrupt:
                self._watch(issue, interrupt)
        elif wanted:
            when = f"at {timezone.localtime(moment):%Y-%m-%d %H:%M} {settings.TIME_ZONE}" if moment else "on the way"
            self.stdout.write(f"{slug}: {', '.join(wanted)} {when}.")

    def _watch(self, issue: Issue, interrupt: "_Interrupt") -> None:
        self.told: set[str] = set()
        alone = settings.BROKER_IS_EMBEDDED
        while True:
            if alone:
                reconcile()  # which also asks whether this database may send
                for edition in issue.editions.filter(state=State.SENDING):
                    sending.send_edition(edition.pk, seconds=STEP_SECONDS, until=lambda: interrupt.asked)
            rows = reporting.progress(issue)
            done, frozen = sum(row["done"] for row in rows), sum(row["frozen"] for row in rows)
            self._draw(done, frozen)
            troubled = {row["last_error"] for row in rows if row["resume_at"] and not row["final"]} - self.told
            for error in sorted(troubled):
                self.stderr.write(f"\nThe relay gives trouble, the sending goes on when it is over: {error}")
            self.told |= troubled
            if held := next((row for row in rows if row["state"] == State.HELD), None):
                raise CommandError(f"\nThe {held['language']} edition is held: {held['reason']}")
            if any(row["state"] == State.PAUSED for row in rows):
                paused = next(row for row in rows if row["state"] == State.PAUSED)
                raise CommandError(f"\nThe {paused['language']} edition is paused: {paused['reason'] or 'by hand'}")
            if not any(row["state"] in UNDER_WAY for row in rows):
                break
            if spoilt := next((row for row in rows if row["state"] == State.SCHEDULED and row["last_error"]), None):
                raise CommandError(f"\nThe {spoilt['language']} edition cannot be sent: {spoilt['last_error']}")
            if interrupt.asked:
                stopped = "The sending has stopped" if alone else "The workers go on"
                raise CommandError(f"\n{stopped}; call this command again to go on watching.", returncode=130)
            time.sleep(0.2 if alone and done < frozen else 1)
        set_back = issue.editions.filter(state=State.READY).exclude(reason="").first()
        if set_back:
            raise CommandError(f"\nThe {set_back.language} edition was not sent: {set_back.reason}")
        report = reporting.report(issue)
        self.stdout.write("")
        self.stdout.write(", ".join(f"{number} {state}" for state, number in report["states"].items()) or "no readers")
        if not report["balanced"]:
            raise CommandError("The deliveries do not add up to the readers that were frozen.")

    def _draw(self, done: int, frozen: int) -> None:
        width = 40
        full = width * done // frozen if frozen else 0
        self.stdout.write(f"\r[{'█' * full}{'·' * (width - full)}] {done}/{frozen}", ending="")
        self.stdout.flush()


class _Interrupt:
    """Ctrl-C asks for an end between two letters, so that none is left unknown; a second one does not wait."""

    asked = False

    def __enter__(self) -> "_Interrupt":
        self.before = {number: signal.signal(number, self) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *exc) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def __call__(self, number: int, frame) -> None:
        if self.asked:
            os._exit(128 + number)
        self.asked = True


def _sender(address: str) -> User:
    person = User.objects.of_address(address)
    if person is None or not (person.is_staff and person.has_perm("newsletter.send_issue")):
        raise CommandError("Nobody with this address may send issues.")
    return person


def _moment(text: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"“{text}” is not a time such as 2026-11-30T09:00.") from None
    if timezone.is_aware(moment):
        return moment
    aware = timezone.make_aware(moment)
    # A local time that does not exist comes back from UTC as another one.
    if timezone.make_naive(aware.astimezone(datetime.UTC)) != moment:
        raise CommandError(f"On that day the clocks go forward: {text} does not exist in {settings.TIME_ZONE}.")
    return aware
