"""Words written before texts had a state: what went out is approved, the rest are drafts, all of today's source."""

from importlib import import_module

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from newsletter.models import Edition, Revision, Text
from newsletter.translation import texts
from tests.newsletter.factories import make_issue, make_item

pytestmark = pytest.mark.django_db
known_texts = import_module("newsletter.migrations.0010_known_texts")


def known():
    apps = MigrationLoader(connection).project_state(("newsletter", "0009_texts")).apps
    known_texts.know(apps, None)
    return {(text.item_id, text.language): text for text in Text.objects.all()}


def test_what_went_out_is_approved_and_the_rest_is_a_draft():
    issue = make_issue(languages=["en", "de"])
    item = make_item(issue, en="Two people die", de="Zwei Menschen sterben")
    Edition.objects.filter(issue=issue, language="de").update(frozen_at=timezone.now())
    found = known()
    assert {place: (one.state, one.number, one.significant, one.source_number) for place, one in found.items()} == {
        (item.pk, "en"): ("draft", 1, 1, None),
        (item.pk, "de"): ("approved", 1, 1, 1),
        (None, "en"): ("draft", 1, 1, None),
        (None, "de"): ("approved", 1, 1, 1),
    }
    assert [one.issue_id for one in found.values()] == [issue.pk] * 4


def test_its_words_are_the_first_revision_and_found_again_as_such():
    item = make_item(make_issue(languages=[]), en=("Two people die", "<p>A boat sank.</p>"))
    text = known()[(item.pk, "en")]
    revision = Revision.objects.get(text=text)
    assert (revision.number, revision.how, revision.words) == (
        1, "found", {"title": "Two people die", "text": "<p>A boat sank.</p>"},
    )  # fmt: skip
    assert texts.noticed(item, "en", by=None, how="form", now=timezone.now()).number == 1


def test_an_item_without_a_title_or_a_text_has_none(monkeypatch):
    monkeypatch.setattr(known_texts, "CHUNK", 2)
    issue = make_issue(languages=[])
    make_item(issue, en=("Two people die", ""), de="Eins", fr="Un", it="Uno")
    assert sorted(language for _item, language in known()) == ["de", "fr", "it"]
