"""Letters to whoever fills in an application, and to the referees they name."""

import datetime

from django.core.mail import EmailMultiAlternatives

from members.applying import KEPT, NOTICE
from members.models import Application, Referee
from picum import links, localising
from picum.letters import post
from picum.letters.models import Letter

State = Application.State


@post.builds("members.application_link")
def link(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """The link to a draft, or to the state of what was sent. Nothing in it was typed by whoever asked for it."""
    if (application := _application(letter)) is None:
        return None
    is_draft = application.state == State.DRAFT
    return _written(letter, "members/application_link", application, is_draft=is_draft)


@post.builds("members.application_reminder")
def reminder(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """A draft is about to be deleted. None when its author has gone on with it, or sent it."""
    application = _application(letter)
    if application is None or application.state != State.DRAFT or application.reminded_at is None:
        return None
    end = max(application.changed_at + KEPT, application.reminded_at + NOTICE)
    until = localising.day(localising.local_day(end), letter.language)
    return _written(letter, "members/application_reminder", application, until=until)


@post.builds("members.application_received")
def received(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """The application has come."""
    application = _application(letter)
    if application is None or application.state == State.WITHDRAWN:
        return None
    return _written(letter, "members/application_received", application, referees=application.referees.all())


@post.builds("members.referee_asked")
def referee_asked(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """Somebody named this person as a referee."""
    return _to_referee(letter, "members/referee_asked")


@post.builds("members.referee_reminded")
def referee_reminded(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """The same once more."""
    return _to_referee(letter, "members/referee_reminded")


def _application(letter: Letter) -> Application | None:
    return Application.objects.filter(pk=letter.about["application"]).first()


def _written(letter: Letter, template: str, application: Application, **context: object) -> EmailMultiAlternatives:
    token = links.sign(application.handle, purpose="application")
    return post.written(letter, template, application=application, token=token, **context)


def _to_referee(letter: Letter, template: str) -> EmailMultiAlternatives | None:
    """None when they have answered, or nothing is left to decide."""
    waiting = Referee.objects.filter(answered_at=None).exclude(application__state__in=Application.FINAL)
    referee = waiting.filter(pk=letter.about["referee"]).select_related("application").first()
    if referee is None:
        return None
    country = localising.country_name(referee.application.country, letter.language)
    token = links.sign(referee.handle, purpose="referee")
    return post.written(
        letter, template, referee=referee, application=referee.application, country=country, token=token
    )
