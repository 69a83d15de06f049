"""What is missing in an edition, and what becomes of it. Queries nothing when the issue came with its contents."""

import datetime

from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from newsletter import rendering, translating
from newsletter.models import Issue
from newsletter.problems.problem import Kind, Place, Problem, at_items, name_of
from newsletter.translation import segments, texts
from picum import localising


def subject(composition: rendering.Composition) -> list[Problem]:
    if composition.subject.strip():
        return []
    language = composition.language
    text = _("The subject of the mail is missing in %s.") % name_of(language)
    return [Problem(text, blocking=True, places=(Place(Kind.WORDS, language),))]


def items(issue: Issue, composition: rendering.Composition) -> list[Problem]:
    language = composition.language
    missing = translating.missing(issue, language)
    nowhere = [item for item in missing if not translating.texts(item)]
    elsewhere = [item for item in missing if item not in nowhere]
    found = []
    if not composition.entries:
        found.append(Problem(_("There is no item to show."), blocking=True, places=(Place(Kind.ISSUE, language),)))
    if elsewhere and issue.fallback == Issue.Fallback.MARK:
        text = ngettext(
            "%(count)d item is not written in %(language)s: readers see it in their next language, marked as such.",
            "%(count)d items are not written in %(language)s: readers see them in their next language, marked as such.",
            len(elsewhere),
        )
        found.append(Problem(_count(text, elsewhere, language), places=at_items(Kind.WORDS, elsewhere, language)))
    elif elsewhere:
        text = ngettext(
            "%(count)d item is not written in %(language)s: it is left out.",
            "%(count)d items are not written in %(language)s: they are left out.",
            len(elsewhere),
        )
        found.append(Problem(_count(text, elsewhere, language), places=at_items(Kind.WORDS, elsewhere, language)))
    if nowhere:
        text = ngettext(
            "%(count)d item has no text in any language: it is left out.",
            "%(count)d items have no text in any language: they are left out.",
            len(nowhere),
        )
        found.append(Problem(_count(text, nowhere, language), places=at_items(Kind.ITEM, nowhere, language)))
    return found


def too_early(issue: Issue, language: str, *, at: datetime.datetime | None = None) -> list[Problem]:
    """The problem of items that must not appear yet, if there is one: for a sending at `at` it blocks."""
    day = localising.local_day(at or timezone.now())
    shown = translating.contents(issue, language, ()).items
    early = [item for item, _code in shown if item.not_before and item.not_before > day]
    if not early:
        return []
    first = localising.day(max(item.not_before for item in early), get_language() or "en")
    text = ngettext(
        "%(count)d item must not appear yet: this edition can go out on %(day)s at the earliest.",
        "%(count)d items must not appear yet: this edition can go out on %(day)s at the earliest.",
        len(early),
    )
    text %= {"count": len(early), "day": first}
    return [Problem(text, blocking=at is not None, places=at_items(Kind.ITEM, early, language))]


def gaps(issue: Issue, language: str) -> list[Problem]:
    """Sentences that nobody has translated yet. Readers would see "[…]", also of an item in its next language."""
    shown = [(issue, texts.AROUND, language)]
    shown += [(item, item.original_language, code) for item, code in translating.contents(issue, language, ()).items]
    places = tuple(
        Place(Kind.WORDS, code, None if thing is issue else thing)
        for thing, original, code in shown
        if segments.fields_with_gaps(texts.stored_words(thing, original), texts.stored_words(thing, code))
    )
    if not places:
        return []
    text = ngettext(
        "%(count)d text of this edition lacks sentences: readers would see […] there.",
        "%(count)d texts of this edition lack sentences: readers would see […] there.",
        len(places),
    )
    return [Problem(text % {"count": len(places)}, blocking=True, places=places)]


def around(issue: Issue, language: str) -> list[Problem]:
    """Texts around the items that another language has and this one lacks."""
    rows = {row.language_code: row for row in issue.translations.all()}
    own = rows.get(language)
    warnings = {
        "masthead": _("The masthead is missing in %s, though another language has one."),
        "message": _("The message from the editor is missing in %s, though another language has one."),
        "donation": _("The donation box is missing in %s, though another language has one."),
    }
    return [
        Problem(warning % name_of(language), places=(Place(Kind.WORDS, language),))
        for field, warning in warnings.items()
        if not getattr(own, field, "").strip() and any(getattr(row, field).strip() for row in rows.values())
    ]


def _count(text: str, found: list, language: str) -> str:
    return text % {"count": len(found), "language": name_of(language)}
