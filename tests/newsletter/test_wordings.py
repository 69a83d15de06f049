"""The words of consent: each version that was ever shown is kept, with its language and number."""

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db.models.deletion import ProtectedError
from django.utils import timezone

from newsletter import consents, wordings
from newsletter.consents import Entry, How, Kind
from newsletter.models import Wording
from tests.newsletter.factories import make_subscriber

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _name in settings.LANGUAGES]


def versions(language):
    rows = Wording.objects.filter(language=language).order_by("number")
    return [(row.number, row.text) for row in rows]


def an_earlier_version_said(language, words):
    """As if the program had shown these words until now."""
    digest = f"{language}{len(words)}".ljust(64, "0")
    Wording.objects.filter(language=language).update(text=words, digest=digest)


def test_after_a_migration_every_language_has_its_text_of_today():
    assert [wordings.current(code).text for code in LANGUAGES] == [wordings.text(code) for code in LANGUAGES]
    assert list(Wording.objects.order_by("language").values_list("language", "number")) == [
        (code, 1) for code in sorted(LANGUAGES)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_says_who_for_what_and_how_to_leave(language):
    text = wordings.text(language)
    assert "PICUM" in text
    assert "<" not in text
    assert len(text) > 150


def test_what_the_form_carries_tells_language_and_words():
    assert len({wordings.digest(code) for code in LANGUAGES}) == len(LANGUAGES)
    assert wordings.current("de").digest == wordings.digest("de")


def test_recording_twice_records_nothing_more():
    assert wordings.record() == 0
    assert Wording.objects.count() == len(LANGUAGES)


def test_new_words_become_the_next_version_and_the_old_ones_stay():
    before = timezone.now()
    an_earlier_version_said("de", "Ja, gern.")
    call_command("migrate", verbosity=0)
    assert versions("de") == [(1, "Ja, gern."), (2, wordings.text("de"))]
    assert versions("fr") == [(1, wordings.text("fr"))]
    assert wordings.current("de").number == 2
    assert before <= wordings.current("de").first_used_at <= timezone.now()


def test_words_that_were_translated_after_the_migration_are_recorded_when_they_are_shown_first():
    an_earlier_version_said("de", "Yes, please.")
    assert (wordings.current("de").number, wordings.current("de").text) == (2, wordings.text("de"))
    assert versions("de") == [(1, "Yes, please."), (2, wordings.text("de"))]


def test_words_that_come_back_are_the_version_that_they_were():
    an_earlier_version_said("de", "Ja, gern.")
    wordings.record()
    assert wordings.record() == 0
    assert wordings.current("de").number == 2


def test_a_text_that_somebody_agreed_to_cannot_be_deleted():
    reader, words = make_subscriber(), wordings.current("en")
    consents.append([Entry(Kind.GIVEN, How.FORM, reader.address_key, words)], now=timezone.now())
    with pytest.raises(ProtectedError):
        words.delete()
