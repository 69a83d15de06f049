"""What is shown of an issue to a reader with an order of languages, before any template lays it out."""

import pytest

from newsletter.models import Section
from newsletter.rendering import compose, render_mail
from picum.areas.models import Area, Right
from tests.newsletter.factories import contents, make_issue, make_item

pytestmark = pytest.mark.django_db


def test_sections_that_share_a_position_are_not_mixed():
    Section.objects.filter(key__in=["borders", "health-care"]).update(position=1)
    issue = make_issue()
    for key in ("borders", "health-care", "borders", "health-care"):
        make_item(issue, key, en=f"About {key}")
    blocks = compose(contents(issue), "en").blocks
    assert [(block.number, block.key, len(block.entries)) for block in blocks] == [
        (1, "borders", 2),
        (2, "health-care", 2),
    ]


def test_countries_stand_in_the_order_of_their_names_in_the_readers_language_and_bodies_after_them():
    issue = make_issue()
    make_item(
        issue, countries=["CY", "AT", "GR"], bodies=["who", "european-commission"], kind="court-ruling", de="Urteil"
    )
    places = {language: compose(contents(issue), language).entries[0].place for language in ("de", "en", "es")}
    assert places == {
        "de": "GRIECHENLAND, ÖSTERREICH, ZYPERN, EUROPÄISCHE KOMMISSION, WHO",
        "en": "AUSTRIA, CYPRUS, GREECE, EUROPEAN COMMISSION, WHO",
        "es": "AUSTRIA, CHIPRE, GRECIA, COMISIÓN EUROPEA, OMS",
    }


@pytest.mark.parametrize("items", [1, 3])
def test_an_issue_is_read_in_13_queries_whatever_its_size(items, django_assert_num_queries):
    issue = make_issue(fallback="mark")
    for _number in range(items):
        sources = [{"outlet": "Bote"}, {"outlet": "Faro"}]
        item = make_item(issue, bodies=["who", "ilo"], countries=["IT"], kind="report", sources=sources, en="x")
        item.areas.set(Area.objects.all())
        item.rights.set(Right.objects.all())
    with django_assert_num_queries(13):
        whole = contents(issue)
    with django_assert_num_queries(0):
        render_mail(compose(whole, "pt", ["pt", "es"]), token="x" * 32)
