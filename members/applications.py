"""From a draft to a decision: the only writer of `Application.state`, each move by one function.

A move is a conditional update that refuses if the row moved meanwhile; what was said goes into the application's
history, and who is concerned is written to (`members.mails.applications`), all in one transaction.
"""

import datetime
from collections.abc import Collection

from django.db import transaction
from django.utils.translation import gettext as _

from members import admission, register
from members.mails import applications as letters
from members.models import Application, ApplicationEntry, Assembly, Category, DecidedBy, Membership
from picum.accounts import audit
from picum.accounts.models import User

State = Application.State
Kind = ApplicationEntry.Kind
MOVES: dict[str, set[str]] = {
    State.DRAFT: {State.SUBMITTED, State.WITHDRAWN},
    State.SUBMITTED: {State.ASKED, State.RECOMMENDED, State.DECLINED, State.WITHDRAWN},
    State.ASKED: {State.SUBMITTED, State.DECLINED, State.WITHDRAWN},  # declined: some never answer
    State.RECOMMENDED: {State.ADMITTED, State.REFUSED, State.DEFERRED, State.WITHDRAWN},
    State.DEFERRED: {State.RECOMMENDED, State.WITHDRAWN},  # recommended once more: it comes before the next assembly
    State.DECLINED: set(),
    State.ADMITTED: set(),
    State.REFUSED: set(),
    State.WITHDRAWN: set(),
}


class IllegalMove(Exception):
    """The application is not in a state from which it may go there; the message says so to the person."""


# --- the applicant ------------------------------------------------------------------------------------------------


@transaction.atomic
def submit(application: Application, *, now: datetime.datetime) -> Application:
    """The applicant hands in a draft; whether it is complete, the form has decided. Whoever assesses applications gets
    a letter. Raises IllegalMove."""
    _move(application, State.SUBMITTED, of={State.DRAFT}, by=None, now=now, submitted_at=now)
    letters.tell_staff("members.application_new", application, now=now)
    return application


@transaction.atomic
def answer(application: Application, words: str, *, now: datetime.datetime) -> ApplicationEntry:
    """The applicant answers what was asked; the application goes back to who asked. Whoever assesses applications gets
    a letter. Raises IllegalMove."""
    entry = _move(application, State.SUBMITTED, of={State.ASKED}, by=None, now=now, kind=Kind.ANSWER, words=words)
    letters.tell_staff("members.application_answered", application, now=now, entry=entry.pk)
    return entry


@transaction.atomic
def withdraw(application: Application, *, now: datetime.datetime) -> Application:
    """The applicant takes it back, which is acknowledged by a letter. Raises IllegalMove."""
    _move(application, State.WITHDRAWN, by=None, now=now)
    letters.tell_applicant("members.application_withdrawn", application, now=now)
    return application


# --- the secretariat and the board ----------------------------------------------------------------------------------


@transaction.atomic
def ask(application: Application, words: str, *, by: User, now: datetime.datetime) -> ApplicationEntry:
    """More is to be known: the applicant gets the question by mail. Audited. Raises IllegalMove."""
    entry = _move(application, State.ASKED, by=by, now=now, kind=Kind.QUESTION, words=words)
    letters.tell_applicant("members.application_asked", application, now=now, entry=entry.pk)
    return entry


def note(application: Application, words: str, *, by: User, now: datetime.datetime) -> ApplicationEntry:
    """A word for colleagues, in any state; the applicant never sees it. Audited, without the words."""
    with transaction.atomic():
        audit.record("application.note", by=by, on=application)
        return _entry(application, Kind.NOTE, words, by=by, now=now)


@transaction.atomic
def complete(application: Application, *, by: User, now: datetime.datetime) -> Application:
    """The secretariat finds nothing missing: it is the board's turn, also when the applicant answered a question by
    telephone. Audited. Nobody is told. Raises IllegalMove when it is not submitted, or was found complete before."""
    if application.state == State.ASKED:
        _move(application, State.SUBMITTED, of={State.ASKED}, by=by, now=now)
    waiting = Application.objects.filter(pk=application.pk, state=State.SUBMITTED, complete_at__isnull=True)
    if not waiting.update(complete_at=now, changed_at=now):
        application.refresh_from_db(fields=["state", "complete_at"])
        raise IllegalMove(
            _("The application of %(name)s is now “%(now)s”; it does not wait to be found complete.")
            % {"name": application, "now": application.get_state_display()}
        )
    application.complete_at = application.changed_at = now
    audit.record("application.complete", by=by, on=application)
    return application


@transaction.atomic
def recommend(application: Application, *, by: User, now: datetime.datetime, words: str = "") -> Application:
    """The board is in favour; the General Assembly is to decide. What was deferred comes back in the same way. `words`
    are for the assembly's list. The applicant gets a letter. Audited. Raises IllegalMove."""
    _move(application, State.RECOMMENDED, by=by, now=now, words=words, assembly=None)
    letters.tell_applicant("members.application_recommended", application, now=now)
    return application


@transaction.atomic
def decline(application: Application, *, by: User, now: datetime.datetime, words: str) -> Application:
    """The board is not in favour: the end. The applicant gets a letter with `words`. Audited. Raises IllegalMove."""
    entry = _move(application, State.DECLINED, by=by, now=now, words=words)
    letters.tell_applicant("members.application_declined", application, now=now, entry=entry.pk)
    return application


@transaction.atomic
def set_category(application: Application, category: Category, *, by: User, now: datetime.datetime) -> Application:
    """In which category the applicant would be a member. Audited. Nobody is told. Raises IllegalMove when something
    final was said, and `register.NotPossible` when the category is for others."""
    admission.check_category(application, category)
    undecided = Application.objects.filter(pk=application.pk).exclude(state__in=Application.FINAL)
    if not undecided.update(category=category, changed_at=now):
        application.refresh_from_db(fields=["state"])
        raise IllegalMove(
            _("The application of %(name)s is now “%(now)s”; its category cannot be changed any more.")
            % {"name": application, "now": application.get_state_display()}
        )
    application.category, application.changed_at = category, now
    audit.record("application.category", by=by, on=application, category=category.key)
    return application


# --- the General Assembly -------------------------------------------------------------------------------------------


@transaction.atomic
def admit(
    application: Application,
    *,
    by: User,
    on: datetime.date,
    now: datetime.datetime,
    decided_by: str = DecidedBy.ASSEMBLY,
    category: Category | None = None,
    assembly: Assembly | None = None,
) -> Membership:
    """The applicant is a member from the day `on`: the member is made of the answers (`members.admission`) and entered
    in the register; the contact is welcomed by a letter with an invitation, the treasurer invited. Exactly once,
    however many press at once. Audited. Raises IllegalMove, and `register.NotPossible` without a fitting category."""
    _held(application, to=State.ADMITTED)
    category = category or application.category
    admission.check_category(application, category)
    member = admission.make_member(application, on=on)
    membership = register.admit(member, category, from_on=on, decided_by=decided_by, decided_on=on, by=by)
    _move(application, State.ADMITTED, by=by, now=now, member=member, category=category, assembly=assembly)
    admission.add_people(application, member, by=by, now=now)
    return membership


@transaction.atomic
def refuse(
    application: Application, *, by: User, now: datetime.datetime, words: str = "", assembly: Assembly | None = None
) -> Application:
    """The assembly said no: the end. The applicant gets a letter with `words`. Audited. Raises IllegalMove."""
    entry = _move(application, State.REFUSED, by=by, now=now, words=words, assembly=assembly)
    letters.tell_applicant("members.application_refused", application, now=now, entry=entry.pk)
    return application


@transaction.atomic
def defer(
    application: Application, *, by: User, now: datetime.datetime, words: str = "", assembly: Assembly | None = None
) -> Application:
    """The assembly did not decide yet: it waits until it is recommended once more. The applicant gets a letter with
    `words`. Audited. Raises IllegalMove."""
    entry = _move(application, State.DEFERRED, by=by, now=now, words=words, assembly=assembly)
    letters.tell_applicant("members.application_deferred", application, now=now, entry=entry.pk)
    return application


# --- how a move is made ---------------------------------------------------------------------------------------------


def _move(
    application: Application,
    to: State,
    *,
    by: User | None,
    now: datetime.datetime,
    of: Collection[str] = State,
    kind: str = Kind.MOVE,
    words: str = "",
    **fields: object,
) -> ApplicationEntry:
    """Set the state and `fields` in one conditional update, and write the history; what staff (`by`) do is audited.

    `of`: the states that this deed may start from, where several deeds lead to one state. Raises IllegalMove when the
    move is not in MOVES, does not start from there, or somebody else was quicker.
    """
    before = State(application.state)
    fields |= {"state": to, "state_since": now, "changed_at": now, "complete_at": None}
    allowed = before in of and to in MOVES[before]
    if not allowed or not Application.objects.filter(pk=application.pk, state=before).update(**fields):
        application.refresh_from_db(fields=["state"])
        raise _illegal(application, to)
    for name, value in fields.items():
        setattr(application, name, value)
    if by:
        audit.record(f"application.{to}", by=by, on=application, before=before.value)
    return _entry(application, kind, words, state=to, by=by, now=now)


def _entry(
    application: Application, kind: str, words: str, *, by: User | None, now, state: str = ""
) -> ApplicationEntry:
    return application.entries.create(
        kind=kind, state=state, words=words.strip(), by=by, by_label=str(by)[:150] if by else "", at=now
    )


def _held(application: Application, *, to: State) -> None:
    """Two who decide on one application at once stand in line, before anything is made. Raises IllegalMove for the
    second."""
    row = Application.objects.select_for_update().get(pk=application.pk)
    if row.state != application.state or to not in MOVES[row.state]:
        application.state = row.state
        raise _illegal(application, to)


def _illegal(application: Application, to: State) -> IllegalMove:
    return IllegalMove(
        _("The application of %(name)s is now “%(now)s”; it cannot become “%(to)s”.")
        % {"name": application, "now": application.get_state_display(), "to": to.label}
    )
