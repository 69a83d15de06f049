"""Reasons that the machine gives to people: written down once, in all languages, and read by each in theirs.

A worker has no reader in front of it, and who looks at the desk later may speak any of the seven languages.
"""

import json
from collections.abc import Callable

from django.conf import settings
from django.db import models
from django.utils.translation import get_language, override


class Told(str):
    """Words in the language active now; `stored` holds them in all, as JSON by language code."""

    stored: str


def told(words: Callable[[], str]) -> Told:
    """The same sentence in every language; `words` is called once for each."""
    sentences = {}
    for code, _name in settings.LANGUAGES:
        with override(code):
            sentences[code] = words()
    return _spoken(sentences)


def _spoken(sentences: dict[str, str]) -> Told:
    said = Told(sentences.get(get_language() or settings.LANGUAGE_CODE) or sentences[settings.LANGUAGE_CODE])
    said.stored = json.dumps(sentences, ensure_ascii=False)
    return said


class ReasonField(models.TextField):
    """Holds a `Told`, or words as somebody else (a relay) said them."""

    def from_db_value(self, value: str, expression, connection) -> str:
        try:
            return _spoken(json.loads(value)) if value.startswith('{"') else value
        except (ValueError, KeyError):
            return value

    def get_prep_value(self, value):
        return super().get_prep_value(getattr(value, "stored", value))
