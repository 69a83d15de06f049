import pytest
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from newsletter.models import Body, Item, Section
from picum.accounts.models import AuditEntry
from picum.areas.models import Area
from tests.html import Page
from tests.newsletter.desk import at_the_desk, boris, carla, page, said
from tests.newsletter.factories import make_issue, make_item

pytestmark = pytest.mark.django_db

NO_SOURCES = {"sources-TOTAL_FORMS": "0", "sources-INITIAL_FORMS": "0"}


@pytest.fixture
def desk():
    return at_the_desk(carla())


@pytest.fixture
def issue():
    return make_issue()


def form_of(item, **changes) -> dict[str, object]:
    return {
        "section": item.section_id,
        "kind": "",
        "original_language": "en",
        "countries": [],
        "title": "A title",
        "text": "<p>A text.</p>",
        **NO_SOURCES,
    } | changes


def test_an_item_is_added_at_the_end_of_its_section_with_its_sources_numbered(desk, issue):
    make_item(issue, "borders", en="There before")
    section = Section.objects.get(key="borders")
    data = {
        "issue": issue.pk,
        "section": section.pk,
        "kind": "report",
        "original_language": "es",
        "countries": ["ES", "MA"],
        "areas": [Area.objects.first().pk],
        "title": "Un título",
        "text": "<p>Un <strong>texto</strong>.</p>",
        "sources-TOTAL_FORMS": "2",
        "sources-INITIAL_FORMS": "0",
        "sources-0-outlet": "El Diario",
        "sources-0-precision": "day",
        "sources-0-position": "0",
        "sources-1-url": "https://example.org/article",
        "sources-1-precision": "month",
        "sources-1-date": "2026-10-01",
        "sources-1-position": "0",
        "_save": "Save",
    }
    answer = desk.post(page("item_add") + "?language=es", data)
    item = Item.objects.order_by("pk").last()
    assert answer.url == page("issue_change", issue.pk) + f"#item-{item.pk}"
    assert (item.position, item.kind, [country.code for country in item.countries]) == (2, "report", ["ES", "MA"])
    assert list(item.translations.values_list("language_code", "title", "text")) == [
        ("es", "Un título", "<p>Un <strong>texto</strong>.</p>")
    ]
    assert list(item.sources.values_list("position", "outlet", "url")) == [
        (1, "El Diario", ""),
        (2, "", "https://example.org/article"),
    ]
    assert AuditEntry.objects.get().action == "item.add"


def test_a_new_item_starts_with_what_the_link_says_and_the_tab_as_its_original_language(desk, issue):
    section = Section.objects.get(key="events")
    answer = desk.get(page("item_add") + f"?issue={issue.pk}&section={section.pk}&language=it")
    initial = answer.context["adminform"].form.initial
    assert (initial["issue"], initial["section"], initial["original_language"]) == (
        str(issue.pk),
        str(section.pk),
        "it",
    )


def test_a_source_that_names_nothing_is_refused_in_words(desk, issue):
    item = make_item(issue, en="A")
    data = form_of(
        item,
        **{
            "sources-TOTAL_FORMS": "1",
            "sources-0-page": "7",
            "sources-0-precision": "day",
            "sources-0-position": "0",
        },
    )
    words = Page(desk.post(page("item_change", item.pk), data)).words
    assert "A source needs an outlet, a title or a web address." in words


def test_a_translation_is_saved_beside_the_others(desk, issue):
    item = make_item(issue, en="English", de="Deutsch")
    data = form_of(item, title="Nederlands", text="<p>Tekst.</p>", _continue="1")
    answer = desk.post(page("item_change", item.pk) + "?language=nl", data)
    assert answer.url == page("item_change", item.pk) + "?language=nl"
    assert dict(item.translations.values_list("language_code", "title")) == {
        "en": "English",
        "de": "Deutsch",
        "nl": "Nederlands",
    }


def test_an_empty_tab_is_headed_by_the_title_in_another_language(desk, issue):
    item = make_item(issue, es="Un título", en="A title")
    html = Page(desk.get(page("item_change", item.pk) + "?language=de"))
    assert html.one("div", id="content").words.startswith("Change item (German) A title ")
    assert html.one("div", class_="breadcrumbs").words.endswith("› A title")


def test_save_and_next_goes_through_the_issue_in_one_language(desk, issue):
    first, second = make_item(issue, "borders", en="A"), make_item(issue, "events", en="B")
    answer = desk.post(page("item_change", first.pk) + "?language=pt", form_of(first, _next="1"))
    assert answer.url == page("item_change", second.pk) + "?language=pt"
    answer = desk.post(page("item_change", second.pk) + "?language=pt", form_of(second, _next="1"), follow=True)
    assert answer.redirect_chain == [(page("issue_change", issue.pk) + f"#item-{second.pk}", 302)]
    assert said(answer)[-1] == "That was the last item of the issue."


def test_an_item_that_changes_its_section_goes_to_the_end_of_it(desk, issue):
    item, other = make_item(issue, "borders", en="A"), make_item(issue, "events", en="B")
    desk.post(page("item_change", item.pk), form_of(item, section=other.section_id, _save="1"))
    assert [str(row) for row in Item.objects.filter(section=other.section_id)] == ["B", "A title"]


def test_the_page_tells_where_the_item_stands_and_offers_to_move_it(desk, issue):
    first, second = make_item(issue, "borders", en="A"), make_item(issue, "borders", en="B")
    html = Page(desk.get(page("item_change", second.pk) + "?language=de"))
    assert "Borders: item 2 of 2" in html.words
    assert page("item_change", first.pk) + "?language=de" in html.links()
    answer = desk.post(page("item_move", second.pk, "up"), {"stay": "1"})
    assert answer.url == page("item_change", second.pk)
    assert list(Item.objects.order_by("position")) == [second, first]


def test_countries_bodies_areas_and_rights_are_chosen_from_lists_in_the_persons_language(desk, issue):
    item = make_item(issue, en="A", countries=["BE"])
    html = Page(desk.get(f"/de/desk/newsletter/item/{item.pk}/change/"))
    chosen = [option.words for option in html.all("option", value="BE") if "selected" in option.attributes]
    assert chosen == ["Belgien"]
    boxes = [box["name"] for box in html.all("input", type="checkbox")]
    assert (boxes.count("areas"), boxes.count("rights")) == (5, 8)
    assert boxes.count("bodies") > 5


def test_what_went_out_cannot_be_deleted(desk, issue):
    item = make_item(issue, en="A")
    assert desk.get(page("item_delete", item.pk)).status_code == 200
    issue.editions.filter(language="en").update(state="sent", frozen_at=timezone.now())
    assert desk.get(page("item_delete", item.pk)).status_code == 403
    assert desk.post(page("item_delete", item.pk), {"post": "yes"}).status_code == 403
    assert Item.objects.filter(pk=item.pk).exists()


def test_only_a_published_item_links_to_its_public_page(desk, issue):
    item = make_item(issue, en="A")
    assert "View on site" not in Page(desk.get(page("item_change", item.pk))).words
    issue.editions.filter(language="en").update(published_at=timezone.now())
    assert "View on site" in Page(desk.get(page("item_change", item.pk))).words


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_takes_the_same_queries_for_one_item_and_three(desk, issue, rows, django_assert_num_queries):
    for number in range(rows):
        make_item(issue, ["borders", "events", "detention"][number], en=f"Item {number}")
    with django_assert_num_queries(8):
        desk.get(page("item_changelist"))


@pytest.mark.parametrize("rows", [1, 3])
def test_the_form_takes_the_same_queries_whatever_stands_around_it(desk, issue, rows, django_assert_num_queries):
    for number in range(rows):
        item = make_item(issue, "borders", en=f"Item {number}", sources=[{"outlet": "Paper"}])
    ContentType.objects.get_for_model(Item)  # Django asks once in a process
    with django_assert_num_queries(26):
        desk.get(page("item_change", item.pk))


# --- sections -----------------------------------------------------------------------------------------------------


def test_sections_are_put_in_order_by_buttons(desk):
    first, second = Section.objects.order_by("position")[:2]
    answer = desk.post(page("section_move", second.pk, "up"))
    assert answer.url == page("section_changelist") + f"#section-{second.pk}-up"
    assert list(Section.objects.order_by("position")[:2]) == [second, first]
    button = Page(desk.get(page("section_changelist"))).one("button", id=f"section-{first.pk}-down")
    assert (button["formaction"], button["aria-label"]) == (
        page("section_move", first.pk, "down"),
        "Move “Borders” down",
    )


def test_a_sections_key_is_given_once(desk):
    section = Section.objects.get(key="borders")
    desk.post(page("section_change", section.pk) + "?language=en", {"key": "limits", "heading": "Limits"})
    section.refresh_from_db()
    assert (section.key, section.translations.get(language_code="en").heading) == ("borders", "Limits")


def test_who_may_only_look_sees_no_buttons(desk):
    person = boris()
    person.user_permissions.remove(*person.user_permissions.filter(codename="change_section"))
    html = Page(at_the_desk(person).get(page("section_changelist")))
    assert html.all("button", class_="desk-step") == []
    assert "Borders" in html.words


# --- what is kept, what is refused, and the trail -----------------------------------------------------------------


def test_the_words_of_what_went_out_cannot_be_deleted_one_language_at_a_time_either(desk, issue):
    item = make_item(issue, en="A", de="B")
    address = f"/en/desk/newsletter/item/{item.pk}/change/delete-translation/de/"
    assert desk.get(address).status_code == 200
    issue.editions.filter(language="en").update(state="sent", frozen_at=timezone.now())
    assert desk.get(address).status_code == 403
    assert desk.post(address, {"post": "yes"}).status_code == 403
    assert item.translations.count() == 2


def test_a_translation_of_what_did_not_go_out_is_deleted(desk, issue):
    item = make_item(issue, en="A", de="B")
    address = f"/en/desk/newsletter/item/{item.pk}/change/delete-translation/"
    assert desk.post(address + "de/", {"post": "yes"}).status_code == 302
    assert list(item.translations.values_list("language_code", flat=True)) == ["en"]
    assert desk.get(address + "%00/").status_code == 404


def test_deleting_many_says_that_what_went_out_is_kept_and_deletes_none(desk, issue):
    kept, other = make_item(issue, en="Went out"), make_item(make_issue("later"), en="Draft")
    issue.editions.filter(language__in=["en", "de"]).update(state="sent", frozen_at=timezone.now())
    chosen = {"action": "delete_selected", "_selected_action": [kept.pk, other.pk]}
    for confirmed in [{}, {"post": "yes"}]:
        answer = desk.post(page("item_changelist"), chosen | confirmed, follow=True)
        assert said(answer) == ["Items of issues that went out are kept, so nothing was deleted. Choose only others."]
    assert Item.objects.count() == 2
    chosen["_selected_action"] = [other.pk]
    assert "Are you sure" in Page(desk.post(page("item_changelist"), chosen)).words
    desk.post(page("item_changelist"), chosen | {"post": "yes"})
    assert list(Item.objects.all()) == [kept]


@pytest.mark.parametrize("nonsense", ["²", "9" * 30, "-1", "x"])
def test_a_section_that_does_not_exist_filters_nothing(desk, issue, nonsense):
    make_item(issue, en="A")
    answer = desk.get(page("item_changelist"), {"section": nonsense})
    assert (answer.status_code, answer.context["cl"].result_count) == (200, 1)
    borders = make_item(issue, "borders", en="B")
    answer = desk.get(page("item_changelist"), {"section": borders.section_id})
    assert list(answer.context["cl"].result_list) == [borders]


def test_a_mistake_beside_a_changed_section_is_shown_in_the_form(desk, issue):
    item, other = make_item(issue, "borders", en="A"), make_item(issue, "events", en="B")
    html = Page(desk.post(page("item_change", item.pk), form_of(item, section=other.section_id, title="")))
    assert "This field is required." in html.words
    assert "item 1 of 1" in html.words


def test_moving_leaves_a_line_in_the_trail_if_anything_moved(desk, issue):
    make_item(issue, "borders", en="A")
    item, section = make_item(issue, "borders", en="B"), Section.objects.order_by("position").first()
    desk.post(page("item_move", item.pk, "up"))
    desk.post(page("section_move", section.pk, "up"))  # the first one already
    desk.post(page("section_move", section.pk, "down"))
    lines = AuditEntry.objects.order_by("pk").values_list("action", "actor_label", "object_id", "data")
    assert list(lines) == [
        ("item.move", "Carla", str(item.pk), {"step": -1}),
        ("section.move", "Carla", str(section.pk), {"step": 1}),
    ]


# --- institutions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("items", [1, 3])
def test_an_institution_that_items_name_is_kept(desk, issue, items):
    body = Body.objects.get(key="frontex")
    named = [make_item(issue, en=f"Item {number}", bodies=["frontex", "ohchr"]) for number in range(items)]
    many = {"action": "delete_selected", "_selected_action": [body.pk], "post": "yes"}
    for answer in [
        desk.get(page("body_delete", body.pk)),
        desk.post(page("body_delete", body.pk), {"post": "yes"}),
        desk.post(page("body_changelist"), many),
    ]:
        html = Page(answer)
        assert "would require deleting the following protected related objects" in html.words
        assert {page("item_change", item.pk) for item in named} <= set(html.links())
    assert [item.bodies.filter(key="frontex").exists() for item in named] == [True] * items


def test_an_institution_that_nothing_names_is_deleted(desk, issue):
    make_item(issue, en="A", bodies=["ohchr"])
    assert desk.post(page("body_delete", Body.objects.get(key="frontex").pk), {"post": "yes"}).status_code == 302
    assert not Body.objects.filter(key="frontex").exists()
