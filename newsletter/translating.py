"""Which text a reader gets, and what is missing."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings

from newsletter.models import Issue, Item, ItemTranslation, Subscriber

LANGUAGES = [code for code, _name in settings.LANGUAGES]


def texts(item: Item) -> dict[str, ItemTranslation]:
    """An item's words by language; only those that have both a title and a text. Reads the prefetched rows."""
    return {row.language_code: row for row in item.translations.all() if row.title.strip() and row.text.strip()}


def missing(issue: Issue, language: str) -> list[Item]:
    """The items that this language lacks. Wants `Issue.objects.with_contents()`."""
    return [item for item in issue.items.all() if language not in texts(item)]


def fallback_order(language: str, languages: Sequence[str], original: str) -> list[str]:
    """The edition's language, the reader's own order, English, the item's original, then the masthead order."""
    return list(dict.fromkeys([language, *languages, "en", original, *LANGUAGES]))


def shown_in(item: Item, language: str, languages: Sequence[str]) -> str | None:
    """The language in which a reader sees an item, along their own order; None when there is no text at all."""
    available = texts(item)
    return next(
        (code for code in fallback_order(language, languages, item.original_language) if code in available),
        None,
    )


@dataclass(frozen=True)
class Contents:
    """The items that readers with one order of languages are shown in an edition, in their order, each with the
    language it is shown in."""

    language: str  # the edition's
    items: list[tuple[Item, str]]

    @cached_property
    def gaps(self) -> str:
        """How the edition's gaps are filled: "" or, say, "12:es 15:en"."""
        filled = sorted((item.pk, code) for item, code in self.items if code != self.language)
        return " ".join(f"{pk}:{code}" for pk, code in filled)

    @cached_property
    def areas(self) -> dict[str, set[str]]:
        """Keys of the areas of each section's items, by the sections' keys in their order."""
        found: dict[str, set[str]] = {}
        for item, _code in self.items:
            found.setdefault(item.section.key, set()).update(area.key for area in item.areas.all())
        return found

    def first(self, areas: Collection[str]) -> list[str]:
        """Keys of the sections that who named these areas finds first in the index: those with an item of them, in
        their order. Empty where that changes nothing, as for who named none."""
        first = [key for key, theirs in self.areas.items() if not theirs.isdisjoint(areas)] if areas else []
        return [] if first == list(self.areas)[: len(first)] else first

    def variant(self, areas: Collection[str] = ()) -> str:
        """What sets a reader's rendition apart: see `Rendition.variant`."""
        first = self.first(areas)
        return " ".join(filter(None, [self.gaps, first and f"first:{','.join(first)}"]))


def contents(issue: Issue, language: str, languages: Sequence[str]) -> Contents:
    """What has no text is left out, and so is what the edition lacks where the editors chose that for the issue. Wants
    `Issue.objects.with_contents()`."""
    omits = issue.fallback == Issue.Fallback.OMIT
    shown = ((item, shown_in(item, language, languages)) for item in issue.items.all())
    return Contents(language, [(item, code) for item, code in shown if code and not (omits and code != language)])


def route(
    languages: Iterable[str], *, going: set[str], given_up: set[str], late: str = Subscriber.Late.WAIT
) -> str | None:
    """The language in which a reader with this order gets the issue now, or None: they wait.

    `going`: languages whose edition goes out or went out; `given_up`: languages that are not ready and for which
    readers do not wait. The first language of the order that is not given up decides; one we do not have is skipped.
    Who does not want to wait for a `late` language gets the first of their order that goes.
    """
    for language in languages:
        if language in going:
            return language
        if language in LANGUAGES and language not in given_up and late != Subscriber.Late.FALLBACK:
            return None
    return None
