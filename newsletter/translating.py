"""Which text a reader gets, and what is missing."""

from collections.abc import Iterable, Sequence

from django.conf import settings

from newsletter.models import Issue, Item, ItemTranslation

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


def variant(issue: Issue, language: str, languages: Sequence[str]) -> str:
    """How a reader's rendition of an edition fills its gaps: "" or, say, "12:es 15:en" (see `Rendition.variant`)."""
    if issue.fallback == Issue.Fallback.OMIT:
        return ""
    filled = ((item.pk, shown_in(item, language, languages)) for item in missing(issue, language))
    return " ".join(f"{pk}:{code}" for pk, code in sorted(filled, key=lambda pair: pair[0]) if code)


def route(languages: Iterable[str], *, going: set[str], given_up: set[str]) -> str | None:
    """The language in which a reader with this order gets the issue now, or None: they wait.

    `going`: languages whose edition goes out or went out; `given_up`: languages that are not ready and for which
    readers do not wait. The first language of the order that is not given up decides; one we do not have is skipped.
    """
    for language in languages:
        if language in going:
            return language
        if language in LANGUAGES and language not in given_up:
            return None
    return None
