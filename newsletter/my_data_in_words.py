"""What `my_data.about` found, for people: headings, labels and values in the language of the page."""

import datetime
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from newsletter.in_words import DEEDS, HAPPENED, WHY, source
from newsletter.models import (
    Consent,
    Delivery,
    DeliveryEvent,
    Issue,
    Move,
    SignUp,
    Subscriber,
    Suppression,
    SystemMail,
)
from newsletter.outbox import Why
from picum import localising
from picum.accounts.models import AuditEntry
from picum.areas.models import Area

Words = str | Promise
# Where a model's own name of a field is for those who know the machine.
LABELS: dict[str, Words] = {
    "address_key": gettext_lazy("fingerprint of the address"),
    "handle": gettext_lazy("number in your personal links"),
    "old_confirmed_at": gettext_lazy("confirmed at the old address"),
    "new_confirmed_at": gettext_lazy("confirmed at the new address"),
    "asked_by_you": gettext_lazy("asked for by you"),
    "changed_at": gettext_lazy("last change"),
    "due_at": gettext_lazy("not before"),
    "action": gettext_lazy("what was done"),
    "note": gettext_lazy("note"),
    "confirmation": gettext_lazy("confirmations mailed"),
    "link": gettext_lazy("links mailed"),
    "sign-in": gettext_lazy("links to sign in mailed"),
    "invitation": gettext_lazy("invitations mailed"),
}
_WHY: dict[type[Model], dict] = {Delivery: WHY | HAPPENED, SystemMail: dict(Why.choices)}


@dataclass(frozen=True)
class Fact:
    """`lang`: the language of a value that is a text in another one."""

    label: str
    value: str
    lang: str = ""


@dataclass(frozen=True)
class Record:
    """`parts`: what belongs to it, such as the events of a delivery."""

    title: str
    facts: list[Fact]
    parts: list["Record"] = field(default_factory=list)


@dataclass(frozen=True)
class Section:
    key: str
    title: str
    records: list[Record]


def sections(data: Mapping[str, Any], language: str) -> list[Section]:
    """All of `my_data.about`, in its order. Empty values are left out, empty sections are not."""
    teller = _Teller(data, language)
    all_of = teller.all
    return [
        Section("reader", _("You as a reader"), all_of([data["reader"]], Subscriber)),
        Section("moves", _("Changes of address"), all_of(data["moves"], Move, "created_at")),
        Section("sign-ups", _("Sign-ups of the last days"), all_of(data["sign_ups"], SignUp, "created_at")),
        Section("consents", _("What you agreed to, and withdrew"), all_of(data["consents"], Consent, "kind", "at")),
        Section("stop-list", _("Stop list"), all_of([data["stop_list"]], Suppression)),
        Section("deliveries", _("Issues sent to you"), [teller.delivery(row) for row in data["deliveries"]]),
        Section("mails", _("Other mails to you"), all_of(data["mails"], SystemMail, "kind", "created_at")),
        Section("limits", _("How many mails were asked for lately"), all_of([data["limits"]], None)),
        Section("staff", _("What our staff did"), all_of(data["staff"], AuditEntry, "at")),
    ]


class _Teller:
    """Says values in one language."""

    def __init__(self, data: Mapping[str, Any], language: str):
        self.language = language
        rows = [row for row in [data["reader"], *data["sign_ups"]] if row]
        named = {key for row in rows for key in row["areas"]}
        areas = Area.objects.filter(key__in=named).prefetch_related("translations") if named else []
        self.areas = {area.key: str(area) for area in areas}
        slugs = {row["issue"] for row in data["deliveries"]}
        issues = Issue.objects.filter(slug__in=slugs) if slugs else []
        self.issues = {issue.slug: issue.label(language) for issue in issues}

    def all(self, rows: Iterable[Mapping | None], model: type[Model] | None, *title: str) -> list[Record]:
        """A record of each row there is, under a title of these values."""
        return [self.record(row, model, *title) for row in rows if row]

    def record(self, row: Mapping[str, Any], model: type[Model] | None, *title: str) -> Record:
        facts = [
            Fact(capfirst(self.label(model, name)), self.value(model, name, value))
            for name, value in row.items()
            if name not in {*title, "consent_text", "events"} and (value or value is False)
        ]
        heading = ", ".join(self.value(model, name, row[name]) for name in title)
        return Record(heading[:1].upper() + heading[1:], facts + self.words(row.get("consent_text")))

    def delivery(self, row: Mapping[str, Any]) -> Record:
        told = self.record(row, Delivery, "issue", "language")
        return Record(told.title, told.facts, self.all(row["events"], DeliveryEvent, "kind", "happened_at"))

    def words(self, wording: Mapping[str, Any] | None) -> list[Fact]:
        if not wording:
            return []
        label = _("Consent text, version %(number)d (%(language)s)") % {
            "number": wording["number"],
            "language": localising.language_name(wording["language"], self.language),
        }
        return [Fact(label, wording["text"], wording["language"])]

    def label(self, model: type[Model] | None, name: str) -> str:
        if name in LABELS or model is None:
            return str(LABELS.get(name, name))
        return str(model._meta.get_field(name).verbose_name)

    def value(self, model: type[Model] | None, name: str, value: Any) -> str:
        say: dict[str, Callable[[Any], str]] = {
            "issue": lambda slug: self.issues[slug],
            "language": self.name_of,
            "languages": lambda codes: ", ".join(map(self.name_of, codes)),
            "areas": lambda keys: ", ".join(self.areas.get(key, key) for key in keys),
            "why": lambda code: str(_WHY[model].get(code, code)),
            "action": lambda code: str(DEEDS.get(code, code)),
            "source": lambda stored: source(stored) if model is Subscriber else stored,
        }
        if name in say:
            return say[name](value)
        if isinstance(value, datetime.datetime):
            return localising.moment(timezone.localtime(value), self.language)
        if isinstance(value, datetime.date):
            return localising.day(value, self.language)
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if isinstance(value, uuid.UUID):
            return value.hex
        return str(self.choices(model).get(name, {}).get(value, value))

    def choices(self, model: type[Model] | None) -> dict[str, dict]:
        return {field.name: dict(field.choices) for field in model._meta.fields if field.choices} if model else {}

    def name_of(self, code: str) -> str:
        return localising.language_name(code, self.language)
