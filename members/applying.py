"""How an application is filled in: begun for an address, saved step by step, and sent.

Until it is sent, nobody but its author sees it. The link of the mail is the key to it, as long as the draft lives.
Every deed here locks the application first; what waits behind it (papers, referees, letters, the newsletter) follows.
Log lines name an application by its number.
"""

import datetime
import logging
import uuid
from collections.abc import Mapping

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from members import applications, shelf, steps
from members.forms.applying import REFEREES
from members.models import Application, Category, CodeOfConduct, Kind, Paper, Referee
from members.papers import CleanPaper
from newsletter import subscriptions
from picum import links, localising
from picum.accounts import limits
from picum.accounts.limits import TooMany
from picum.addresses import InvalidAddress, address_key, mailbox_key, reachable
from picum.letters import post

__all__ = ["InvalidAddress", "TooMany"]

log = logging.getLogger(__name__)
State = Application.State
KEPT = datetime.timedelta(days=60)  # so long a draft lives after its last change
NOTICE = datetime.timedelta(days=10)  # so long before its end its author is reminded
PATIENCE = datetime.timedelta(days=10)  # so long a referee is waited for
MOST_PAPERS = 6
COUNTRY = 2


class NotADraft(Exception):
    """The application was sent, withdrawn or deleted meanwhile."""


class Incomplete(Exception):
    """There is something missing in `steps`."""

    def __init__(self, missing: list[steps.Step]):
        super().__init__()
        self.steps = missing


class TooManyPapers(Exception):
    """Says to the person how many there may be."""


def token_for(application: Application) -> str:
    """The token of the applicant's link, for the form and for the page that tells the state."""
    return links.sign(application.handle, purpose="application")


def found(token: str) -> Application | None:
    """Whose link this is; None when the draft was deleted. Raises `links.BadToken`."""
    handle = links.unsign(token, purpose="application")
    beside = Application.objects.select_related("category", "code", "assembly")
    return beside.prefetch_related("category__translations", "papers").filter(handle=handle).first()


def kept_until(application: Application) -> datetime.date:
    """The day until which a draft is kept if nobody goes on with it."""
    return localising.local_day(application.changed_at + KEPT)


# --- beginning ----------------------------------------------------------------------------------------------------


def start(address: str, *, category: Category, language: str, network: str, now: datetime.datetime) -> None:
    """Somebody wants to apply. The link goes to the address: to the application that it has begun or sent already, else
    to a new draft.

    Nobody but its owner learns which; an address that had its share of such mails gets none. Raises InvalidAddress and
    TooMany, in words for the person.
    """
    address = reachable(address)
    key = address_key(address)
    with transaction.atomic():
        limits.count_post(network, now=now)
        limits.take_turn()  # and nobody else begins another one for this address
        mailbox = mailbox_key(address)
        if limits.has_had_its_share(mailbox, "application", now=now):
            return
        limits.count_mail(mailbox, "application", domain=None, now=now)
        alike = Application.objects.filter(email__iexact=address, kind=category.for_whom).order_by("-pk")
        # Alike to the database may be another domain: PostgreSQL compares capitals, in which ı is I.
        theirs = (one for one in alike.exclude(state__in=Application.FINAL) if address_key(one.email) == key)
        application = next(theirs, None)
        if application is None:
            application = Application.objects.create(
                kind=category.for_whom,
                category=category,
                email=address,
                language=language,
                state_since=now,
                created_at=now,
                changed_at=now,
            )
            log.info("Application %s was begun.", application.pk)
        post.put("members.application_link", to=address, language=language, now=now, application=application.pk)


# --- filling in ---------------------------------------------------------------------------------------------------


@transaction.atomic
def save(application: Application, answers: Mapping[str, object], *, language: str, now: datetime.datetime) -> None:
    """Keep answers, valid or not, beside those of other steps; `language` is that of the page. Nobody is told. Raises
    NotADraft."""
    held = _held(application)
    held.answers |= answers
    held.name = str(held.answers.get("name") or "")[:200]
    country = str(held.answers.get("country") or "")
    held.country = country if len(country) == COUNTRY else ""
    held.language = language
    _changed(held, application, "answers", "name", "country", "language", now=now)


@transaction.atomic
def sign(application: Application, code: CodeOfConduct, *, by: str, now: datetime.datetime) -> None:
    """The applicant's name under a version of the code of conduct; "" takes it back. The same name under the same
    version keeps its date. Raises NotADraft."""
    held = _held(application)
    code = CodeOfConduct.objects.select_for_update().get(pk=code.pk)  # from now on, its words stay as they are
    if (held.code_id, held.code_signed_by) != (code.pk, by):
        held.code, held.code_signed_by, held.code_signed_at = (code, by, now) if by else (None, "", None)
        _changed(held, application, "code", "code_signed_by", "code_signed_at", now=now)


def count_upload(application: Application, *, now: datetime.datetime) -> None:
    """Somebody sends a file: looking through it may cost us a second. Raises TooMany and NotADraft."""
    with transaction.atomic():
        _held(application, State.DRAFT, State.ASKED)
        if limits.has_had_its_share(application.handle, "paper", now=now):
            raise TooMany(_("So many files have come for this application that we take no more today."))
        limits.count_mail(application.handle, "paper", domain=None, now=now)


@transaction.atomic
def attach(application: Application, kind: str, paper: CleanPaper, *, now: datetime.datetime) -> Paper:
    """A paper comes with a draft, or with the answer to a question. Raises TooManyPapers, NotADraft, and
    shelf.NotKept."""
    held = _held(application, State.DRAFT, State.ASKED)
    if held.papers.count() >= MOST_PAPERS:
        raise TooManyPapers(_("There can be %(most)d papers at most.") % {"most": MOST_PAPERS})
    row = held.papers.create(
        kind=kind,
        name=paper.name,
        file=shelf.keep(paper.content, paper.content_type),
        content_type=paper.content_type,
        size=paper.size,
        uploaded_at=now,
    )
    _changed(held, application, now=now)
    return row


@transaction.atomic
def remove(application: Application, handle: uuid.UUID, *, now: datetime.datetime) -> None:
    """Take a paper out of a draft; nothing happens when it is gone already. Raises NotADraft."""
    held = _held(application)
    if paper := held.papers.filter(handle=handle).first():
        shelf.discard(paper.file)
        paper.delete()
        _changed(held, application, now=now)


@transaction.atomic
def discard(application: Application) -> None:
    """Delete a draft with all that is in it. Nobody is told. Raises NotADraft."""
    _delete(_held(application))


def _delete(held: Application) -> None:
    for paper in held.papers.all():
        shelf.discard(paper.file)
    log.info("The draft of application %s was deleted.", held.pk)
    held.delete()


def _held(application: Application, *states: str) -> Application:
    """The row as it is now, locked: a draft, unless said otherwise. Raises NotADraft."""
    held = Application.objects.select_for_update().filter(pk=application.pk, state__in=states or [State.DRAFT]).first()
    if held is None:
        raise NotADraft
    return held


def _changed(held: Application, application: Application, *fields: str, now: datetime.datetime) -> None:
    """Write fields of the row, and show them in the object in hand. Whoever goes on with a draft has not forgotten
    it."""
    held.changed_at, held.reminded_at = now, None
    written = [*fields, "changed_at", "reminded_at"]
    held.save(update_fields=written)
    for name in written:
        setattr(application, name, getattr(held, name))


# --- sending ------------------------------------------------------------------------------------------------------


@transaction.atomic
def send(application: Application, *, now: datetime.datetime) -> Application:
    """The applicant hands it in. Its author gets a letter with the link to its state, each referee one with the
    question, whoever assesses applications another (`members.applications.submit`); and whoever ticked the newsletter
    gets the mail that asks for a confirmation. Raises Incomplete and NotADraft."""
    held = _held(application)
    if gaps := steps.missing(held, today=localising.local_day(now)):
        raise Incomplete(gaps)
    _complete(held)
    held.save(update_fields=["answers", "language"])
    applications.submit(held, now=now)
    for referee in _referees(held, now=now):
        post.put("members.referee_asked", to=referee.email, language=referee.language, now=now, referee=referee.pk)
    about = {"to": held.email, "language": held.language, "now": now, "application": held.pk}
    post.put("members.application_received", **about)
    if held.answers["newsletter"]:
        subscriptions.wish(
            held.email,
            languages=[held.language],
            source="application",
            digest=held.answers["newsletter_wording"],
            now=now,
        )
    return held


def _complete(held: Application) -> None:
    """What need not be asked: people are their own contact, and a treasurer may be the contact. From now on letters go
    out in the language of correspondence."""
    answers = held.answers
    if held.kind == Kind.PERSON:
        answers |= {"email": held.email, "contact_name": held.name, "contact_email": held.email}
        answers["contact_telephone"] = answers["telephone"]
    elif answers["treasurer_is_contact"]:
        answers |= {"treasurer_name": answers["contact_name"], "treasurer_email": answers["contact_email"]}
    held.language = answers["language"]


def _referees(held: Application, *, now: datetime.datetime) -> list[Referee]:
    """From the answers into rows of their own."""
    rows = []
    for number in REFEREES:
        fields = ("name", "organisation", "email", "language")
        given = {field: held.answers.pop(f"referee{number}_{field}") for field in fields}
        rows.append(held.referees.create(asked_at=now, **given))
    held.save(update_fields=["answers"])
    return rows


# --- referees -----------------------------------------------------------------------------------------------------


def referee_for(token: str) -> Referee | None:
    """Whom a link asks; None when the application is gone. Raises `links.BadToken`."""
    handle = links.unsign(token, purpose="referee")
    return Referee.objects.select_related("application").filter(handle=handle).first()


def is_asked(referee: Referee) -> bool:
    """Whether an answer is still wanted."""
    return referee.answered_at is None and referee.application.state not in Application.FINAL


@transaction.atomic
def speak(referee: Referee, *, supports: bool, words: str, now: datetime.datetime) -> bool:
    """A referee says yes or no, once, and as long as nothing final was decided; False if it was too late. The desk
    shows it; nobody is written to."""
    asked = Referee.objects.filter(pk=referee.pk, answered_at=None).exclude(application__state__in=Application.FINAL)
    return bool(asked.update(supports=supports, words=words.strip(), answered_at=now))


# --- upkeep -------------------------------------------------------------------------------------------------------


def remind_referees(*, now: datetime.datetime) -> int:
    """A second letter, the last one, to referees who have not answered within ten days; how many."""
    silent = Referee.objects.filter(answered_at=None, reminded_at=None, asked_at__lte=now - PATIENCE)
    number = 0
    for referee in silent.exclude(application__state__in=Application.FINAL):
        with transaction.atomic():
            if silent.filter(pk=referee.pk).update(reminded_at=now):
                about = {"to": referee.email, "language": referee.language, "referee": referee.pk}
                post.put("members.referee_reminded", now=now, **about)
                number += 1
    return number


def remind_drafts(*, now: datetime.datetime) -> int:
    """A letter to authors of drafts that are about to be deleted; how many. Whoever never wrote anything there may not
    have asked for the link at all, and gets no second mail."""
    idle = Application.objects.filter(state=State.DRAFT, reminded_at=None, changed_at__lte=now - KEPT + NOTICE)
    number = 0
    for draft in idle.filter(changed_at__gt=F("created_at")):
        with transaction.atomic():
            if idle.filter(pk=draft.pk).update(reminded_at=now):
                about = {"to": draft.email, "language": draft.language, "application": draft.pk}
                post.put("members.application_reminder", now=now, **about)
                number += 1
    return number


def expire_drafts(*, now: datetime.datetime) -> int:
    """Delete drafts that nobody has gone on with for sixty days, ten of them after the reminder; how many."""
    reminded = Q(reminded_at__lte=now - NOTICE) | Q(changed_at=F("created_at"))
    over = Application.objects.filter(reminded, state=State.DRAFT, changed_at__lte=now - KEPT)
    number = 0
    for pk in list(over.values_list("pk", flat=True)):
        with transaction.atomic():
            if held := over.select_for_update().filter(pk=pk).first():
                _delete(held)
                number += 1
    return number
