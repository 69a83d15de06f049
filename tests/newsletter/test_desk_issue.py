import datetime

import pytest
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from newsletter import compose
from newsletter.models import Edition, Issue, Item
from newsletter.translation import texts
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.newsletter.desk import at_the_desk, boris, carla, page, said
from tests.newsletter.factories import LANGUAGES, contents, make_issue, make_item, make_subscriber, make_texts

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return at_the_desk(carla())


def form_of(issue, **changes) -> dict[str, str]:
    return {
        "period_kind": issue.period_kind,
        "period": issue.period.isoformat(),
        "slug": issue.slug,
        "finalised_on": "",
        "fallback": issue.fallback,
        "subject": "",
        "masthead": "",
        "message": "",
        "donation": "",
    } | changes


# --- the list -----------------------------------------------------------------------------------------------------


def test_the_list_names_the_period_and_the_state_of_the_editions(desk):
    issue = make_issue(period=datetime.date(2026, 5, 3), state=Edition.State.READY, items=2)
    issue.editions.filter(language="pt").update(state="draft")
    words = Page(desk.get(page("issue_changelist"))).words
    assert "May 2026" in words
    assert "being written: PT" in words
    assert "ready: EN DE NL ES FR IT" in words


@pytest.mark.parametrize(("language", "day"), [("en", "25 May 2026"), ("de", "25. Mai 2026"), ("fr", "25 mai 2026")])
def test_the_list_writes_days_as_the_rest_of_the_desk_does(desk, language, day):
    make_issue(period=datetime.date(2026, 5, 3), finalised_on=datetime.date(2026, 5, 25))
    make_issue("open", period=datetime.date(2026, 6, 1), finalised_on=None)
    days = Page(desk.get(page("issue_changelist").replace("/en/", f"/{language}/"))).all("td", class_="field-finalised")
    assert [tag.words for tag in days] == ["-", day]


@pytest.mark.parametrize("issues", [1, 3])
def test_the_list_takes_the_same_queries_for_one_issue_and_three(desk, issues, django_assert_num_queries):
    for number in range(issues):
        make_issue(f"issue-{number}", items=2)
    with django_assert_num_queries(7):
        desk.get(page("issue_changelist"))


# --- a new issue --------------------------------------------------------------------------------------------------


def test_a_new_issue_is_suggested_for_the_month_after_the_last_one(desk):
    make_issue(period=datetime.date(2026, 12, 1))
    initial = desk.get(page("issue_add")).context["adminform"].form.initial
    assert (initial["period"], initial["slug"]) == (datetime.date(2027, 1, 1), "2027-01")


def test_a_new_issue_without_an_address_gets_one_and_seven_editions(desk):
    data = form_of(Issue(period=datetime.date(2027, 4, 1)), slug="", subject="News", _save="Save")
    answer = desk.post(page("issue_add") + "?language=en", data)
    issue = Issue.objects.get()
    assert answer.url == page("issue_change", issue.pk) + "?language=en#contents"
    assert issue.slug == "2027-04"
    assert list(issue.editions.values_list("language", "state")) == [(code, "draft") for code in LANGUAGES]
    assert AuditEntry.objects.get().action == "issue.add"


# --- the words, tab by tab ------------------------------------------------------------------------------------------


def test_an_address_of_other_pages_is_refused_in_words(desk):
    data = form_of(Issue(period=datetime.date(2027, 4, 1)), slug="feed", subject="News", _save="Save")
    errors = desk.post(page("issue_add"), data).context["adminform"].form.errors
    assert errors == {"slug": ["“feed” is an address of other pages of the newsletter; choose another one."]}
    assert not Issue.objects.exists()


def test_a_tab_saves_its_own_language_and_leaves_the_others(desk):
    issue = make_issue()
    make_texts(issue, "en", subject="October")
    desk.post(page("issue_change", issue.pk) + "?language=de", form_of(issue, subject="Oktober", _continue="1"))
    assert dict(issue.translations.filter(language_code__in=["en", "de"]).values_list("language_code", "subject")) == {
        "en": "October",
        "de": "Oktober",
    }


def test_a_tab_that_does_not_exist_is_the_first_one(desk):
    issue = make_issue(languages=["en"])
    desk.post(page("issue_change", issue.pk) + "?language=xx", form_of(issue, subject="October", _continue="1"))
    assert list(issue.translations.values_list("language_code", "subject")) == [("en", "October")]


def test_what_is_dangerous_in_the_rich_text_is_taken_out(desk):
    issue = make_issue()
    text = '<p onclick="x()">Dear <b>all</b><script>alert(1)</script></p>'
    desk.post(page("issue_change", issue.pk) + "?language=de", form_of(issue, message=text, _continue="1"))
    assert issue.translations.get(language_code="de").message == "<p>Dear <strong>all</strong></p>"


def test_the_fields_of_a_tab_say_their_language(desk):
    issue = make_issue()
    html = Page(desk.get(page("issue_change", issue.pk) + "?language=pt"))
    fields = html.all("input", id="id_subject") + html.all("textarea", id="id_message")
    assert [(field["lang"], field["spellcheck"]) for field in fields] == [("pt", "true")] * 2
    assert "NoSpellCheck" not in fields[1]["data-django-prose-editor-configurable"]


def test_a_tab_without_a_subject_is_marked_as_missing_in_words(desk):
    issue = make_issue(languages=["en", "de"])
    make_texts(issue, "en", subject="October")
    make_texts(issue, "de", subject="  ")
    html = Page(desk.get(page("issue_change", issue.pk)))
    tabs = html.one("nav", class_="parler-language-tabs").words
    assert tabs == "English " + " ".join(
        f"{name} missing" for name in ["German", "Dutch", "Spanish", "French", "Italian", "Portuguese"]
    )


def test_the_editors_import_map_carries_the_nonce_of_the_page(desk):
    issue = make_issue()
    answer = desk.get(page("issue_change", issue.pk))
    nonce = Page(answer).one("script", type="importmap")["nonce"]
    assert nonce
    assert f"'nonce-{nonce}'" in answer["Content-Security-Policy"]


def test_the_address_cannot_change_once_a_mail_with_it_went_out(desk):
    issue = make_issue()
    issue.editions.filter(language="en").update(state="sent", frozen_at=timezone.now())
    desk.post(page("issue_change", issue.pk) + "?language=en", form_of(issue, slug="other", _continue="1"))
    issue.refresh_from_db()
    assert issue.slug == "next"
    note = Page(desk.get(page("issue_change", issue.pk))).words
    assert "The mails of these editions are settled: English. Changes made here do not alter them." in note


# --- the contents ---------------------------------------------------------------------------------------------------


def test_the_contents_are_numbered_as_they_will_show_and_empty_sections_say_so(desk):
    issue = make_issue()
    make_item(issue, "united-nations", en="Second thing", countries=["MT", "IT"], kind="report")
    make_item(issue, "borders", en="First thing")
    headings = [tag.words for tag in Page(desk.get(page("issue_change", issue.pk))).all("h3")]
    assert headings[:4] == ["1. Borders", "Death at the Border", "2. United Nations", "European Policy Developments"]
    words = Page(desk.get(page("issue_change", issue.pk))).one("section", id="contents").words
    assert "ITALY, MALTA · REPORT Second thing" in words
    assert "Death at the Border empty, left out" in words


def test_each_item_shows_how_far_it_is_in_each_language_and_leads_to_its_tab(desk):
    issue = make_issue()
    item = make_item(issue, en="A", pt="B", es=("C", ""))
    words = {"state": "approved", "how": "page", "by": None, "now": timezone.now()}
    for code, state in {"en": "approved", "de": "approved", "nl": "review", "it": "draft"}.items():
        texts.store(texts.find(item, code), {"title": code, "text": f"<p>{code}.</p>"}, **words | {"state": state})
    texts.store(texts.find(item, "en"), {"title": "A", "text": "<p>New.</p>"}, **words)
    texts.approve(texts.find(item, "nl"), by=boris(), now=timezone.now())
    marks = Page(desk.get(page("issue_change", issue.pk))).all("a", class_="desk-mark")
    told = {mark["href"].partition("language=")[2]: mark["aria-label"] for mark in marks}
    assert told == {
        "en": "English: approved",
        "de": "German: outdated",
        "nl": "Dutch: approved",
        "es": "Spanish: missing",
        "fr": "French: missing",
        "it": "Italian: draft",
        "pt": "Portuguese: draft",
    }
    # A sign each, and a word for each sign: not by colour alone.
    assert {mark["class"].split("--")[1] for mark in marks} == {"approved", "outdated", "missing", "draft"}
    signs = Page(desk.get(page("issue_change", issue.pk))).one("p", class_="desk-stages")
    assert signs.words == "missing draft in review approved outdated"
    on_the_form = Page(desk.get(page("item_change", item.pk))).all("a", class_="desk-mark")
    assert [mark["aria-label"] for mark in on_the_form] == list(told.values())
    assert marks[0]["href"] == page("item_change", item.pk) + "?language=en"


def test_an_item_that_is_left_out_of_the_readers_language_is_still_listed(desk):
    issue = make_issue(fallback="omit")
    make_item(issue, pt="Só em português")
    assert "Só em português" in Page(desk.get(page("issue_change", issue.pk))).one("section", id="contents").words


def test_adding_an_item_starts_in_its_issue_and_section(desk):
    issue = make_issue()
    item = make_item(issue, "events", en="A")
    assert (
        f"{page('item_add')}?issue={issue.pk}&section={item.section_id}"
        in Page(desk.get(page("issue_change", issue.pk))).links()
    )


def test_the_buttons_move_an_item_and_come_back_to_themselves(desk):
    issue = make_issue()
    first, second = make_item(issue, en="A"), make_item(issue, en="B")
    answer = desk.post(page("item_move", second.pk, "up"))
    assert answer.url == page("issue_change", issue.pk) + f"#item-{second.pk}-up"
    assert list(Item.objects.order_by("position")) == [second, first]
    buttons = Page(desk.get(page("issue_change", issue.pk))).all("button", class_="desk-step")
    assert [(button["id"], button["aria-label"]) for button in buttons][:2] == [
        (f"item-{second.pk}-up", "Move “B” up"),
        (f"item-{second.pk}-down", "Move “B” down"),
    ]


# --- the editions -----------------------------------------------------------------------------------------------------


def test_the_editions_show_state_what_is_missing_and_their_readers(desk):
    issue = make_issue(languages=["en", "de"], items=2)
    make_texts(issue, "en", subject="October")
    for number, languages in enumerate(["en", "en de", "de en", "pt"]):
        make_subscriber(f"reader{number}@example.org", languages)
    make_subscriber("gone@example.org", "en", state="unsubscribed")
    rows = desk.get(page("issue_change", issue.pk)).context["editions"]
    assert [(row.name, row.state, row.missing, row.has_subject, row.readers) for row in rows] == [
        ("English", "draft", 0, True, 2),
        ("German", "draft", 0, False, 1),
        ("Dutch", "draft", 2, False, 0),
        ("Spanish", "draft", 2, False, 0),
        ("French", "draft", 2, False, 0),
        ("Italian", "draft", 2, False, 0),
        ("Portuguese", "draft", 2, False, 1),
    ]


def test_an_edition_is_made_ready_and_taken_back_by_buttons(desk):
    issue = make_issue(items=1)
    make_texts(issue, "de", subject="Oktober")
    answer = desk.post(page("issue_ready", issue.pk, "de"), follow=True)
    assert said(answer) == ["The German edition is ready to be sent."]
    assert answer.redirect_chain == [(page("issue_change", issue.pk) + "#edition-de", 302)]
    assert issue.editions.get(language="de").state == "ready"
    assert said(desk.post(page("issue_draft", issue.pk, "de"), follow=True)) == ["The German edition is a draft again."]
    assert issue.editions.get(language="de").state == "draft"


def test_an_edition_with_a_problem_is_refused_in_words(desk):
    issue = make_issue(items=1)
    answer = desk.post(page("issue_ready", issue.pk, "de"), follow=True)
    assert said(answer) == ["The subject of the mail is missing in German."]
    assert issue.editions.get(language="de").state == "draft"


def test_a_button_of_a_stale_page_is_refused_in_words(desk):
    issue = make_issue(items=1)
    make_texts(issue, "de", subject="Oktober")
    compose.declare_ready(contents(issue).editions.all()[1], by=None)
    answer = desk.post(page("issue_ready", issue.pk, "de"), follow=True)
    assert said(answer) == ["The German edition is “ready” already."]


def test_an_editor_sees_no_way_to_send(desk):
    issue = make_issue(items=1)
    assert page("issue_send", issue.pk) in Page(desk.get(page("issue_change", issue.pk))).links()
    links = Page(at_the_desk(boris()).get(page("issue_change", issue.pk))).links()
    assert page("issue_send", issue.pk) not in links
    assert page("issue_progress", issue.pk) in links


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_takes_the_same_queries_for_one_item_and_three(desk, rows, django_assert_num_queries):
    issue = make_issue()
    for number in range(rows):
        make_item(
            issue,
            ["borders", "events", "detention"][number],
            countries=["IT"],
            bodies=["frontex"],
            sources=[{"outlet": "Paper"}],
            en=f"Item {number}",
            de=f"Eintrag {number}",
        )
        make_subscriber(f"reader{number}@example.org", ["en", "de", "pt en"][number])
    ContentType.objects.get_for_model(Issue)  # Django asks once in a process
    with django_assert_num_queries(21):
        desk.get(page("issue_change", issue.pk))


@pytest.mark.parametrize("field", ["period", "finalised_on"])
@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2101-01-01", "9999-12-31"])
def test_a_day_far_from_our_time_is_refused_in_words(desk, field, day):
    issue = make_issue()
    answer = desk.post(page("issue_change", issue.pk), form_of(issue, **{field: day}))
    assert "Choose a day between the years 2000 and 2100." in Page(answer).words
    answer = desk.post(page("issue_add"), form_of(issue, slug="", **{field: day}))
    assert "Choose a day between the years 2000 and 2100." in Page(answer).words
    assert Issue.objects.count() == 1


@pytest.mark.parametrize(("last", "suggested"), [("2100-12-01", "2101-01"), ("9999-12-01", "2026-11")])
def test_an_issue_of_the_far_future_does_not_keep_anybody_from_adding_one(desk, last, suggested):
    make_issue("now")
    make_issue("far", period=datetime.date.fromisoformat(last))
    answer = desk.get(page("issue_add"))
    assert (answer.status_code, answer.context["adminform"].form.initial["slug"]) == (200, suggested)
