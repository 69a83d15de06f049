"""Readers and an issue for the drill, made through the functions that people's clicks call."""

import datetime
import random

from newsletter import compose
from newsletter.importing import import_rows
from newsletter.lists import Row
from newsletter.models import Edition, Issue, Item, Section

SLUG = "chaos"
LANGUAGES = ("en", "fr", "es", "pt")
ORDERS = ("en", "fr en", "es", "pt es en", "en fr", "es pt", "fr")  # as readers prefer
HOSTS = ("example.org", "example.net", "example.com", "mail.example.org")
ITEMS = 6
WORDS = ["shelter", "stays", "open", "winter", "nobody", "is", "asked", "for", "papers", "at", "the", "door"]


def make_readers(number: int, *, dice: random.Random) -> list[str]:
    """So many readers in several orders of languages; their addresses."""
    addresses = [f"reader{at:06}@{dice.choice(HOSTS)}" for at in range(1, number + 1)]
    rows = (Row(line, address, dice.choice(ORDERS)) for line, address in enumerate(addresses, 2))
    report = import_rows(rows, source="chaos")
    if report.added != number:
        raise AssertionError(f"{report.added} of {number} readers were added.")
    return addresses


def make_issue(*, dice: random.Random) -> Issue:
    """An issue that is ready in LANGUAGES; one item lacks its Portuguese, so that renditions differ."""
    issue = compose.start_issue(period=datetime.date(2026, 10, 1), slug=SLUG)
    for language in LANGUAGES:
        words = {"subject": f"News ({language})", "masthead": f"Masthead ({language})", "message": "<p>Hello.</p>"}
        issue.translations.update_or_create(language_code=language, defaults=words)
    sections = list(Section.objects.order_by("position", "pk"))
    for number in range(1, ITEMS + 1):
        item = Item.objects.create(issue=issue, section=dice.choice(sections))
        compose.place_last(item)
        for language in LANGUAGES if number < ITEMS else LANGUAGES[:-1]:
            text = f"<p>{' '.join(dice.choices(WORDS, k=150))}</p>"
            item.translations.create(language_code=language, title=f"Item {number} ({language})", text=text)
    for edition in Edition.objects.filter(issue=issue, language__in=LANGUAGES):
        edition.issue = Issue.objects.with_contents().get(pk=issue.pk)
        compose.declare_ready(edition, by=None)
    return issue
