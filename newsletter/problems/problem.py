"""What a problem is."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import get_language

from newsletter import rendering
from newsletter.models import Item


class Group(StrEnum):
    """What a problem is about, in the order of the page."""

    CONTENTS = "contents"
    WORDS = "words"
    MAIL = "mail"
    LINKS = "links"
    SENDER = "sender"


class Kind(StrEnum):
    """Where something is put right."""

    WORDS = "words"  # on the translator's page: an item's, or without an item those around the items
    ITEM = "item"  # in the item's form
    ISSUE = "issue"  # in the issue's form
    PREVIEW = "preview"


@dataclass(frozen=True)
class Place:
    """Where a problem is. The desk makes an address of it."""

    kind: Kind
    language: str
    item: Item | None = None
    note: str = ""  # what is wrong just there
    url: str = ""  # the address outside that it is about


@dataclass(frozen=True)
class Problem:
    """What an editor should know before sending. `blocking`: the edition must not go out like this."""

    text: str
    blocking: bool = False
    places: tuple[Place, ...] = ()
    group: Group = Group.CONTENTS
    counted: str = ""  # what its places have in common, where the words say no more than how many they are

    @property
    def same(self) -> tuple[Group, bool, str]:
        """Problems of two editions are the same if this is: word for word, or but for the number."""
        return self.group, self.blocking, self.counted or self.text

    @property
    def items(self) -> tuple[Item, ...]:
        """The items it is about, each once."""
        return tuple(dict.fromkeys(place.item for place in self.places if place.item))


def at_items(kind: Kind, items, language: str) -> tuple[Place, ...]:
    return tuple(Place(kind, language, item) for item in items)


def name_of(language: str) -> str:
    """A language in the words of the active one."""
    return rendering.language_name(language, get_language() or "en")
