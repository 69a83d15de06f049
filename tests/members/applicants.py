"""Somebody who applies: a browser without cookies, and what an organisation in Lisbon answers."""

import datetime

from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from members import applying
from members.models import Application, Category
from newsletter import subscriptions
from picum.letters import post
from tests.html import Page
from tests.members.hostile import pdf

NOW = datetime.datetime(2026, 11, 2, 12, tzinfo=datetime.UTC)
ADDRESS = "amal@ruaaberta.example"
# What the steps ask, by step. Files and the signature come on top: see `Applicant.fills_in`.
ANSWERS = {
    "about": {"name": "Rua Aberta", "acronym": "RA", "country": "PT", "registration_number": "PT 501 234"},
    "address": {
        "street": "Rua da Paz 1",
        "postcode": "1100-001",
        "city": "Lisboa",
        "email": "geral@ruaaberta.example",
        "telephone": "+351 21 000 00 00",
        "website": "https://ruaaberta.example",
    },
    "work": {
        "type": "migrants-rights",
        "level": "local",
        "areas": ["monitoring", "advocacy"],
        "rights": ["health-care"],
        "language": "pt",
        "description": "We open doors.",
        "languages": "Portuguese, Arabic",
    },
    "people": {
        "contact_name": "Amal Duarte",
        "contact_position": "Coordinator",
        "contact_email": ADDRESS,
        "contact_telephone": "",
        "treasurer_name": "Tito Reis",
        "treasurer_email": "tito@ruaaberta.example",
    },
    "reasons": {
        "why": "Because doors open both ways.",
        "referee1_name": "Rosa Lima",
        "referee1_organisation": "Casa",
        "referee1_email": "rosa@example.org",
        "referee1_language": "pt",
        "referee2_name": "Jan Maas",
        "referee2_organisation": "",
        "referee2_email": "jan@example.net",
        "referee2_language": "nl",
    },
    "papers": {},
    "choices": {"in_directory": "on", "shown": ["website", "work"]},
    "code": {"signed_by": "Amal Duarte", "privacy": "on"},
}


def make_draft(email=ADDRESS, *, category="affiliated", now=NOW, language="en") -> Application:
    """A draft, as `applying.start` leaves it behind; its letter is not sent."""
    row = Category.objects.get(key=category)
    applying.start(email, category=row, language=language, network="", now=now)
    return Application.objects.get(email=email, kind=row.for_whom)


def statutes(name="Estatutos 2019.pdf", **content) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, pdf(**content), "application/pdf")


def letters(now=NOW) -> list:
    """The mails that go out when the worker looks at the letters."""
    mail.outbox.clear()
    post.dispatch(now=now)
    return mail.outbox


class Applicant:
    """A browser at the pages of an application, in the language of the page."""

    def __init__(self, application: Application, language="en"):
        self.application, self.language = application, language
        self.client = Client(enforce_csrf_checks=True)
        self.token = applying.token_for(application)

    def path(self, *parts: str, language: str = "") -> str:
        return "/" + "/".join([language or self.language, "apply", self.token, *parts]) + "/"

    def opens(self, *parts: str, language: str = "") -> Page:
        self.response = self.client.get(self.path(*parts, language=language))
        return Page(self.response)

    def posts(self, *parts: str, **fields):
        self.response = self.client.post(self.path(*parts), fields)
        return self.response

    def saves(self, step: str, **changed) -> object:
        """What an organisation in Lisbon answers in this step, but for what is said here."""
        fields = ANSWERS[step] | self.shown_with(step) | changed
        return self.posts(step, **{name: value for name, value in fields.items() if value is not None})

    def shown_with(self, step: str) -> dict[str, object]:
        """What comes along unseen, and the file."""
        if step == "papers" and not self.application.papers.exists():
            return {"statutes": statutes()}
        if step == "choices":
            return {"newsletter_wording": subscriptions.words_of_consent(self.language).digest}
        if step == "code":
            return {"code_version": "2026"}
        return {}

    def fills_in(self, **changed: dict[str, object]) -> None:
        """Every step in its order; `changed`: by step."""
        for step in ANSWERS:
            self.saves(step, **changed.get(step, {}))

    def now_holds(self) -> Application:
        self.application.refresh_from_db()
        return self.application
