"""The ways between the pages of the desk: no page of an issue is a dead end, and no link leads to a closed door."""

from collections import Counter
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import resolve, reverse
from django.utils import timezone

from newsletter.models import Revision, Text
from newsletter.translation import texts
from tests.html import Page
from tests.newsletter.desk import at_the_desk, page
from tests.newsletter.factories import make_complete_issue, make_item, make_subscriber
from tests.newsletter.roles import boris, dora, ines

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue():
    """An item in three languages, whose English original changed after it was translated."""
    made = make_complete_issue()
    item = make_item(made, en="A boat sank", de="Ein Boot sank", pt="Um barco afundou")
    for language in ("en", "de", "pt", "en"):
        words = texts.stored_words(item, language)
        words["text"] += "<p>More.</p>"
        told = {"state": Text.State.APPROVED, "how": Revision.How.PAGE, "by": None, "now": timezone.now()}
        texts.store(texts.find(item, language), words, **told)
    make_subscriber("reader@example.org")
    return made


def links_of(client: Client, address: str) -> set[str]:
    """Where the links of a page of the desk lead on this site."""
    answer = client.get(address)
    assert answer.status_code == 200, address
    found = {urljoin(address, to).partition("#")[0] for to in Page(answer).links() if to}
    return {to for to in found if not urlsplit(to).netloc}


@pytest.mark.parametrize(("who", "most"), [(ines, 100), (boris, 1), (dora, 1)])
def test_no_link_leads_somebody_to_a_closed_door(issue, who, most):
    """`most`: how many pages of one kind are opened; who writes in one language has few, and each may be forbidden."""
    client, desk, kinds = at_the_desk(who()), reverse("admin:index"), Counter()
    seen, ahead = set(), [desk]
    while ahead:
        address = ahead.pop()
        for to in links_of(client, address):
            door = urlsplit(to).path
            if door in seen or not door.startswith(desk) or kinds[kind := resolve(door).url_name] == most:
                continue
            seen.add(door)
            kinds[kind] += 1
            answer = client.get(to)
            assert answer.status_code in {200, 302}, f"{address} leads to {to}: {answer.status_code}"
            if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
                ahead.append(to)
    assert page("issue_board", issue.pk) in seen


def ways(client: Client, address: str) -> tuple[str, list[str]]:
    """What leads on from a page of an issue, and which of it is the page itself."""
    html = Page(client.get(address))
    here = [tag.words for tag in html.all("a", aria_current="page")]
    return html.one("nav", class_="issue-ways").words, here


def test_each_role_is_shown_its_ways_between_the_pages_of_an_issue(issue):
    board, problems = page("issue_board", issue.pk), page("issue_problems_of_all", issue.pk)
    assert ways(at_the_desk(dora()), board) == (
        "Issue Board Preview Problems Test mails Send Progress Figures",
        ["Board"],
    )
    editor = at_the_desk(boris())
    assert ways(editor, problems) == (
        "Issue Board Preview Problems Files Test mails Progress Figures",
        ["Problems"],
    )
    assert ways(at_the_desk(ines()), problems) == ("Board Problems", ["Problems"])


def test_the_form_of_an_issue_is_one_of_its_pages_and_files_are_those_of_a_translation(issue):
    editor, form = at_the_desk(boris()), page("issue_change", issue.pk)
    assert ways(editor, form) == ("Issue Board Preview Problems Files Test mails Progress Figures", ["Issue"])
    assert page("issue_exchange", issue.pk, "de") in Page(editor.get(form)).links()
    french = Page(editor.get(form.replace("/en/", "/fr/"))).links()
    assert page("issue_exchange", issue.pk, "fr").replace("/en/", "/fr/") in french


@pytest.mark.parametrize("name", ["preview", "problems", "exchange"])
def test_the_other_languages_stand_alike_on_every_page_of_a_language(issue, name):
    html = Page(at_the_desk(boris()).get(page(f"issue_{name}", issue.pk, "pt")))
    tabs = html.one("nav", class_="desk-languages")
    assert tabs["aria-label"] == "Languages"
    assert tabs.words.removeprefix("All languages ") == "English German Dutch Spanish French Italian Portuguese"
    assert [tag.words for tag in html.all("a", aria_current="page")][-1] == "Portuguese"
    assert {page(f"issue_{name}", issue.pk, code) for code in ("en", "de")} <= {
        link.partition("?")[0] for link in html.links()
    }


def test_the_ways_stay_in_the_language_of_the_page(issue):
    html = Page(at_the_desk(ines()).get(page("issue_exchange", issue.pk, "pt")))
    links = html.links()
    for name in ("preview", "problems", "exchange"):
        assert page(f"issue_{name}", issue.pk, "pt") in links
    assert html.one("nav", class_="issue-ways").words == "Board Preview Problems Files"


def test_who_reads_everything_and_translates_one_language_is_led_to_no_other(issue):
    both = ines()
    both.groups.add(*dora().groups.all())
    html = Page(at_the_desk(both).get(page("issue_preview", issue.pk, "de")))
    assert page("issue_exchange", issue.pk, "de") not in html.links()
    assert page("issue_problems", issue.pk, "de") in html.links()


def test_starting_the_next_issue_is_no_page_of_the_last_one(issue):
    assert not Page(at_the_desk(boris()).get(page("issue_next"))).all("nav", class_="issue-ways")


def test_a_volunteer_is_not_told_of_the_senders_domain(issue):
    of_all, of_one = page("issue_problems_of_all", issue.pk), page("issue_problems", issue.pk, "pt")
    volunteer, editor = at_the_desk(ines()), at_the_desk(boris())
    for address in (of_all, of_one):
        assert "The sender, for all languages" not in Page(volunteer.get(address)).words
        assert "The sender, for all languages" in Page(editor.get(address)).words


def test_who_only_sends_is_not_led_to_the_writers_pages(issue):
    item = issue.items.get(translations__title="A boat sank")
    form = f"{page('item_change', item.pk)}?language=pt"
    writers_pages = [page(f"issue_{name}", issue.pk, "pt", item.pk) for name in ("text_history", "translate")]
    of_publisher, of_editor = (set(Page(at_the_desk(who()).get(form)).links()) for who in (dora, boris))
    assert (of_publisher.intersection(writers_pages), of_editor.intersection(writers_pages)) == (
        set(),
        set(writers_pages),
    )
