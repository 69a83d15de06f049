import datetime

import pytest
from celery import current_app

from newsletter import compose, lifecycle, urls
from newsletter.models import Edition, Issue, Item, LinkCheck, Section
from picum.accounts.models import AuditEntry
from tests.newsletter.factories import LANGUAGES, contents, make_complete_issue, make_issue, make_item

pytestmark = pytest.mark.django_db


def order(issue) -> list[tuple[str, str]]:
    """The issue as it stands: pairs of section and title."""
    items = Item.objects.filter(issue=issue).order_by(*Item._meta.ordering)
    return [(item.section.key, str(item)) for item in items.select_related("section")]


def edition_of(issue, language) -> Edition:
    return next(row for row in contents(issue).editions.all() if row.language == language)


# --- issues -------------------------------------------------------------------------------------------------------


def test_a_new_issue_has_an_edition_in_each_of_the_seven_languages():
    issue = compose.start_issue(period=datetime.date(2026, 5, 1))
    assert issue.slug == "2026-05"
    assert list(issue.editions.values_list("language", "state")) == [(code, "draft") for code in LANGUAGES]
    assert AuditEntry.objects.get().action == "issue.start"


@pytest.mark.parametrize(("kind", "slug"), [("month", "2026-05"), ("quarter", "2026-q2"), ("date", "2026-05-14")])
def test_an_issue_is_named_after_its_period(kind, slug):
    assert compose.slug_for(kind, datetime.date(2026, 5, 14)) == slug


def test_a_second_issue_of_a_period_gets_a_number():
    period = datetime.date(2026, 5, 1)
    assert [compose.start_issue(period=period).slug for _time in range(3)] == ["2026-05", "2026-05-2", "2026-05-3"]


@pytest.mark.parametrize("slug", sorted(compose.OURS))
def test_an_issue_cannot_have_the_address_of_another_page(slug):
    with pytest.raises(compose.TakenSlug, match=f"“{slug}” is an address of other pages"):
        compose.start_issue(period=datetime.date(2026, 5, 1), slug=slug)
    assert not Issue.objects.exists()


def test_the_addresses_of_all_other_pages_are_refused():
    first_words = {str(route.pattern).partition("/")[0] for route in urls.urlpatterns}
    assert {word for word in first_words if word and not word.startswith("<")} == compose.OURS


def test_editions_that_exist_are_left_alone():
    issue = make_issue(state=Edition.State.READY)
    issue.editions.filter(language="pt").delete()
    compose.ensure_editions(issue)
    states = dict(issue.editions.values_list("language", "state"))
    assert states == dict.fromkeys(LANGUAGES, "ready") | {"pt": "draft"}


# --- order ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def issue():
    issue = make_issue()
    for key, title in [("borders", "A"), ("borders", "B"), ("borders", "C"), ("united-nations", "D")]:
        make_item(issue, key, en=title)
    return issue


def item(title) -> Item:
    return Item.objects.get(translations__title=title)


def test_an_item_moves_within_its_section(issue):
    assert compose.move_item(item("C"), by=-1) is True
    assert [title for _section, title in order(issue)] == ["A", "C", "B", "D"]
    assert compose.move_item(item("A"), by=1) is True
    assert [title for _section, title in order(issue)] == ["C", "A", "B", "D"]
    assert list(Item.objects.filter(section__key="borders").order_by("position").values_list("position", flat=True)) \
        == [1, 2, 3]  # fmt: skip


def test_an_item_moves_over_the_edge_into_the_next_section_even_an_empty_one(issue):
    assert compose.move_item(item("C"), by=1) is True
    assert order(issue) == [("borders", "A"), ("borders", "B"), ("death-at-the-border", "C"), ("united-nations", "D")]
    assert compose.move_item(item("C"), by=1) is True
    assert order(issue) == [("borders", "A"), ("borders", "B"), ("united-nations", "C"), ("united-nations", "D")]


def test_an_item_comes_back_as_the_last_of_the_section_before(issue):
    compose.move_item(item("D"), by=-1)
    compose.move_item(item("D"), by=-1)
    assert order(issue) == [("borders", "A"), ("borders", "B"), ("borders", "C"), ("borders", "D")]


def test_the_ends_of_the_issue_hold(issue):
    before = order(issue)
    assert compose.move_item(item("A"), by=-1) is False
    assert order(issue) == before
    last = Section.objects.order_by("position").last()
    lonely = make_item(issue, last.key, en="Z")
    assert compose.move_item(lonely, by=1) is False


def test_items_of_other_issues_do_not_move(issue):
    other = make_issue("other")
    make_item(other, "borders", en="X")
    make_item(other, "borders", en="Y")
    compose.move_item(item("A"), by=1)
    assert order(other) == [("borders", "X"), ("borders", "Y")]


def test_moves_from_a_stale_page_start_from_where_the_item_is_now(issue):
    stale = item("C")
    compose.move_item(item("C"), by=-1)
    compose.move_item(stale, by=-1)
    assert [title for _section, title in order(issue)] == ["C", "A", "B", "D"]


def test_a_new_item_goes_to_the_end(issue):
    new = make_item(issue, "borders", en="New", position=0)
    compose.place_last(new)
    assert [title for section, title in order(issue) if section == "borders"] == ["A", "B", "C", "New"]


def test_standing_tells_neighbours_and_number(issue):
    standing = compose.standing(item("B"))
    assert standing == compose.Standing(before=item("A").pk, after=item("C").pk, number=2, of=3)
    assert (compose.standing(item("A")).before, compose.standing(item("D")).after) == (None, None)


def test_sections_change_places():
    first, second = Section.objects.order_by("position")[:2]
    assert compose.move_section(second, by=-1) is True
    assert list(Section.objects.order_by("position")[:2]) == [second, first]
    assert compose.move_section(second, by=-1) is False


# --- ready ----------------------------------------------------------------------------------------------------------


def test_an_edition_becomes_ready_and_goes_back():
    edition = edition_of(make_complete_issue(), "it")
    assert compose.declare_ready(edition, by=None).state == Edition.State.READY
    assert compose.back_to_draft(edition, by=None).state == Edition.State.DRAFT
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "edition.ready",
        "edition.draft",
    ]


def test_a_blocked_edition_does_not_become_ready():
    issue = make_issue(items=1)
    with pytest.raises(compose.Blocked, match="The subject of the mail is missing in Italian"):
        compose.declare_ready(edition_of(issue, "it"), by=None)
    assert issue.editions.get(language="it").state == Edition.State.DRAFT


def test_what_is_being_sent_does_not_become_ready_again():
    edition = edition_of(make_complete_issue(), "it")
    Edition.objects.filter(pk=edition.pk).update(state="scheduled", send_at=datetime.datetime.now(datetime.UTC))
    with pytest.raises(lifecycle.IllegalMove, match="The Italian edition is now “scheduled”"):
        compose.declare_ready(edition, by=None)


def test_the_links_of_an_edition_that_becomes_ready_are_checked_in_the_background(
    monkeypatch, django_capture_on_commit_callbacks
):
    rung = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: rung.append((name, args)))
    issue = make_complete_issue()
    make_item(issue, en="A", sources=[{"url": "https://news.example/story#part"}])
    with django_capture_on_commit_callbacks(execute=True):
        compose.declare_ready(edition_of(issue, "en"), by=None)
        assert rung == []
    assert rung == [("newsletter.check_links", (issue.pk,))]
    assert list(LinkCheck.objects.values_list("url", "state")) == [("https://news.example/story", "unknown")]
