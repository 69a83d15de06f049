"""The demo's issues: thirty items, written for it in seven languages, in the TOML files beside this one."""

import calendar
import datetime
import random
import tomllib
from pathlib import Path

from django.utils import timezone

from newsletter import compose, enqueue, sending
from newsletter.models import Body, Edition, Issue, Item, ItemTranslation, Section, Source, Text
from newsletter.translating import LANGUAGES
from newsletter.translation import finding
from picum.areas.models import Area, Right

HERE = Path(__file__).parent
NEXT = datetime.date(2026, 10, 1)  # the month that the items speak of
FINALISED = datetime.date(2026, 10, 12)
PAST_SIZE = 10  # items of a past issue, drawn from the same pool
LACKING = {"pt": 2, "nl": 1}  # items of the ready issue that are not translated yet


def make_next(pool: list[dict]) -> Issue:
    """The issue that is ready to be sent: all items, but for the few translations that are LACKING."""
    issue = _start(NEXT, slug="next", finalised_on=FINALISED)
    lacking = {
        (position, language)
        for language, number in LACKING.items()
        for position in [at for at, data in enumerate(pool) if data["original"] != language][4::9][:number]
    }
    _fill(issue, pool, skip=lacking, months_back=0)
    _make_ready(issue)
    return issue


def make_following(pool: list[dict], *, skip: set[tuple[int, str]]) -> Issue:
    """The issue after the next one, which is being written: every second item, all approved but for what is skipped:
    (position in the pool, language) that nobody has translated yet."""
    chosen = pool[::2]
    issue = _start(_months_before(NEXT, -1), slug="", finalised_on=_months_before(FINALISED, -1))
    _fill(issue, chosen, skip={(at // 2, language) for at, language in skip}, months_back=-1)
    return issue


def make_past(pool: list[dict], *, number: int, dice: random.Random) -> list[Issue]:
    """Issues of the months before, sent and in the archive; oldest first."""
    issues = []
    for months_back in range(number, 0, -1):
        period = _months_before(NEXT, months_back)
        issue = _start(period, slug="", finalised_on=period.replace(day=20))
        chosen = sorted(dice.sample(range(len(pool)), min(PAST_SIZE, len(pool))))
        _fill(issue, [pool[at] for at in chosen], skip=set(), months_back=months_back)
        _make_ready(issue)
        # There are no readers yet, so this sends nothing and leaves the editions as sent.
        enqueue.send(issue, LANGUAGES, by=None)
        enqueue.freeze_due(issue.pk)
        for edition in issue.editions.all():
            sending.complete(edition.pk)
        went_out = datetime.datetime(period.year, period.month, 24, 9, tzinfo=timezone.get_current_timezone())
        issue.editions.update(send_at=went_out, frozen_at=went_out, published_at=went_out, finished_at=went_out)
        issues.append(issue)
    return issues


def read_pool() -> list[dict]:
    return [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted((HERE / "items").glob("*.toml"))]


def _start(period: datetime.date, *, slug: str, finalised_on: datetime.date) -> Issue:
    issue = compose.start_issue(period=period, slug=slug, finalised_on=finalised_on)
    texts = tomllib.loads((HERE / "issue.toml").read_text(encoding="utf-8"))
    for language in LANGUAGES:
        words = texts[language]
        subject = words["subject"].format(period=issue.label(language))
        issue.translations.update_or_create(language_code=language, defaults=words | {"subject": subject})
    return issue


def _fill(issue: Issue, pool: list[dict], *, skip: set[tuple[int, str]], months_back: int) -> None:
    """Write the items in a handful of statements; `skip` names (position in the pool, language) not to translate."""
    sections = dict(Section.objects.values_list("key", "pk"))
    items = Item.objects.bulk_create(
        Item(
            issue=issue,
            section_id=sections[data["section"]],
            position=position,
            countries=data["countries"],
            kind=data["kind"],
            original_language=data["original"],
        )
        for position, data in enumerate(pool, 1)
    )
    ItemTranslation.objects.bulk_create(
        ItemTranslation(master=item, language_code=language, **data[language])
        for at, (item, data) in enumerate(zip(items, pool, strict=True))
        for language in LANGUAGES
        if (at, language) not in skip
    )
    Source.objects.bulk_create(
        Source(item=item, position=position, **_dated(source, months_back))
        for item, data in zip(items, pool, strict=True)
        for position, source in enumerate(data["sources"], 1)
    )
    for field, model in (("bodies", Body), ("areas", Area), ("rights", Right)):
        keys = dict(model.objects.values_list("key", "pk"))
        link = getattr(Item, field).through
        name = f"{model._meta.model_name}_id"
        link.objects.bulk_create(
            link(item_id=item.pk, **{name: keys[key]})
            for item, data in zip(items, pool, strict=True)
            for key in data[field]
        )
    finding.find_all(issue, state=Text.State.APPROVED, now=timezone.now())


def _dated(source: dict, months_back: int) -> dict:
    if "date" not in source:
        return source
    return source | {"date": _months_before(datetime.date.fromisoformat(source["date"]), months_back)}


def _make_ready(issue: Issue) -> None:
    for edition in Edition.objects.filter(issue=issue):
        edition.issue = Issue.objects.with_contents().get(pk=issue.pk)
        compose.declare_ready(edition, by=None)


def _months_before(day: datetime.date, months: int) -> datetime.date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, calendar.monthrange(year, month + 1)[1]))
