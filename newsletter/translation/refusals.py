"""Why words are not taken: the exceptions, whose messages are for the person, and what is looked at first."""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from newsletter.models import Issue, Item
from newsletter.translation import segments

LONGEST = 50_000  # characters of a field, markup and all: twenty times the longest item


class Conflict(Exception):
    """Somebody else stored, or typed, other words meanwhile: `theirs`, which now have this `number`."""

    def __init__(self, theirs: dict[str, str], number: int):
        super().__init__(_("Somebody else, or you in another window, changed this text meanwhile."))
        self.theirs, self.number = theirs, number


class NotPossible(Exception):
    """The text cannot be moved on; the message says why to the person."""


class HasGaps(NotPossible):
    """In these `fields` sentences are missing."""

    def __init__(self, fields: list[str]):
        super().__init__(_("A sentence is still missing where […] stands: write it first."))
        self.fields = fields


def check_length(words: Mapping[str, str]) -> None:
    """What a slip of the hand pastes would keep everybody waiting who opens the issue."""
    if any(len(value) > LONGEST for value in words.values()):
        raise NotPossible(_("A text has %d characters at most.") % LONGEST)


def check_fields(thing: Item | Issue, words: Mapping[str, str]) -> None:
    """What readers need is there, and fits."""
    if isinstance(thing, Item) and not all(words.values()):
        raise NotPossible(_("An item needs both a title and a text."))
    for name, value in words.items():
        most = thing.translations.model._meta.get_field(name).max_length
        if most and len(value) > most:
            raise NotPossible(
                _("“%(words)s …” is longer than %(most)d characters.") % {"words": value[:30], "most": most}
            )


def check_gaps(source: Mapping[str, str], words: Mapping[str, str]) -> None:
    """A translation says all that its source says."""
    if fields := segments.fields_with_gaps(source, words):
        raise HasGaps(fields)
