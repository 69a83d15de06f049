"""Ten years of newsletters in seven languages, made quickly. Runs inside Django.

The sentences are invented, and put together from a few parts, so that they are more alike than those of people: what
looks for sentences or words has a harder time here.
"""

import datetime
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path

from django.utils import timezone

from newsletter.models import Body, Edition, Issue, Item, ItemTranslation, Revision, Section, Source, Text
from newsletter.models.audience import AREAS
from picum.areas.models import Area, Right

LANGUAGES = ("en", "de", "nl", "es", "fr", "it", "pt")
BATCH = 2_000
# By language: who, did, what, when, then.
_FILE = Path(__file__).with_suffix(".toml")
PARTS = {code: tuple(parts.values()) for code, parts in tomllib.loads(_FILE.read_text(encoding="utf-8")).items()}
# What no two reports share: places, said as they are in all languages.
SYLLABLES = ("al", "be", "cor", "dan", "el", "fur", "gar", "hol", "ir", "jas", "kal", "lom", "mir", "nov", "or", "pel")
SENTENCES = 6
COUNTRIES = ("BE", "DE", "ES", "FR", "IT", "MT", "NL", "PL", "PT", "GR", "HU", "MA", "TR", "GB", "CH")


def fill(*, issues: int = 120, items: int = 70, languages: tuple[str, ...] = LANGUAGES) -> None:
    """So many issues that were published, a month each until now, with their items in all languages, approved. Neither
    the search nor the memory of translations knows them yet."""
    chance = random.Random(6)  # noqa: S311  # the same every time
    end = timezone.localdate().replace(day=1)
    newest = end.year * 12 + end.month - 1
    made = Issue.objects.bulk_create(
        Issue(slug=f"decade-{month}", period=day, finalised_on=day.replace(day=25))
        for month in range(newest - issues, newest)
        for day in [datetime.date(month // 12, month % 12 + 1, 1)]
    )
    Edition.objects.bulk_create(
        Edition(issue=issue, language=language, state="sent", frozen_at=moment, published_at=moment)
        for issue in made
        for language in languages
        for moment in [timezone.make_aware(datetime.datetime.combine(issue.finalised_on, datetime.time(9)))]
    )
    contents(made, items, languages, chance)


def contents(issues: list[Issue], number: int, languages: tuple[str, ...], chance: random.Random) -> None:
    """So many items for each of them."""
    sections = list(Section.objects.all())
    made = Item.objects.bulk_create(
        [
            Item(
                issue=issue,
                section=sections[at * len(sections) // number],
                position=at + 1,
                countries=chance.sample(COUNTRIES, chance.choice((0, 1, 1, 2))),
                kind=chance.choice(("", *Item.Kind.values)),
                original_language="en",
            )
            for issue in issues
            for at in range(number)
        ],
        BATCH,
    )
    _about(made, chance)
    for start in range(0, len(made), BATCH // 4):
        _words(made[start : start + BATCH // 4], languages, chance)


def _about(items: list[Item], chance: random.Random) -> None:
    for model, field, rows in (
        (Item.areas.through, "area_id", Area.objects.filter(key__in=AREAS)),
        (Item.rights.through, "right_id", Right.objects.all()),
        (Item.bodies.through, "body_id", Body.objects.all()),
    ):
        pks = list(rows.values_list("pk", flat=True))
        if pks:
            model.objects.bulk_create([model(item_id=item.pk, **{field: chance.choice(pks)}) for item in items], BATCH)
    Source.objects.bulk_create(
        [
            Source(
                item=item, position=1, outlet=f"{_place(chance)} Post", url=f"https://example.org/{item.pk}",
                date=item.issue.finalised_on,
            )
            for item in items
        ],
        BATCH,
    )  # fmt: skip


def _words(items: list[Item], languages: tuple[str, ...], chance: random.Random) -> None:
    rows = [(item, language, *said) for item in items for language, said in _said(languages, chance).items()]
    ItemTranslation.objects.bulk_create(
        [ItemTranslation(master=item, language_code=code, title=title, text=text) for item, code, title, text in rows],
        BATCH,
    )
    texts = Text.objects.bulk_create(
        [
            Text(
                issue_id=item.issue_id, item=item, language=code, state="approved", number=1, significant=1,
                source_number=None if code == "en" else 1,
            )
            for item, code, _title, _text in rows
        ],
        BATCH,
    )  # fmt: skip
    Revision.objects.bulk_create(
        [
            Revision(text=text, number=1, words={"title": title, "text": body}, how="page")
            for text, (_item, _code, title, body) in zip(texts, rows, strict=True)
        ],
        BATCH,
    )


def _said(languages: tuple[str, ...], chance: random.Random) -> dict[str, tuple[str, str]]:
    """The same title and text in all languages."""
    plan = [tuple(chance.random() for _part in range(5)) for _sentence in range(SENTENCES)]
    places = [_place(chance) for _sentence in range(SENTENCES)]
    found = {}
    for language in languages:
        sentences = [
            " ".join(_chosen(PARTS[language], numbers, place)) for numbers, place in zip(plan, places, strict=True)
        ]
        title = " ".join(list(_chosen(PARTS[language], plan[0], places[0]))[:4])
        half = SENTENCES // 2
        text = f"<p>{' '.join(sentences[:half])}</p><p><strong>{places[0]}</strong>: {' '.join(sentences[half:])}</p>"
        found[language] = title[:200], text
    return found


def _chosen(parts: tuple[list[str], ...], numbers: tuple[float, ...], place: str) -> Iterator[str]:
    for at, (choices, number) in enumerate(zip(parts, numbers, strict=True)):
        yield choices[int(number * len(choices))] + (f" ({place})" if at == 0 else "")


def _place(chance: random.Random) -> str:
    return "".join(chance.choices(SYLLABLES, k=3)).capitalize()
