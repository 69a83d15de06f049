"""From "send" to one delivery per reader: schedule, freeze, create the deliveries, ring the bell; pause and cancel."""

import contextlib
import datetime
import logging
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from newsletter import continuity, ledger, lifecycle, problems, routing, two_people
from newsletter.models import Delivery, Edition, Issue
from newsletter.reasons import told
from picum import localising
from picum.accounts import audit
from picum.accounts.models import User
from picum.doorbell import ring_on_commit

log = logging.getLogger(__name__)
State = Edition.State
FARTHEST = datetime.timedelta(days=366)  # beyond it, it was a slip of the hand
OVERDUE = datetime.timedelta(hours=2)  # so late, what was scheduled may be unwanted


class NotReady(Exception):
    """What was asked cannot be sent; the message says to the person what is missing."""


@transaction.atomic
def send(
    issue: Issue,
    languages: Iterable[str],
    *,
    by: User | None,
    at: datetime.datetime | None = None,
    given_up: Iterable[str] = (),
) -> list[Edition]:
    """Schedule editions that are ready or held for `at`, or for now, and ring for the workers on commit.

    Readers of the languages in `given_up` do not wait for theirs; readers of every other language that is not ready
    do. All or nothing. Raises NotReady, also when sending takes two people and `by` is not a second one, or
    lifecycle.IllegalMove when somebody was quicker (a double click).
    """
    now = timezone.now()
    wanted = set(languages)
    if not wanted:
        raise NotReady(_("Choose at least one language."))
    if at and at <= now - datetime.timedelta(minutes=1):
        raise NotReady(_("The time to send lies in the past."))
    if at and at > now + FARTHEST:
        raise NotReady(_("The time to send lies more than a year ahead."))
    issue = Issue.objects.with_contents().get(pk=issue.pk)
    editions = list(issue.editions.all())
    for edition in editions:
        waits = edition.language not in set(given_up)
        if edition.language not in wanted and edition.frozen_at is None and edition.readers_wait != waits:
            edition.readers_wait = waits
            edition.save(update_fields=["readers_wait"])
    chosen = [edition for edition in editions if edition.language in wanted]
    refused = two_people.refusals(chosen, by=by)
    for edition in chosen:
        if edition.state == State.DRAFT:
            raise NotReady(_("The %(language)s edition is not ready.") % {"language": edition.get_language_display()})
        if why := _blocked(issue, edition, at=max(at or now, now)) or refused.get(edition.pk, ""):
            raise NotReady(why)
        fields = {"send_at": at or now, "let_go_at": now, "readers_wait": True, "last_error": "", "reason": ""}
        lifecycle.move(edition, State.SCHEDULED, by=by, **fields)
    audit.record(
        "issue.send", by=by, on=issue, languages=sorted(wanted), given_up=sorted(given_up), at=(at or now).isoformat()
    )
    if at is None or at <= now:
        ring_on_commit("newsletter.freeze_issue", issue.pk)
    return chosen


def _blocked(issue: Issue, edition: Edition, *, at: datetime.datetime) -> str:
    """What forbids sending an edition at a moment, in words: it may have been spoilt since it was declared ready."""
    if why := tallied(issue):
        return why
    edition.issue = issue
    return " ".join(problem.text for problem in problems.forbidding(edition, at=at))


def tallied(issue: Issue) -> str:
    """Why nothing of an issue can be sent any more, in words; "" as long as it is known who got it."""
    if issue.tallied_at is None:
        return ""
    day = localising.day(localising.local_day(issue.tallied_at), get_language() or "en")
    words = _(
        "The list of who got this issue was deleted on %s. Nothing of it is sent any more: some might get it twice."
    )
    return words % day


def unschedule(edition: Edition, *, by: User | None) -> Edition:
    """Back to ready, as long as nothing is frozen."""
    return lifecycle.move(edition, State.READY, by=by, of={State.SCHEDULED, State.HELD}, send_at=None, reason="")


@transaction.atomic
def release(edition: Edition, *, by: User | None, now: datetime.datetime | None = None) -> Edition:
    """Let a held edition go: at its time if that is still to come, else now. Rings on commit.

    Raises NotReady if it was spoilt meanwhile, or lifecycle.IllegalMove.
    """
    now = now or timezone.now()
    at = max(edition.send_at or now, now)
    refused = two_people.refusals([edition], by=by)
    issue = Issue.objects.with_contents().get(pk=edition.issue_id)
    if why := _blocked(issue, edition, at=at) or refused.get(edition.pk, ""):
        raise NotReady(why)
    fields = {"send_at": at, "let_go_at": now, "last_error": "", "reason": ""}
    lifecycle.move(edition, State.SCHEDULED, by=by, of={State.HELD}, **fields)
    if at == now:
        ring_on_commit("newsletter.freeze_issue", edition.issue_id)
    return edition


def pause(edition: Edition, *, by: User | None, reason: str = "") -> Edition:
    """Nothing more is begun; what is on the wire ends."""
    return lifecycle.move(edition, State.PAUSED, by=by, reason=reason[:300])


def resume(edition: Edition, *, by: User | None) -> Edition:
    """Go on, with a new latest hour."""
    now = timezone.now()
    with transaction.atomic():
        fields = {"reason": "", "resume_at": None, "failures": 0, "resumed_at": now, "latest_at": latest_hour(now)}
        lifecycle.move(edition, State.SENDING, by=by, of={State.PAUSED}, **fields)
        ring_on_commit("newsletter.send_edition", edition.pk, times=hands(edition))
    return edition


def latest_hour(now: datetime.datetime) -> datetime.datetime:
    """After it, nothing more of an edition that starts or goes on now is sent unless a person says so."""
    return now + datetime.timedelta(hours=settings.SENDING_LATEST_HOURS)


def stop_late(edition: Edition, *, now: datetime.datetime) -> bool:
    """Pause an edition whose latest hour has passed, with the reason; whether it had."""
    if edition.latest_at is None or edition.latest_at > now:
        return False

    def words() -> str:
        late = {"moment": _moment(edition.latest_at), "hours": settings.SENDING_LATEST_HOURS}
        return (
            _("It was not done by its latest hour, %(moment)s. If you let it go on, it gets %(hours)d hours more.")
            % late
        )

    with contextlib.suppress(lifecycle.IllegalMove):  # a person was quicker
        lifecycle.move(edition, State.PAUSED, by=None, of={State.SENDING}, reason=told(words))
    return True


def _moment(moment: datetime.datetime) -> str:
    return localising.moment(timezone.localtime(moment), get_language() or "en")


def cancel(edition: Edition, *, by: User | None) -> Edition:
    """Nobody who has not been served gets it; what is on the wire ends."""
    with transaction.atomic():
        now = timezone.now()
        lifecycle.move(edition, State.CANCELLED, by=by, finished_at=now)
        ledger.skip_due(edition, why="cancelled", now=now)
    return edition


@transaction.atomic
def give_up(issue: Issue, languages: Iterable[str], *, by: User | None) -> int:
    """Wait no longer for languages that are not ready, now that others went out: their readers get the issue in the
    next language of their order, at once. Returns how many do; rings on commit. Raises NotReady."""
    if issue.kind == Issue.Kind.CIRCULAR:
        raise NotReady(_("A circular has no readers who wait for another language."))
    Issue.objects.select_for_update().get(pk=issue.pk)
    late = issue.editions.filter(language__in=list(languages), frozen_at=None)
    late.update(readers_wait=False)
    audit.record("issue.give_up", by=by, on=issue, languages=sorted(late.values_list("language", flat=True)))
    return _deliver(issue.pk, now=timezone.now())


def freeze_due(issue_id: int, *, now: datetime.datetime | None = None) -> list[Edition]:
    """Freeze the editions of an issue whose time has come, create the deliveries, ring.

    One transaction: killed before its end, nothing has happened; after it, the reconciler rings if we did not.
    What is overdue is held, and so is everything in a database that is not the one we know.
    """
    now = now or timezone.now()
    if continuity.holds(now=now):
        return []
    with transaction.atomic():
        # Two workers on one issue stand in line here (SQLite: at the transaction's start).
        issue = Issue.objects.select_for_update().get(pk=issue_id)
        due = list(issue.editions.filter(state=State.SCHEDULED, send_at__lte=now).order_by("pk"))
        if not due:
            return []
        issue = Issue.objects.with_contents().get(pk=issue_id)
        sound = [edition for edition in due if not _hold_overdue(edition, now) and not _set_back(issue, edition, now)]
        for edition in sound:
            moments = {"frozen_at": now, "published_at": edition.published_at or now, "latest_at": latest_hour(now)}
            lifecycle.move(edition, State.SENDING, by=None, **moments)
        if sound:
            _deliver(issue_id, now=now)
    return sound


def _hold_overdue(edition: Edition, now: datetime.datetime) -> bool:
    """Whether nobody was there to send an edition for so long that a person must decide; then it is held."""
    if edition.send_at > now - OVERDUE:
        return False

    def words() -> str:
        at = _moment(edition.send_at)
        return _("Its time was %s, and nobody was there to send it. Decide whether it shall still go out.") % at

    lifecycle.move(edition, State.HELD, by=None, reason=told(words))
    return True


def _set_back(issue: Issue, edition: Edition, now: datetime.datetime) -> bool:
    """Whether an edition was spoilt since it was scheduled, or has words by now that no second person has seen; then it
    is ready again, with the reason, and stays here."""

    def words() -> str:
        return _blocked(issue, edition, at=now) or two_people.unseen(edition)

    if not words():
        return False
    why = told(words)
    lifecycle.move(edition, State.READY, by=None, of={State.SCHEDULED}, send_at=None, reason=why)
    return True


def _deliver(issue_id: int, *, now: datetime.datetime) -> int:
    """Create what deliveries the frozen editions of an issue still lack, and ring for them. In a transaction; raises
    NotReady, and does nothing, when it has been forgotten who has one."""
    # Held to the end, so that no worker calls an edition sent to which readers are being added.
    list(Edition.objects.select_for_update().filter(issue=issue_id).order_by("pk"))
    issue = Issue.objects.with_contents(on=localising.local_day(now)).get(pk=issue_id)
    if why := tallied(issue):
        raise NotReady(why)
    created = routing.deliver(issue, now=now)
    for edition in issue.editions.all():
        if edition.pk in created:
            _reopen(edition, now=now)
        _ring_for(edition)
    if created:
        log.info("Issue %s: %s deliveries created.", issue.slug, sum(created.values()))
    return sum(created.values())


@transaction.atomic
def resend_unknown(issue: Issue, *, by: User | None, now: datetime.datetime | None = None) -> int:
    """Queue again who has been unknown for a day; how many. A person has decided that twice is better than never.

    The row stays the same, and so does its Message-ID; who left meanwhile is skipped like everybody. Editions that
    were sent are being sent again, with a new latest hour; paused ones stay paused. Audited; rings on commit. Raises
    NotReady.
    """
    now = now or timezone.now()
    if why := tallied(Issue.objects.select_for_update().get(pk=issue.pk)):
        raise NotReady(why)
    # Held to the end, so that no worker calls an edition sent to which readers are coming back.
    editions = list(Edition.objects.select_for_update().filter(issue=issue).order_by("pk"))
    found = Delivery.objects.filter(issue=issue).resendable(at=now)
    concerned = set(found.order_by().values_list("edition", flat=True))
    again = {"state": Delivery.State.QUEUED, "why": "resent", "detail": "", "worker": "", "lease_until": None}
    number = found.update(**again, due_at=now, changed_at=now)
    for edition in [edition for edition in editions if edition.pk in concerned]:
        _reopen(edition, now=now)
        _ring_for(edition)
    if number:
        languages = [edition.language for edition in editions if edition.pk in concerned]
        audit.record("issue.resend_unknown", by=by, on=issue, number=number, languages=languages)
    return number


def _reopen(edition: Edition, *, now: datetime.datetime) -> None:
    """An edition has readers to be served again; if it was through, or is being sent, it has a new latest hour."""
    if edition.state == State.SENT:
        lifecycle.move(edition, State.SENDING, by=None, finished_at=None, latest_at=latest_hour(now))
    elif edition.state == State.SENDING:
        Edition.objects.filter(pk=edition.pk, state=State.SENDING).update(latest_at=latest_hour(now))


def _ring_for(edition: Edition) -> None:
    if edition.state == State.SENDING:
        ring_on_commit("newsletter.send_edition", edition.pk, times=hands(edition))


def hands(edition: Edition) -> int:
    """How many workers an edition of this size is worth."""
    return min(8, 1 + edition.frozen_count // 500)
