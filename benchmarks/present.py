"""The issue that is being made, after years of others: sixty items, as far as they are in a week before sending, people
who write and readers who wait; and the pages of the desk that somebody opens for it. Runs inside Django."""

import datetime
import itertools
import random

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from benchmarks import crowd, decade
from benchmarks.decade import LANGUAGES
from benchmarks.visiting import Page
from newsletter import compose, next_issue, search_index
from newsletter.models import Issue, Item, ItemTranslation, Remark, Text, Translator
from newsletter.translation import texts
from newsletter.translation.exchange import units, xliff
from newsletter.translation.texts import How, State
from picum.accounts.models import User

ITEMS, READERS = 60, 4_000
SLUG = "present"
CARLA, PAULA = "carla@example.org", "paula@example.org"
NEW = "By the end of the year, 1,200 families had asked for help. "
TYPED = "<p>Uma rede local publicou um relatório sobre 1 200 famílias.</p>"


def carla() -> User:
    """She may do everything."""
    return User.objects.get(email=CARLA)


def issue() -> Issue:
    return Issue.objects.with_contents().get(slug=SLUG)


# --- what there is ----------------------------------------------------------------------------------------------------


def make() -> None:
    """Of six items one is approved in all languages, one changed after that, one is not translated into some languages,
    one waits for approval, in one somebody is typing, and one has open remarks."""
    carla = User.objects.create_superuser(CARLA, "secret", name="Carla")
    paula = User.objects.create_user(PAULA, "secret", name="Paula")
    Translator.objects.create(user=paula, languages="pt es")
    crowd.readers(READERS, *crowd.ORDERS)
    made = compose.start_issue(period=timezone.localdate().replace(day=1), slug=SLUG)
    decade.contents([made], ITEMS, LANGUAGES, random.Random(7))  # noqa: S311  # the same every time
    _around(made, carla)
    for number, item in enumerate(made.items.order_by(*Item._meta.ordering)):
        _STAGES[number % len(_STAGES)](item, number, carla, paula)
    _assigned(made, paula, carla)
    search_index.fill()


def _around(made: Issue, carla: User) -> None:
    for language in LANGUAGES:
        words = {
            "subject": f"What happened this month ({language})",
            "masthead": "News of undocumented people and their rights.",
            "message": f"<p>{crowd.SENTENCE * 2}</p>",
            "donation": f"<p>{crowd.SENTENCE}</p>",
        }
        _stored(texts.find(made, language), words, carla)


def _stored(text: Text, words: texts.Words, by: User) -> None:
    texts.store(text, words, state=State.APPROVED, how=How.PAGE, by=by, now=timezone.now())


def _approved(item: Item, number: int, carla: User, paula: User) -> None:
    """As it was made."""


def _outdated(item: Item, number: int, carla: User, paula: User) -> None:
    words = texts.stored_words(item, "en")
    _stored(texts.find(item, "en"), words | {"text": words["text"].replace("<p>", f"<p>{NEW}", 1)}, carla)


def _missing(item: Item, number: int, carla: User, paula: User) -> None:
    lacking = LANGUAGES[1 + number // 6 % 5 :]
    ItemTranslation.objects.filter(master=item, language_code__in=lacking).delete()
    Text.objects.filter(item=item, language__in=lacking).delete()


def _in_review(item: Item, number: int, carla: User, paula: User) -> None:
    item.texts.exclude(language="en").update(state=State.REVIEW, approved_at=None)


def _typed(item: Item, number: int, carla: User, paula: User) -> None:
    for text in item.texts.filter(language__in=("pt", "es")):
        words = texts.stored_words(item, text.language) | {"text": TYPED}
        texts.keep(text, words, seen=0, source_seen=1, by=paula, now=timezone.now())


def _remarked(item: Item, number: int, carla: User, paula: User) -> None:
    item.texts.filter(language="pt").update(state=State.DRAFT)
    Remark.objects.bulk_create(
        Remark(text=text, words="Is this the court's own name?", by=paula, by_label="Paula")
        for text in item.texts.filter(language__in=("pt", "es"))
    )


_STAGES = (_approved, _outdated, _missing, _in_review, _typed, _remarked)


def _assigned(made: Issue, paula: User, carla: User) -> None:
    """Half of hers are late."""
    today = timezone.localdate()
    hers = list(Text.objects.filter(issue=made, language__in=("pt", "es")).order_by("pk"))
    for some, days in ((hers[::2], -2), (hers[1::2], 3)):
        texts.assign(some, to=paula, due_on=today + datetime.timedelta(days=days), by=carla)


# --- what somebody opens ----------------------------------------------------------------------------------------------


def boards() -> dict[str, Page]:
    """The board, whole and with each of its filters."""
    address = _of("board", issue())
    queries = {"whole": "", "mine": "?mine=1", "late": "?late=1", "outdated": "?outdated=1", "pt": "?language=pt"}
    return {name: Page(address + query) for name, query in queries.items()}


def others() -> dict[str, Page]:
    """All the other heavy pages, by what people call them. Starting the next issue comes last: it does so each time."""
    made = issue()
    item = next(item for item in made.items.all() if item.texts.get(language="en").number > 1)
    return _of_a_text(made, item) | _of_the_issue(made) | _of_all_years(item)


def _of_a_text(made: Issue, item: Item) -> dict[str, Page]:
    def page(name: str, what: object = item.pk) -> str:
        return _of(name, made, "pt", what)

    words = texts.stored_words(item, "pt")
    begun = Text.objects.get(item=item, language="pt").working_number
    kept = itertools.count(begun)

    def typed(number: int) -> dict:
        text = words["text"].replace("</p>", f" {number} e mais.</p>", 1)
        return words | {"text": text, "working": number, "number": 1, "source": 2}

    return {
        "translator’s page": Page(page("translate")),
        "translator’s page (around the items)": Page(page("translate", "around")),
        "its warnings": Page(page("translate_aid"), lambda: typed(begun), as_json=True),
        "its autosave": Page(page("translate_keep"), lambda: typed(next(kept)), as_json=True),
        "its mail": Page(page("translate_preview")),
        "versions of a text": Page(page("text_history")),
    }


def _of_the_issue(made: Issue) -> dict[str, Page]:
    units.make_known(made, "pt")
    sheets = [sheet for sheet in units.sheets(made, "pt") if sheet.needs_work]
    file = xliff.write(made, "pt", sheets, now=timezone.now()).encode()

    def uploaded() -> dict:
        return {"file": SimpleUploadedFile("present-pt.xlf", file)}

    return {
        "issue": Page(reverse("admin:newsletter_issue_change", args=[made.pk])),
        "outdated texts": Page(_of("outdated", made)),
        "problems": Page(_of("problems_of_all", made)),
        "problems of an edition": Page(_of("problems", made, "pt")),
        "send": Page(_of("send", made)),
        "preview": Page(_of("preview", made, "pt")),
        "preview (mail)": Page(_of("preview_html", made, "pt")),
        "preview (text part)": Page(_of("preview_text", made, "pt")),
        "files": Page(_of("exchange", made, "pt")),
        "files (XLIFF)": Page(_of("exchange_file", made, "pt", "xlf"), lambda: {"all": "1"}),
        "files (PO)": Page(_of("exchange_file", made, "pt", "po"), lambda: {"all": "1"}),
        "files (one compared)": Page(_of("exchange", made, "pt"), uploaded),
    }


def _of_all_years(item: Item) -> dict[str, Page]:
    references = reverse("admin:newsletter_item_references")

    def after() -> dict:
        last = next_issue.last_issue()
        period = next_issue.period_after(last.period_kind, last.period)
        return {"after": last.pk, "period": period, "items": [one.pk for one in list(last.items.all())[:5]]}

    return {
        "issues": Page(reverse("admin:newsletter_issue_changelist")),
        "items": Page(reverse("admin:newsletter_item_changelist")),
        "items (by a word)": Page(reverse("admin:newsletter_item_changelist") + "?q=hospital"),
        "item": Page(reverse("admin:newsletter_item_change", args=[item.pk])),
        "references": Page(f"{references}?q=relatório+hospitais&language=pt"),
        "glossary": Page(reverse("admin:newsletter_term_changelist")),
        "next issue": Page(reverse("admin:newsletter_issue_next")),
        "next issue (started)": Page(reverse("admin:newsletter_issue_next"), after, answers=302),
    }


def _of(name: str, made: Issue, *rest: object) -> str:
    return reverse(f"admin:newsletter_issue_{name}", args=[made.pk, *rest])
