import datetime

import pytest
import time_machine
from celery import current_app

from newsletter.models import Edition, LinkCheck, SenderCheck, Term, Text, Translator
from newsletter.translation import texts
from picum.accounts.models import AuditEntry, User
from tests.html import Page
from tests.newsletter.desk import amal, at_the_desk, boris, carla, page, said, staff
from tests.newsletter.factories import LANGUAGES, contents, make_complete_issue, make_issue, make_item, make_texts

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)
SPF = {"records": ["v=spf1 -all"]}
FACTS = {
    "spf": SPF,
    "dmarc": {"records": ["v=DMARC1; p=none"]},
    "dmarc_at": "network.org",
    "mail": {"records": ["mx.network.org"]},
    "dkim": {"may": {"records": ["v=DKIM1; p=MIIB"]}},
}


@pytest.fixture
def issue():
    Term.objects.all().delete()
    return make_complete_issue()


@pytest.fixture
def desk():
    return at_the_desk(carla())


@pytest.fixture
def rui() -> User:
    """Translates into Portuguese, and does nothing else."""
    rui = staff("translate_text")
    Translator.objects.create(user=rui, languages="pt")
    return rui


def shown(client, issue, language="pt") -> Page:
    answer = client.get(page("issue_problems", issue.pk, language))
    assert answer.status_code == 200
    return Page(answer)


# --- what the page shows --------------------------------------------------------------------------------------------


def test_an_edition_without_a_problem_is_said_to_be_good(desk, issue, settings):
    settings.SITE_URL = "https://newsletter.network.org"
    settings.DEFAULT_FROM_EMAIL, settings.NEWSLETTER_MAIL_DOMAIN = "a@network.org", "network.org"
    settings.NEWSLETTER_DKIM_SELECTORS = ["may"]
    SenderCheck.objects.create(domain="network.org", facts=FACTS, checked_at=NOW, due_at=None)
    html = shown(desk, issue)
    assert "Nothing forbids that this edition goes out." in html.words
    assert html.words.count("Nothing to note.") == 4
    assert "Mail services can check that our mails are ours." in html.words
    assert "What the name servers say of network.org, looked up on 20 October 2026, 12:00" in html.words
    assert "v=DKIM1; p=MIIB" in html.words
    assert html.all("li", class_="desk-stop") == html.all("li", class_="desk-warn") == []


def test_what_does_not_forbid_anything_is_not_called_good(desk, issue, rui):
    assert (
        "Nothing forbids that this edition goes out. There are 2 things to look at below." in shown(desk, issue).words
    )
    make_item(issue, en="Only English")
    html = shown(desk, issue)
    assert "Nothing forbids that this edition goes out. There are 3 things to look at below." in html.words
    assert "Nothing forbids" in html.one("p", class_="desk-note").words
    assert len(html.all("li", class_="desk-warn")) == 3
    # A volunteer is not shown what concerns the sender.
    html = shown(at_the_desk(rui), issue)
    assert "There is 1 thing to look at below." in html.words
    assert len(html.all("li", class_="desk-warn")) == 1


def test_what_forbids_comes_first_and_each_place_has_a_link_to_where_it_is_put_right(desk, issue):
    item = make_item(issue, en="Only English", sources=[{"url": "https://gone.org/a?b=c"}])
    late = make_item(issue, **dict.fromkeys(LANGUAGES, "Later"))
    issue.items.filter(pk=late.pk).update(not_before=datetime.date(2100, 1, 1))
    make_texts(issue, "pt", subject="")
    LinkCheck.objects.create(
        url="https://gone.org/a?b=c", url_key=LinkCheck.key_of("https://gone.org/a?b=c"), state="broken", status=404,
        checked_at=NOW, due_at=None,
    )  # fmt: skip
    html = shown(desk, issue)
    (stop,) = html.all("li", class_="desk-stop")
    assert "The subject of the mail is missing in Portuguese." in stop.words
    assert html.words.index("It cannot go out like this") < html.words.index("Only English")
    assert {
        page("issue_translate", issue.pk, "pt", "around"),
        page("issue_translate", issue.pk, "pt", item.pk),
        page("item_change", item.pk) + "?language=pt",
        page("item_change", late.pk) + "?language=pt",
        "https://gone.org/a?b=c",
    } <= set(html.links())
    assert "1 link is broken." in html.words
    assert "a source: the site answers 404" in html.words
    assert "Last checked on 20 October 2026, 12:00" in html.words
    (title,) = [link for link in html.all("a") if link["href"] == page("issue_translate", issue.pk, "pt", item.pk)]
    assert (title.words, title["lang"]) == ("Only English", "en")


def test_many_places_are_all_there(desk, issue):
    for number in range(12):
        make_item(issue, en=f"Number {number}")
    html = shown(desk, issue)
    assert "4 more" in html.words
    assert all(f"Number {number}" in html.words for number in range(12))


def test_the_send_page_has_a_glance_of_it_and_leads_to_the_rest(desk, issue):
    for number in range(5):
        make_item(issue, en=f"Number {number}", sources=[{"url": f"https://new.org/{number}"}])
    html = Page(desk.get(page("issue_send", issue.pk)))
    links = html.links()
    assert [f"Number {number}" in html.words for number in range(5)] == [True, True, True, False, False]
    assert "2 more" in html.words
    assert "5 links have not been checked yet." in html.words
    assert not [link for link in links if "new.org" in link]
    assert {page("issue_problems", issue.pk, code) for code in LANGUAGES} <= set(links)


def test_the_words_of_editors_are_shown_as_words(desk, issue):
    make_item(issue, en="<script>alert(1)</script>", sources=[{"url": 'https://x.org/"><script>'}])
    answer = desk.get(page("issue_problems", issue.pk, "pt"))
    assert "<script>alert" not in answer.content.decode()
    assert '"><script>' not in answer.content.decode()


def test_an_edition_that_has_gone_out_says_so(desk, issue):
    issue.editions.filter(language="pt").update(state=Edition.State.SENT, frozen_at=NOW)
    assert "This edition has gone out." in shown(desk, issue).words
    assert "This edition has gone out." not in shown(desk, issue, "en").words


def test_the_overview_counts_for_each_language_and_leads_there(desk, issue):
    make_texts(issue, "de", subject="")
    make_item(issue, en="Only English")
    html = Page(desk.get(page("issue_problems_of_all", issue.pk)))
    rows = [row.words for row in html.all("tr")[1:]]
    assert rows == [
        "English being written nothing nothing",
        "German being written 1 1",
        *[f"{name} being written nothing 1" for name in ("Dutch", "Spanish", "French", "Italian", "Portuguese")],
    ]
    assert {page("issue_problems", issue.pk, code) for code in LANGUAGES} <= set(html.links())


def test_the_page_of_the_issue_leads_to_the_problems_of_each_edition(desk, issue):
    links = Page(desk.get(page("issue_change", issue.pk))).links()
    assert {page("issue_problems", issue.pk, code) for code in LANGUAGES} <= set(links)


@pytest.mark.parametrize("rows", [1, 3])
def test_both_pages_take_the_same_queries_for_one_item_and_three(desk, rows, django_assert_num_queries):
    issue = make_issue(items=rows, state=Edition.State.READY)
    for item in list(issue.items.all()):
        texts.find(item, "en")
        texts.find(item, "pt")
        make_item(issue, en="Read", sources=[{"url": f"https://news.org/{item.pk}"}])
    Text.objects.filter(language="en").update(significant=2, number=2)
    with django_assert_num_queries(19):
        desk.get(page("issue_problems", issue.pk, "pt"))
    with django_assert_num_queries(18):
        desk.get(page("issue_problems_of_all", issue.pk))


# --- who may see it -------------------------------------------------------------------------------------------------


def test_a_translator_sees_the_languages_of_theirs_and_links_only_to_what_they_may_open(issue, rui):
    item = make_item(issue, en="Only English", sources=[{"url": "https://new.org/"}])
    client = at_the_desk(rui)
    links = shown(client, issue).links()
    assert page("issue_translate", issue.pk, "pt", item.pk) in links
    assert not [link for link in links if "/change/" in link or "/send/" in link]
    assert [link for link in links if "preview" in link] == [page("issue_preview", issue.pk, "pt")]
    assert client.get(page("issue_problems", issue.pk, "de")).status_code == 404
    overview = Page(client.get(page("issue_problems_of_all", issue.pk)))
    assert len(overview.all("tr")) == 2


def test_who_only_sends_sees_all_languages_and_is_led_nowhere_else(issue):
    make_item(issue, en="Only English")
    client = at_the_desk(staff("send_issue"))
    links = shown(client, issue).links()
    assert page("issue_problems", issue.pk, "de") in links
    assert not [link for link in links if "/translate/" in link]


def test_editors_may_see_it_and_strangers_get_404(issue, client):
    assert at_the_desk(boris()).get(page("issue_problems", issue.pk, "de")).status_code == 200
    stranger = at_the_desk(amal())
    for address in (page("issue_problems", issue.pk, "de"), page("issue_problems_of_all", issue.pk)):
        assert stranger.get(address).status_code == 404
        assert client.get(address).status_code == 302
    assert stranger.post(page("issue_problems", issue.pk, "de")).status_code == 404


def test_what_is_not_there_is_404(desk, issue):
    for args in [(issue.pk, "xx"), (4711, "de")]:
        assert desk.get(page("issue_problems", *args)).status_code == 404
    issue.kind = "circular"
    issue.save(update_fields=["kind"])
    assert desk.get(page("issue_problems", issue.pk, "de")).status_code == 404


# --- checking -------------------------------------------------------------------------------------------------------


@pytest.fixture
def rung(monkeypatch):
    heard = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: heard.append(name))
    return heard


def test_looking_changes_nothing_and_asks_nobody(desk, issue, rung, django_capture_on_commit_callbacks):
    make_item(issue, en="Read", sources=[{"url": "https://new.org/"}])
    with django_capture_on_commit_callbacks(execute=True):
        shown(desk, issue)
        desk.get(page("issue_problems_of_all", issue.pk))
    assert (rung, LinkCheck.objects.count(), SenderCheck.objects.count(), Text.objects.count()) == ([], 0, 0, 0)


def test_check_now_has_links_and_sender_checked_in_the_background(
    desk, issue, rung, settings, django_capture_on_commit_callbacks
):
    settings.DEFAULT_FROM_EMAIL, settings.NEWSLETTER_MAIL_DOMAIN = "a@network.org", "network.org"
    make_item(issue, en="Read", sources=[{"url": "https://new.org/"}])
    with time_machine.travel(NOW, tick=False), django_capture_on_commit_callbacks(execute=True):
        answer = desk.post(page("issue_problems", issue.pk, "pt"), follow=True)
    assert answer.redirect_chain == [(page("issue_problems", issue.pk, "pt"), 302)]
    assert said(answer) == ["It is being checked. Load this page again in a minute or two."]
    assert rung == ["newsletter.check_links", "newsletter.check_sender"]
    assert AuditEntry.objects.get(action="issue.check").actor_label == "Carla"

    LinkCheck.objects.update(checked_at=NOW, due_at=None, state="ok", status=200)
    SenderCheck.objects.update(checked_at=NOW, due_at=None, facts=FACTS)
    with time_machine.travel(NOW, tick=False), django_capture_on_commit_callbacks(execute=True):
        answer = desk.post(page("issue_problems", issue.pk, "pt"), follow=True)
    assert said(answer) == ["Everything was checked a few minutes ago."]
    assert len(rung) == 2


def test_the_button_wants_a_token(issue):
    client = at_the_desk(carla())
    client.handler.enforce_csrf_checks = True
    assert client.post(page("issue_problems", issue.pk, "pt")).status_code == 403
    assert contents(issue).editions.count() == 7
