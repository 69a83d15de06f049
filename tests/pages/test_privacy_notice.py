"""What readers are told about their data, where they leave it."""

import pytest
from django.urls import reverse
from django.utils.translation import override

from newsletter import retention
from tests.html import Page

pytestmark = pytest.mark.django_db


def test_it_says_how_long_things_are_kept_as_the_jobs_keep_them(client, monkeypatch):
    monkeypatch.setattr(retention, "LEFT", retention.UNCONFIRMED * 11)
    page = Page(client.get("/en/privacy/"))
    kept = [tag.words for tag in page.all("dd")]
    assert kept[:3] == ["7 days", "until you leave, and 77 days more", "90 days after the issue"]
    assert kept[3].startswith("for ever")


@pytest.mark.parametrize("name", ["pages:home", "newsletter:sign_up", "newsletter:embed", "newsletter:link"])
def test_it_is_one_step_away_from_where_an_address_is_typed(client, name):
    with override("fr"):
        page = Page(client.get(reverse(name)))
    assert "/fr/privacy/" in page.links()
