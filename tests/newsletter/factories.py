"""Small makers of real rows. What a test does not name gets a harmless value; nothing here is random."""

import datetime

from django.conf import settings
from django.utils import timezone

from newsletter.models import Body, Edition, Issue, Item, Section, Source, Subscriber
from picum.addresses import address_key, normalise
from picum.areas.models import Area

LANGUAGES = [code for code, _name in settings.LANGUAGES]


def make_issue(slug="next", *, languages=LANGUAGES, items=0, state=Edition.State.DRAFT, **fields) -> Issue:
    """An issue of October 2026 with its texts in `languages`, one edition (in `state`) for each language of the
    site, and `items` items translated into `languages`. `fields` are the issue's own: fallback, period …
    """
    fields = {"period": datetime.date(2026, 10, 1), "finalised_on": datetime.date(2026, 10, 28)} | fields
    issue = Issue.objects.language("en").create(slug=slug, **fields)
    for language in languages:
        make_texts(
            issue,
            language,
            # A draft may lack its subject; what is ready has one.
            subject="" if state == Edition.State.DRAFT else f"Subject ({language})",
            masthead=f"Masthead ({language})",
            message=f"<p>Message ({language})</p>",
        )
    Edition.objects.bulk_create(Edition(issue=issue, language=code, state=state) for code in LANGUAGES)
    for number in range(1, items + 1):
        make_item(issue, **{code: f"Item {number} ({code})" for code in languages})
    return issue


def make_complete_issue(**fields) -> Issue:
    """An issue in which nothing is missing in any language."""
    issue = make_issue(items=2, **fields)
    for language in LANGUAGES:
        make_texts(issue, language, subject=f"Subject ({language})")
    return issue


def make_texts(issue, language, **texts) -> None:
    """The issue's own texts in a language: subject, masthead, message, donation."""
    issue.translations.update_or_create(language_code=language, defaults=texts)


def make_item(
    issue,
    section_key="health-care",
    *,
    areas=(),
    bodies=(),
    sources=(),
    original=None,
    position=None,
    countries=(),
    kind="",
    **texts,
) -> Item:
    """An item at the end of a section. A text is a title, or a pair of title and rich text, by language:
    `make_item(issue, en="A title", de=("Ein Titel", "<p>Ein Text.</p>"))`. `sources` are dictionaries of fields;
    a text that names none gets an English title. `original` is the first language given, unless said otherwise.
    """
    texts = texts or {"en": "An item"}
    item = Item.objects.create(
        issue=issue,
        section=Section.objects.get(key=section_key),
        position=position if position is not None else issue.items.filter(section__key=section_key).count() + 1,
        countries=list(countries),
        kind=kind,
        original_language=original or next(iter(texts)),
    )
    for language, words in texts.items():
        title, text = (words, f"<p>Text of {words}.</p>") if isinstance(words, str) else words
        item.translations.create(language_code=language, title=title, text=text)
    item.bodies.set(Body.objects.filter(key__in=bodies))
    if areas:
        item.areas.set(Area.objects.filter(key__in=areas))
    for number, fields in enumerate(sources, 1):
        Source.objects.create(item=item, position=number, **fields)
    return item


def make_subscriber(address="amal@example.org", languages="en", **fields) -> Subscriber:
    """A reader who is subscribed, unless `state` says otherwise."""
    address = normalise(address)
    fields = {"state": Subscriber.State.SUBSCRIBED, "subscribed_at": timezone.now(), "source": "test"} | fields
    return Subscriber.objects.create(address=address, address_key=address_key(address), languages=languages, **fields)


def contents(issue) -> Issue:
    """The issue as composing wants it, freshly read."""
    return Issue.objects.with_contents().get(pk=issue.pk)
