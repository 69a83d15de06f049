"""The five areas and the eight rights at the desk: their texts may be edited, in our languages only."""

import pytest
from django.urls import reverse

from picum.areas.models import Area
from tests.newsletter.desk import at_the_desk, carla

pytestmark = pytest.mark.django_db


def address(area: Area, language: str) -> str:
    return f"{reverse('admin:areas_area_change', args=[area.pk])}?language={language}"


@pytest.mark.parametrize("language", ["zz", "en-us", "%3Cscript%3E"])
def test_a_language_that_we_do_not_have_shows_the_first_and_saves_no_other(language):
    area, client = Area.objects.get(key="advocacy"), at_the_desk(carla())
    before = sorted(area.translations.values_list("language_code", flat=True))
    shown = client.get(address(area, language))
    assert shown.context["adminform"].form.initial["name"] == "Advocacy"
    assert client.post(address(area, language), {"name": "Lobbying", "description": ""}).status_code == 302
    assert sorted(area.translations.values_list("language_code", flat=True)) == before
    assert area.translations.get(language_code="en").name == "Lobbying"
