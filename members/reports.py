"""Field reports: a member writes what it sees, the desk takes it into an issue or says why not. The only writer of
`FieldReport.state`.

A move is a conditional update that refuses if the row moved meanwhile; what was said goes into the report's entries,
and who is concerned is written to (`members.mails.reports`), all in one transaction. What is taken becomes an item
through `newsletter.contributions`. Where the report may name neither place nor person, none leaves this module.
"""

import datetime
import re
import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from members.access import Seat
from members.mails import reports as letters
from members.models import Contact, FieldReport, ReportEntry
from newsletter import contributions
from newsletter.contributions import Contribution, NotPossible
from picum import localising
from picum.accounts import audit
from picum.accounts.models import User
from picum.areas.models import Area, Right

State = FieldReport.State
OPEN = [State.SENT, State.ASKED]
MOVES: dict[str, set[str]] = {
    State.SENT: {State.ASKED, State.TAKEN, State.DECLINED, State.WITHDRAWN},
    State.ASKED: {State.SENT, State.TAKEN, State.DECLINED, State.WITHDRAWN},
    State.TAKEN: {State.WITHDRAWN},  # as long as no reader has seen it
    State.DECLINED: set(),
    State.WITHDRAWN: set(),
}
_BETWEEN = re.compile(r"\s*\n[^\S\n]*\n\s*")  # an empty line, between two paragraphs


class IllegalMove(Exception):
    """The report is not in a state from which it may go there; the message says so to the person."""


@dataclass(frozen=True)
class Told:
    """What a member tells, as its form cleaned it; areas and rights by their keys."""

    language: str
    title: str
    text: str
    countries: Collection[str] = ()
    areas: Collection[str] = ()
    rights: Collection[str] = ()
    may_publish: bool = False
    embargo_until: datetime.date | None = None
    anonymous: bool = False


# --- the member -----------------------------------------------------------------------------------------------------


@transaction.atomic
def send(seat: Seat, told: Told, *, handle: uuid.UUID | None = None, now: datetime.datetime) -> FieldReport:
    """A new report from who has this seat. Who triages reports gets a letter. The same `handle` a second time, as from
    a form that was sent twice, is the report that is there already."""
    if handle is None or FieldReport.objects.filter(handle=handle).exclude(member=seat.member).exists():
        handle = uuid.uuid4()
    said = {
        "contact": seat.contact,
        "author_label": seat.contact.name,
        "language": told.language,
        "title": told.title,
        "text": told.text.replace("\r\n", "\n").strip(),
        "countries": list(told.countries),
        "may_publish": told.may_publish,
        "embargo_until": told.embargo_until,
        "anonymous": told.anonymous,
    }
    times = {"state_since": now, "created_at": now}
    report, is_new = FieldReport.objects.get_or_create(handle=handle, member=seat.member, defaults=said | times)
    if not is_new:
        return report
    report.areas.set(Area.objects.filter(key__in=told.areas))
    report.rights.set(Right.objects.filter(key__in=told.rights))
    _entry(report, contact=seat.contact, now=now, state=State.SENT, may_publish=told.may_publish)
    letters.tell_staff("members.report_new", report, now=now)
    return report


@transaction.atomic
def answer(report: FieldReport, words: str, *, contact: Contact, now: datetime.datetime) -> ReportEntry:
    """The member answers what the desk asked; the report is the desk's again. Who triages reports gets a letter. Raises
    IllegalMove."""
    _move(report, State.SENT, of={State.ASKED}, now=now)
    entry = _entry(report, words, contact=contact, now=now, state=State.SENT)
    letters.tell_staff("members.report_answered", report, now=now, entry=entry.pk)
    return entry


@transaction.atomic
def consent(report: FieldReport, *, given: bool, contact: Contact, now: datetime.datetime) -> None:
    """The member says that the report may be published, or may not any more, as long as the desk has not decided. Who
    triages reports gets a letter when it may. Said twice, nothing happens. Raises IllegalMove."""
    still = FieldReport.objects.filter(pk=report.pk, state__in=OPEN)
    if not still.update(may_publish=given):
        report.refresh_from_db(fields=["state"])
        raise IllegalMove(_is_now(report))
    if report.may_publish == given:
        return
    report.may_publish = given
    _entry(report, contact=contact, now=now, may_publish=given)
    if given:
        letters.tell_staff("members.report_answered", report, now=now)


@transaction.atomic
def withdraw(report: FieldReport, *, contact: Contact, now: datetime.datetime) -> FieldReport:
    """The member takes it back. What was taken into an issue goes from there, as long as nothing of that went out, and
    who triages reports gets a letter. Raises IllegalMove, and NotPossible once it is published: that is for people to
    talk about."""
    was_taken = report.state == State.TAKEN
    if was_taken:
        contributions.give_back(report.item_number)
    _move(report, State.WITHDRAWN, now=now, item_number=None)
    _entry(report, contact=contact, now=now, state=State.WITHDRAWN)
    if was_taken:
        letters.tell_staff("members.report_withdrawn", report, now=now)
    return report


# --- the desk -------------------------------------------------------------------------------------------------------


@transaction.atomic
def ask(report: FieldReport, words: str, *, by: User, now: datetime.datetime) -> ReportEntry:
    """More is to be known, or may it be published after all? Author and member contact get the question by mail.
    Audited, without the words. Raises IllegalMove."""
    _move(report, State.ASKED, by=by, now=now)
    entry = _entry(report, words, by=by, now=now, state=State.ASKED)
    letters.tell_member("members.report_asked", report, now=now, entry=entry.pk)
    return entry


@transaction.atomic
def decline(report: FieldReport, words: str, *, by: User, now: datetime.datetime) -> ReportEntry:
    """It is not taken: the end. Author and member contact get the words by mail. Audited, without them. Raises
    IllegalMove."""
    _move(report, State.DECLINED, by=by, now=now)
    entry = _entry(report, words, by=by, now=now, state=State.DECLINED)
    letters.tell_member("members.report_declined", report, now=now, entry=entry.pk)
    return entry


@transaction.atomic
def take(
    report: FieldReport, *, issue: int, section: str, title: str, text: str, by: User, now: datetime.datetime
) -> int:
    """The report, in the words that the desk has made of it, becomes an item of an issue; its number. Author and member
    contact get a letter. Audited. Raises IllegalMove; NotPossible without consent, where the words name what must not
    be named, or where the issue cannot take it."""
    held = FieldReport.objects.select_for_update().select_related("member").get(pk=report.pk)
    if held.state != report.state or State.TAKEN not in MOVES[held.state]:
        report.state = held.state
        raise IllegalMove(_cannot_become(report, State.TAKEN))
    check(held, title, text)
    made = contribution(held, title=title, text=text)
    number = contributions.take(made, issue_number=issue, section_key=section, by=by)
    _move(report, State.TAKEN, by=by, now=now, item_number=number)
    _entry(report, by=by, now=now, state=State.TAKEN)
    letters.tell_member("members.report_taken", report, now=now)
    return number


def check(report: FieldReport, title: str, text: str) -> None:
    """Raises NotPossible where these words of a report may not go into an issue."""
    if not report.may_publish:
        raise NotPossible(_("The member has not agreed that this report is published. Ask them first."))
    if named := named_in(report, f"{title}\n{text}"):
        raise NotPossible(
            _("The member asked to name neither place nor person. Please take out: %s.") % ", ".join(named)
        )


def contribution(report: FieldReport, *, title: str, text: str) -> Contribution:
    """What becomes of a report in an issue. Of one that may name neither place nor person nothing goes along that leads
    to the member: no name, no country, no date, no language beside the text's own."""
    with override(report.language):
        kind, unnamed = _("Field report"), _("A member of the network")
    provenance = {"source_outlet": unnamed}
    if not report.anonymous:
        provenance = {
            "source_outlet": report.member.name,
            "source_date": localising.local_day(report.created_at),
            "source_language": report.language,
            "countries": tuple(country.code for country in report.countries),
        }
    return Contribution(
        language=report.language,
        title=title.strip(),
        paragraphs=tuple(_BETWEEN.split(text.replace("\r\n", "\n").strip())),
        source_title=kind,
        areas=tuple(report.areas.values_list("key", flat=True)),
        rights=tuple(report.rights.values_list("key", flat=True)),
        not_before=report.embargo_until,
        **provenance,
    )


def named_in(report: FieldReport, words: str) -> list[str]:
    """What these words name of that which a report must not name: the member, its town, its people who wrote, and the
    countries. Nothing where all may be named. Other names are for the desk's eyes to find."""
    if not report.anonymous:
        return []
    member, plain = report.member, localising.plain(words)
    codes = {member.country.code, *(country.code for country in report.countries)}
    names = [member.name, member.city, report.author_label]
    names += localising.in_order(localising.country_name(code, report.language) for code in codes)
    found = [name for name in names if name and _is_in(localising.plain(name), plain)]
    return found + [member.acronym] * bool(member.acronym and _is_in(member.acronym, words))


def _is_in(name: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words) is not None


# --- the machine ----------------------------------------------------------------------------------------------------


def tell_published_reports(*, now: datetime.datetime) -> int:
    """Tell author and member contact, once, that readers find what they reported; of how many reports."""
    waiting = FieldReport.objects.filter(state=State.TAKEN, appeared_at__isnull=True)
    by_item = {report.item_number: report for report in waiting.select_related("member", "contact")}
    told = 0
    for one in contributions.published(list(by_item), "en", on=now):
        with transaction.atomic():
            report = by_item[one.number]
            if waiting.filter(pk=report.pk).update(appeared_at=now):
                letters.tell_member("members.report_published", report, now=now)
                told += 1
    return told


# --- how a move is made ---------------------------------------------------------------------------------------------


def _move(
    report: FieldReport,
    to: State,
    *,
    now: datetime.datetime,
    of: Collection[str] = State,
    by: User | None = None,
    **fields: object,
) -> None:
    """Set the state and `fields` in one conditional update; what staff (`by`) do is audited. `of`: the states that this
    deed may start from. Raises IllegalMove when the move is not in MOVES, does not start from there, or somebody else
    was quicker."""
    before = State(report.state)
    fields |= {"state": to, "state_since": now}
    allowed = before in of and to in MOVES[before]
    if not allowed or not FieldReport.objects.filter(pk=report.pk, state=before).update(**fields):
        report.refresh_from_db(fields=["state"])
        raise IllegalMove(_cannot_become(report, to))
    for name, value in fields.items():
        setattr(report, name, value)
    if by:
        audit.record(f"report.{to}", by=by, on=report, before=before.value)


def _entry(
    report: FieldReport,
    words: str = "",
    *,
    now: datetime.datetime,
    by: User | None = None,
    contact: Contact | None = None,
    state: str = "",
    may_publish: bool | None = None,
) -> ReportEntry:
    """A line of the history: from staff (`by`), or from the member's `contact`."""
    who = by or contact
    return report.entries.create(
        state=state,
        words=words.strip(),
        by=by,
        by_label=str(who)[:150] if who else "",
        from_member=contact is not None,
        may_publish=may_publish,
        at=now,
    )


def _cannot_become(report: FieldReport, to: State) -> str:
    words = _("The report “%(title)s” is now “%(now)s”; it cannot become “%(to)s”.")
    return words % {"title": report, "now": report.get_state_display(), "to": to.label}


def _is_now(report: FieldReport) -> str:
    return _("The report “%(title)s” is now “%(now)s”.") % {"title": report, "now": report.get_state_display()}
