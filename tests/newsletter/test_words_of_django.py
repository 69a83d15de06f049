"""Django's own pages and scripts speak the seven languages too."""

import json
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.contrib import admin
from django.utils.translation import gettext, override

from picum.accounts import words_of_django
from tests.newsletter.desk import at_the_desk, carla
from tests.newsletter.factories import LANGUAGES

pytestmark = pytest.mark.django_db
ENGLISH = Path(admin.__file__).parent / "locale/en/LC_MESSAGES/djangojs.po"


def said_by_scripts() -> set[str]:
    with ENGLISH.open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    return {message.id if isinstance(message.id, str) else message.id[0] for message in messages if not message.context}


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_no_word_is_left_in_english(language):
    answer = at_the_desk(carla()).get(f"/{language}/desk/jsi18n/")
    catalogue = json.loads(re.search(r"const newcatalog = (\{.*?\});\n", answer.content.decode(), re.DOTALL)[1])
    assert said_by_scripts() - catalogue.keys() == set()
    assert len(said_by_scripts()) > 40


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_what_some_of_its_catalogues_lack_is_made_up_for(language):
    with override("en"):
        english = [*words_of_django.WORDS, words_of_django.TOO_SHORT % 12]
    with override(language):
        said = [*map(gettext, words_of_django.WORDS), words_of_django.TOO_SHORT % 12]
    left = [one for one, other in zip(english, said, strict=True) if one == other]
    assert left == (["Error:"] if language == "es" else [])  # which is Spanish too
