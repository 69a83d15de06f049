"""The translator's page in tests: an item to translate, Ines who translates into Portuguese, and her browser."""

import json

from django.test import Client

from newsletter.models import Item, Text, Translator
from newsletter.translation import texts
from picum.accounts.models import User
from tests.newsletter.desk import page, staff
from tests.newsletter.factories import make_issue, make_item

BOAT = ("Two people die", "<p>A boat with 12 people sank. Nobody <strong>came</strong> to help.</p>")
BARCO = {"title": "Duas pessoas morrem", "text": "<p>Um barco com 12 pessoas afundou. Ninguém veio.</p>"}


def ines(languages="pt") -> User:
    person = staff("translate_text")
    person.name = "Ines"
    person.save()
    Translator.objects.create(user=person, languages=languages)
    return person


def an_item(issue=None, **words) -> Item:
    issue = issue or make_issue(languages=[])
    return make_item(issue, sources=[{"outlet": "Il Faro"}], **(words or {"en": BOAT}))


def address(item, language="pt", name="translate", what=None) -> str:
    return page(f"issue_{name}", item.issue_id, language, what or item.pk)


def seen(item, language="pt") -> dict[str, int]:
    """The numbers that a page made now would carry."""
    text = Text.objects.filter(item=item, language=language).first() or Text()
    source = Text.objects.filter(item=item, language=item.original_language).first() or Text()
    return {"working": text.working_number, "number": text.number, "source": source.number}


def send(client: Client, item, words, language="pt", name="translate_keep", **numbers):
    """As the page's script sends what is typed."""
    data = {**words, **seen(item, language), **numbers}
    return client.post(address(item, language, name), json.dumps(data), content_type="application/json")


def press(client: Client, item, deed, words=None, language="pt", follow=True, **numbers):
    """A button of the page."""
    data = {"deed": deed, **(BARCO if words is None else words), **seen(item, language), **numbers}
    return client.post(address(item, language), data, follow=follow)


def text_of(item, language="pt") -> Text:
    return Text.objects.get(item=item, language=language)


def stored(item, language="pt") -> dict[str, str]:
    return texts.stored_words(Item.objects.get(pk=item.pk), language)
