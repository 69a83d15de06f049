"""Letters about an application: to the applicant at each step, and to whoever assesses applications.

A letter tells what is true when it goes: one that was overtaken by the next step is not sent any more.
"""

import datetime

from django.core.mail import EmailMultiAlternatives
from django.db.models import Q

from members import invitations
from members.models import Application, ApplicationEntry, Contact
from picum import links, localising
from picum.accounts.models import User
from picum.letters import post
from picum.letters.models import Letter

State = Application.State
ASSESS = "assess_application"


def tell_applicant(kind: str, application: Application, *, now: datetime.datetime, **about: int) -> None:
    """Queue a letter to whoever filled the application in."""
    post.put(kind, to=application.email, language=application.language, now=now, application=application.pk, **about)


def tell_staff(kind: str, application: Application, *, now: datetime.datetime, **about: int) -> None:
    """Queue a letter to everybody who assesses applications, to each in their language."""
    for user in assessors():
        post.put(kind, to=user.email, language=user.language, now=now, application=application.pk, **about)


def assessors() -> list[User]:
    """Staff who may ask applicants and record the board's view."""
    allowed = {"codename": ASSESS, "content_type__app_label": "members"}
    may = (
        Q(is_superuser=True)
        | Q(user_permissions__in=_permissions(**allowed))
        | Q(groups__permissions__in=_permissions(**allowed))
    )
    return list(User.objects.filter(may, is_active=True, is_staff=True).distinct().order_by("pk"))


def _permissions(**which):
    return User._meta.get_field("user_permissions").related_model.objects.filter(**which)


# --- to the applicant -----------------------------------------------------------------------------------------------


@post.builds("members.application_asked")
def asked(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    return _step(letter, State.ASKED, "members/application_asked")


@post.builds("members.application_recommended")
def recommended(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    return _step(letter, State.RECOMMENDED, "members/application_recommended")


@post.builds("members.application_declined")
def declined(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    return _step(letter, State.DECLINED, "members/application_declined")


@post.builds("members.application_deferred")
def deferred(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    return _step(letter, State.DEFERRED, "members/application_deferred")


@post.builds("members.application_refused")
def refused(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    return _step(letter, State.REFUSED, "members/application_refused")


@post.builds("members.application_withdrawn")
def withdrawn(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    return _step(letter, State.WITHDRAWN, "members/application_withdrawn")


@post.builds("members.welcome")
def welcome(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """To the contact of a member that was admitted: with the invitation, or the way in for who has been here before."""
    contacts = Contact.objects.active().select_related("member")
    contact = contacts.filter(pk=letter.about["contact"]).first()
    current = contact and contact.member.memberships.standing().filter(until_on__isnull=True).first()
    if current is None:
        return None
    invited = invitations.is_open(contact, now=now)
    return post.written(
        letter,
        "members/welcome",
        name=contact.member.name,
        since=localising.day(current.from_on, letter.language),
        token=invitations.token_for(contact) if invited else "",
        until=localising.deadline(invitations.until(contact), letter.language) if invited else "",
    )


# --- to the secretariat ---------------------------------------------------------------------------------------------


@post.builds("members.application_new")
def new(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    return _step(letter, State.SUBMITTED, "members/application_new", for_staff=True)


@post.builds("members.application_answered")
def answered(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    return _step(letter, State.SUBMITTED, "members/application_answered", for_staff=True)


def _step(letter: Letter, state: str, template: str, *, for_staff: bool = False) -> EmailMultiAlternatives | None:
    """The letter about a step, with what was said; None when the application is gone, or a step further."""
    application = Application.objects.filter(pk=letter.about["application"], state=state).first()
    if application is None:
        return None
    entry = ApplicationEntry.objects.filter(pk=letter.about.get("entry"), application=application).first()
    return post.written(
        letter,
        template,
        name=application.name,
        country=localising.country_name(application.country, letter.language),
        said=[" ".join(line.split()) for line in entry.words.splitlines() if line.strip()] if entry else [],
        address=_desk_page(application, letter) if for_staff else _own_page(application, letter),
    )


def _own_page(application: Application, letter: Letter) -> str:
    """Where the applicant sees how things stand, and answers."""
    return links.page(
        "members:application", links.sign(application.handle, purpose="application"), language=letter.language
    )


def _desk_page(application: Application, letter: Letter) -> str:
    return links.page("admin:members_application_change", application.pk, language=letter.language)
