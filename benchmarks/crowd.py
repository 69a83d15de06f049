"""An issue and its readers, made quickly through the public models. Runs inside Django."""

import datetime
from collections.abc import Iterator
from itertools import combinations

from django.utils import timezone

from newsletter import compose, rendering
from newsletter.models import Issue, Item, Section, Subscriber
from newsletter.models.audience import AREAS
from picum.addresses import address_key
from picum.areas.models import Area

BATCH = 5_000
SENTENCE = "People without papers told lawyers, nurses and teachers what they need; we read and translated it. "
# Orders of languages as a European list has them.
ORDERS = ("en", "fr en", "es en", "de en", "it en", "nl en", "pt es en", "de", "es fr en", "nl fr en")
# What a third of them may have named: every set of the five areas.
SETS = tuple(" ".join(chosen) for number in range(6) for chosen in combinations(AREAS, number))


def readers(number: int, *orders: str, choosing: bool = False) -> None:
    """So many subscribed readers, with these orders of languages in turn. `choosing`: a third of those of each order
    named areas, all sets in turn, and a fifth does not wait for a late language."""
    now, orders = timezone.now(), orders or ("en",)

    def choices(at: int) -> dict[str, str]:
        turn = at // len(orders)
        areas = SETS[turn // 3 % len(SETS)] if choosing and turn % 3 == 0 else ""
        return {"areas": areas, "late": "fallback" if choosing and turn % 5 == 0 else "wait"}

    for start in range(0, number, BATCH):
        addresses = (f"first.last{at}@example{at % 50}.org" for at in range(start, min(start + BATCH, number)))
        Subscriber.objects.bulk_create(
            Subscriber(
                address=address,
                address_key=address_key(address),
                languages=orders[at % len(orders)],
                **choices(at),
                state=Subscriber.State.SUBSCRIBED,
                source="benchmark",
                subscribed_at=now,
            )
            for at, address in enumerate(addresses, start)
        )


def issue(languages: tuple[str, ...], *, size: int) -> Issue:
    """A ready issue in these languages whose mail has about `size` bytes, html and text together; each section is of
    one area."""
    made = compose.start_issue(period=datetime.date(2026, 10, 1), slug="measured")
    for language in languages:
        made.translations.update_or_create(
            language_code=language,
            defaults={"subject": f"Measured ({language})", "masthead": "M.", "message": "<p>Dear reader.</p>"},
        )
    sections, areas = _sections(), dict(Area.objects.values_list("key", "pk"))
    for number in range(1, 200):
        item = Item.objects.create(issue=made, section=next(sections), position=number, original_language=languages[0])
        for language in languages:
            item.translations.create(
                language_code=language, title=f"Item {number} ({language})", text=f"<p>{SENTENCE * 5}</p>"
            )
        item.areas.set([areas[AREAS[item.section_id % len(AREAS)]]])
        if _size(made, languages[0]) >= size:
            break
    made = Issue.objects.with_contents().get(pk=made.pk)
    for edition in made.editions.all():
        if edition.language in languages:
            edition.issue = made
            compose.declare_ready(edition, by=None)
    return made


def _sections() -> Iterator[Section]:
    found = list(Section.objects.all())
    while True:
        yield from found


def _size(made: Issue, language: str) -> int:
    words = rendering.render_mail(
        rendering.compose(Issue.objects.with_contents().get(pk=made.pk), language), token="t" * 32
    )
    return len(words.html.encode()) + len(words.text.encode())
