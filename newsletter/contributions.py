"""What others hand in becomes an item of an issue, and what became of it: items by their numbers. A DOOR for members/.

Who may be named with an item, and whether a place may be, is known there, not here.
"""

import datetime
from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import override

from newsletter import compose, rendering, search_index, translating
from newsletter.models import Edition, Issue, Item, Revision, Section, Source
from newsletter.references import Published, published
from newsletter.translation import texts
from picum import localising, richtext
from picum.accounts import audit
from picum.accounts.models import User
from picum.areas.models import Area, Right

UNFINISHED = [Edition.State.DRAFT, Edition.State.READY]


class NotPossible(Exception):
    """It cannot be taken, or given back; the message says why to the person. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What becomes an item: one text in one language, plain, as its paragraphs; keys of areas and rights; the words of
    its source. Nothing else of whoever wrote it is known here."""

    language: str
    title: str
    paragraphs: tuple[str, ...]
    source_outlet: str
    source_title: str = ""
    source_date: datetime.date | None = None
    source_language: str = ""
    countries: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()
    not_before: datetime.date | None = None

    @property
    def html(self) -> SafeString:
        """The paragraphs as the rich text of an item."""
        lines = (escape(paragraph).replace("\n", "<br>") for paragraph in self.paragraphs)
        return richtext.safe("".join(f"<p>{line}</p>" for line in lines))

    def source(self, **fields: object) -> Source:
        """Not saved."""
        return Source(
            position=1,
            outlet=self.source_outlet[:150],
            title=self.source_title,
            date=self.source_date,
            language=self.source_language,
            **fields,
        )


@dataclass(frozen=True, slots=True)
class OpenIssue:
    """An issue into which something can be taken. `gone`: languages in which it went out already, where an item that
    comes now is found in the archive alone."""

    number: int
    label: str
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """An item as its readers will see it, in its own language."""

    place: str
    title: str
    text: SafeString
    source: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an item: the issue in which it stands, and where it is read. The address is "" until the item has
    appeared; the title is in `title_language`."""

    label: str
    path: str
    title: str
    title_language: str


# --- taking ---------------------------------------------------------------------------------------------------------


def open_issues(language: str) -> list[OpenIssue]:
    """Issues of which an edition is not finished, the newest first, named in a language. Two queries."""
    waiting = Edition.objects.filter(state__in=UNFINISHED).values("issue")
    issues = Issue.objects.newsletters().filter(pk__in=waiting).prefetch_related("editions")
    return [OpenIssue(issue.pk, issue.label(language), _gone(issue)) for issue in issues]


def sections() -> list[tuple[str, str]]:
    """Key and heading of all sections, in their order, in the active language. Two queries."""
    return [(section.key, str(section)) for section in Section.objects.prefetch_related("translations")]


def preview(contribution: Contribution) -> Preview:
    """How it would look; nothing is stored."""
    language = contribution.language
    names = localising.in_order(localising.country_name(code, language) for code in contribution.countries)
    with override(language):
        line = rendering.source_line(contribution.source(), language)
        source = f"{line.name}{line.details}"
    return Preview(", ".join(names).upper(), contribution.title, contribution.html, source)


@transaction.atomic
def take(contribution: Contribution, *, issue_number: int, section_key: str, by: User) -> int:
    """An item at the end of a section, with its words in one language and its one source; its number. Audited. Nobody
    is told. Raises NotPossible when the issue or section is not there, or all of the issue went out."""
    issue = Issue.objects.newsletters().select_for_update().filter(pk=issue_number).first()
    section = Section.objects.filter(key=section_key).first()
    if issue is None or section is None:
        raise NotPossible(_("There is no such issue or section any more."))
    if not issue.editions.filter(state__in=UNFINISHED).exists():
        raise NotPossible(_("All editions of this issue are finished. Choose another issue."))
    item = Item.objects.create(
        issue=issue,
        section=section,
        countries=list(contribution.countries),
        original_language=contribution.language,
        not_before=contribution.not_before,
    )
    item.translations.create(language_code=contribution.language, title=contribution.title, text=contribution.html)
    texts.noticed(item, contribution.language, by=by, how=Revision.How.CONTRIBUTED, now=timezone.now())
    item.areas.set(Area.objects.filter(key__in=contribution.areas))
    item.rights.set(Right.objects.filter(key__in=contribution.rights))
    contribution.source(item=item).save()
    search_index.index(item)
    compose.place_last(item)
    audit.record("item.contributed", by=by, on=item, issue=issue.slug)
    return item.pk


@transaction.atomic
def give_back(number: int) -> None:
    """Whoever handed it in takes it back: the item goes, with all its translations, as long as no edition of its issue
    went out; one that is gone already is no matter. Audited, as the machine's deed. Raises NotPossible."""
    item = Item.objects.filter(pk=number).first()
    if item is None:
        return
    issue = Issue.objects.select_for_update().get(pk=item.issue_id)  # whoever freezes an edition waits here, or we do
    if issue.editions.filter(Q(frozen_at__isnull=False) | Q(published_at__isnull=False)).exists():
        raise NotPossible(_("It has been published. Please write to us about it."))
    audit.record("item.given_back", by=None, on=item, issue=issue.slug)
    item.delete()


def _gone(issue: Issue) -> tuple[str, ...]:
    gone = {edition.language for edition in issue.editions.all() if edition.frozen_at}
    return tuple(code for code in translating.LANGUAGES if code in gone)


# --- what became of it ----------------------------------------------------------------------------------------------


def desk_page(number: int) -> str:
    """The page of an item on the desk."""
    return reverse("admin:newsletter_item_change", args=[number])


def became(numbers: Collection[int], language: str, *, on: datetime.datetime) -> dict[int, Fate]:
    """What became of items at a moment, for a reader of a language; those that are not there any more are missing.
    Five queries, none without numbers."""
    if not numbers:
        return {}
    there = {one.number: one for one in published(numbers, language, on=on)}
    items = Item.objects.filter(pk__in=numbers).select_related("issue").prefetch_related("translations")
    return {item.pk: _fate(item, there.get(item.pk), language) for item in items}


def _fate(item: Item, shown: Published | None, language: str) -> Fate:
    if shown:
        return Fate(shown.label, shown.path, shown.title, shown.language)
    code = translating.shown_in(item, language, ())
    title = translating.texts(item)[code].title if code else ""
    return Fate(item.issue.label(language), "", title, code or "")
