"""Letters about field reports: to who wrote one and the member's contact, and to who triages them.

A letter tells what is true when it goes. Of a report that may name neither place nor person, no letter to the desk says
from whom it is or what they answered, and none repeats its title: mails lie in many mailboxes.
"""

import datetime

from django.contrib.auth.backends import ModelBackend
from django.core.mail import EmailMultiAlternatives
from django.db.models import QuerySet

from members.access import people_who_may
from members.models import Contact, FieldReport, ReportEntry
from newsletter import contributions
from picum import links, localising
from picum.accounts.models import User
from picum.letters import post
from picum.letters.models import Letter

State = FieldReport.State
TRIAGE = "members.change_fieldreport"


def tell_member(kind: str, report: FieldReport, *, now: datetime.datetime, **about: int) -> None:
    """Queue a letter to the author and to the member contacts, to each once and in their language."""
    people = {contact.pk: contact for contact in people_who_may("people", report.member)}
    if report.contact and report.contact.left_on is None:
        people[report.contact.pk] = report.contact
    for contact in people.values():
        about |= {"report": report.pk, "contact": contact.pk}
        post.put(kind, to=contact.email, language=contact.language, now=now, **about)


def tell_staff(kind: str, report: FieldReport, *, now: datetime.datetime, **about: int) -> None:
    """Queue a letter to everybody who triages reports, to each in their language."""
    for user in staff():
        post.put(kind, to=user.email, language=user.language, now=now, report=report.pk, user=user.pk, **about)


def staff() -> QuerySet[User]:
    """Who triages reports."""
    return ModelBackend().with_perm(TRIAGE).filter(is_staff=True).order_by("pk")


# --- to the member --------------------------------------------------------------------------------------------------


@post.builds("members.report_asked")
def asked(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    return _to_member(letter, State.ASKED, "members/report_asked")


@post.builds("members.report_declined")
def declined(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    return _to_member(letter, State.DECLINED, "members/report_declined")


@post.builds("members.report_taken")
def taken(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """With the label of the issue; nothing when the item is not there any more."""
    fate = _fate(letter, now)
    return _to_member(letter, State.TAKEN, "members/report_taken", issue=fate.label) if fate else None


@post.builds("members.report_published")
def published(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """With the public address of the item, in the person's language or the next."""
    fate = _fate(letter, now)
    if fate is None or not fate.path:
        return None
    item = {"title": fate.title, "title_language": fate.title_language, "address": links.absolute(fate.path)}
    return _to_member(letter, State.TAKEN, "members/report_published", issue=fate.label, **item)


def _to_member(letter: Letter, state: str, template: str, **context: object) -> EmailMultiAlternatives | None:
    """The letter, with what was said; None when the report is a step further, or the person has left the member."""
    report = _report(letter, state)
    contact = Contact.objects.active().filter(pk=letter.about["contact"]).first()
    if report is None or contact is None or contact.member_id != report.member_id:
        return None
    address = links.page("members:report", report.member.handle, report.handle, language=letter.language)
    return post.written(letter, template, **({"address": address} | _told(letter, report) | context))


def _fate(letter: Letter, now: datetime.datetime) -> contributions.Fate | None:
    report = _report(letter, State.TAKEN)
    if report is None:
        return None
    return contributions.became([report.item_number], letter.language, on=now).get(report.item_number)


# --- to the desk ----------------------------------------------------------------------------------------------------


@post.builds("members.report_new")
def new(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    return _to_staff(letter, "members/report_new", State.SENT)


@post.builds("members.report_answered")
def answered(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """There is an answer, or the consent that was missing."""
    return _to_staff(letter, "members/report_answered", State.SENT, State.ASKED)


@post.builds("members.report_withdrawn")
def withdrawn(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """What was taken into an issue is not there any more."""
    return _to_staff(letter, "members/report_withdrawn", State.WITHDRAWN)


def _to_staff(letter: Letter, template: str, *states: str) -> EmailMultiAlternatives | None:
    report = _report(letter, *states)
    if report is None or not staff().filter(pk=letter.about["user"]).exists():
        return None
    told = _told(letter, report)
    return post.written(
        letter,
        template,
        title=told["title"],
        title_language=told["title_language"],
        said=[] if report.anonymous else told["said"],
        member="" if report.anonymous else report.member.name,
        sent_on=localising.day(localising.local_day(report.created_at), letter.language),
        written_in=localising.language_name(report.language, letter.language),
        address=links.page("admin:members_fieldreport_change", report.pk, language=letter.language),
    )


# --- what all of them need ------------------------------------------------------------------------------------------


def _report(letter: Letter, *states: str) -> FieldReport | None:
    reports = FieldReport.objects.filter(pk=letter.about["report"], state__in=states)
    return reports.select_related("member").first()


def _told(letter: Letter, report: FieldReport) -> dict[str, object]:
    """The title, unless it is better not repeated; what was said, line by line."""
    entry = ReportEntry.objects.filter(pk=letter.about.get("entry"), report=report).first()
    return {
        "title": "" if report.anonymous else report.title,
        "title_language": report.language,
        "said": [line.strip() for line in entry.words.splitlines() if line.strip()] if entry else [],
    }
