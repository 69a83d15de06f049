"""Field reports on the desk: what waits, reading one, and the three things to do about it."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from members.models import FieldReport
from newsletter.models import Item
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.members.factories import make_contact, make_member, make_user
from tests.members.reporting import NOW, TEXT, TITLE, in_portuguese, make_report, october
from tests.newsletter.factories import make_issue
from tests.newsletter.test_archive import publish

pytestmark = pytest.mark.django_db
TRIAGE = ["members.view_fieldreport", "members.change_fieldreport"]
ITEMS = ["newsletter.add_item", "newsletter.change_item"]
LIST = "admin:members_fieldreport_changelist"


@pytest.fixture
def carla(client):
    """The secretariat, signed in."""
    person = make_user("carla@example.org", staff=True, permissions=TRIAGE + ITEMS)
    client.force_login(person)
    return person


@pytest.fixture
def member():
    member = make_member("Rua Aberta", acronym="RAB", city="Lisboa")
    make_contact(member, "amal@example.org")
    return member


def report_of(member, **fields) -> FieldReport:
    return make_report(member, contact=member.contacts.first(), **fields)


def page_of(report) -> str:
    return reverse("admin:members_fieldreport_change", args=[report.pk])


def deed(name, report) -> str:
    return reverse(f"admin:members_report_{name}", args=[report.pk])


def said(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def rows(response) -> list[str]:
    return [str(row) for row in response.context["cl"].result_list]


def where(issue, **words) -> dict[str, object]:
    """The form of taking, filled in."""
    return {"state": "sent", "issue": issue.pk, "section": "borders", "title": TITLE, "text": TEXT} | words


# --- the list -------------------------------------------------------------------------------------------------------


def test_what_waits_for_the_desk_comes_first_the_longest_before(carla, member, client):
    for title, state, days in [
        ("asked", "asked", 9),
        ("new", "sent", 1),
        ("gone", "declined", 3),
        ("old", "sent", 5),
        ("back", "withdrawn", 2),
    ]:
        report_of(member, title=title, state=state, state_since=NOW - datetime.timedelta(days=days))
    assert rows(client.get(reverse(LIST))) == ["old", "new", "asked"]
    assert rows(client.get(reverse(LIST), {"state": "all"})) == ["old", "new", "asked", "back", "gone"]
    assert rows(client.get(reverse(LIST), {"state": "declined"})) == ["gone"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["lisbon", "malaga", "berlin"]),
        ({"country": "ES"}, ["malaga"]),
        ({"country": "PT"}, ["lisbon", "malaga"]),
        ({"areas__key": "advocacy"}, ["lisbon"]),
        ({"language": "de"}, ["berlin"]),
        ({"q": "lisb"}, ["lisbon"]),
        ({"q": "Rua"}, ["lisbon", "malaga", "berlin"]),
        ({"country": "'; --"}, ["lisbon", "malaga", "berlin"]),
    ],
)
def test_the_list_is_narrowed(asked, found, carla, member, client):
    report_of(member, title="lisbon", areas=["advocacy"])
    report_of(
        member, title="malaga", countries=["ES", "PT"], areas=["monitoring"], state_since=NOW + datetime.timedelta(1)
    )
    report_of(member, title="berlin", countries=[], language="de", state_since=NOW + datetime.timedelta(2))
    assert rows(client.get(reverse(LIST), asked)) == found


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_takes_the_same_queries_for_one_and_for_three(
    number, carla, member, client, django_assert_num_queries
):
    for _time in range(number):
        report_of(member, areas=["advocacy"])
    with django_assert_num_queries(9):
        page = client.get(reverse(LIST))
    assert (page.status_code, len(rows(page))) == (200, number)


# --- reading --------------------------------------------------------------------------------------------------------


def test_carla_reads_a_report_with_all_that_belongs_to_it(carla, member, client):
    report = report_of(member, may_publish=False, anonymous=True, areas=["monitoring"], countries=["PT", "ES"])
    page = Page(client.get(page_of(report)))
    words = page.one("div", id="content").words
    for told in ("Três crianças", "Rua Aberta", "Amal", "Portugal, Spain", "Monitoring and reporting", "Portuguese"):
        assert told in words
    assert ("May not be published." in words, "Name neither place nor person." in words) == (True, True)
    assert [deed(name, report) in page.links() for name in ("ask", "take", "decline")] == [True] * 3
    assert not [link for link in page.links() if "/member/" in link]  # which Carla may not open


@pytest.mark.parametrize("state", ["declined", "withdrawn"])
def test_what_is_decided_has_no_buttons(state, carla, member, client):
    report = report_of(member, state=state)
    links = Page(client.get(page_of(report))).links()
    assert [deed(name, report) in links for name in ("ask", "take", "decline")] == [False] * 3


@pytest.mark.parametrize("pk", ["999", "x", "９", "9" * 30])
def test_what_is_not_there_is_404(pk, carla, client):
    assert client.get(reverse("admin:members_fieldreport_changelist") + f"{pk}/change/").status_code == 404


# --- asking and declining -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "state"), [("ask", "asked"), ("decline", "declined")])
def test_carla_asks_back_or_declines_with_a_word(name, state, carla, member, client):
    report = report_of(member)
    asked = Page(client.get(deed(name, report)))
    assert (asked.one("textarea").words, FieldReport.objects.get().state) == ("", "sent")
    empty = client.post(deed(name, report), {"state": "sent", "words": " "})
    assert (empty.status_code, FieldReport.objects.get().state) == (200, "sent")
    answer = client.post(deed(name, report), {"state": "sent", "words": "Since when?"})
    assert answer["Location"] == page_of(report)
    report.refresh_from_db()
    assert (report.state, report.entries.get().words) == (state, "Since when?")
    assert AuditEntry.objects.filter(action=f"report.{state}", actor=carla).count() == 1


def test_where_consent_is_missing_the_question_asks_for_it_in_the_authors_language(carla, member, client):
    member.contacts.update(language="en")
    report = report_of(member, may_publish=False)
    words = Page(client.get(deed("ask", report))).one("textarea").words
    assert words.startswith("We would like to take your report into the newsletter, but you have not agreed")


def test_who_saw_an_earlier_state_is_told(carla, member, client):
    report = report_of(member, state="withdrawn")
    for name in ("ask", "decline"):
        answer = client.post(deed(name, report), {"state": "sent", "words": "Hm."}, follow=True)
        assert "is now “withdrawn”" in said(answer)[0]
    answer = client.post(deed("take", report), where(october()))
    assert "is now “withdrawn”" in answer.context["form"].errors["__all__"][0]
    assert FieldReport.objects.get().state == "withdrawn"


# --- taking ---------------------------------------------------------------------------------------------------------


def test_carla_takes_a_report_into_an_issue_as_she_has_seen_it(carla, member, client):
    report, issue = report_of(member, countries=["PT", "ES"], rights=["education"]), october()
    page = Page(client.get(deed("take", report)))
    card = page.one("article").words
    assert card == (
        f"ESPANHA, PORTUGAL {TITLE} Três crianças foram recusadas.A escola pediu um documento. "
        f"Rua Aberta, «{in_portuguese('Field report')}», 4 de maio de 2026"
    )
    assert (page.one("textarea").words, page.one("input", name="title")["value"]) == (" ".join(TEXT.split()), TITLE)
    look = client.post(deed("take", report), where(issue, title="Sem escola", look="1"))
    assert (Page(look).one("article").words.split(" ")[2:4], Item.objects.count()) == (["Sem", "escola"], 1)
    answer = client.post(deed("take", report), where(issue, title="Sem escola"))
    report.refresh_from_db()
    assert (answer["Location"], report.state) == (page_of(report), "taken")
    item = Item.objects.get(pk=report.item_number)
    assert (item.issue, item.section.key, item.translations.get().title) == (issue, "borders", "Sem escola")
    page = Page(client.get(page_of(report)))
    assert reverse("admin:newsletter_item_change", args=[item.pk]) in page.links()
    assert "Taken into the issue October 2026, not published yet." in page.one("div", id="content").words
    publish(issue, "pt")
    assert f"/pt/newsletter/items/{item.pk}/" in Page(client.get(page_of(report))).links()
    item.delete()
    assert "its item is not there any more" in client.get(page_of(report)).content.decode()


def test_the_preview_of_a_silent_report_names_nobody_and_words_that_do_are_refused(carla, member, client):
    report, issue = (
        report_of(member, anonymous=True, text="Em Lisboa, a RAB conta.\n\nTrês foram recusadas."),
        october(),
    )
    page = Page(client.get(deed("take", report)))
    assert page.one("article").words.endswith(
        f"{in_portuguese('A member of the network')}, «{in_portuguese('Field report')}»"
    )
    assert not page.one("article").words.startswith("PORTUGAL")
    assert "Still named: Lisboa, RAB" in page.one("div", id="content").words
    answer = client.post(deed("take", report), where(issue, text=report.text))
    assert "Please take out: Lisboa, RAB." in answer.context["form"].errors["__all__"][0]
    assert Page(answer).one("textarea").words == "Em Lisboa, a RAB conta. Três foram recusadas."
    client.post(deed("take", report), where(issue, text="Três foram recusadas."))
    assert FieldReport.objects.get().state == "taken"


def test_without_consent_the_desk_says_so_and_can_ask_for_it(carla, member, client):
    report = report_of(member, may_publish=False)
    page = Page(client.get(deed("take", report)))
    assert deed("ask", report) in page.links()
    answer = client.post(deed("take", report), where(october()))
    assert "has not agreed" in answer.context["form"].errors["__all__"][0]
    assert FieldReport.objects.get().state == "sent"


def test_an_embargo_goes_along(carla, member, client):
    day = timezone.localdate() + datetime.timedelta(days=9)
    report = report_of(member, embargo_until=day)
    assert "No edition goes out with it before" in Page(client.get(deed("take", report))).one("div", id="content").words
    client.post(deed("take", report), where(october()))
    report.refresh_from_db()
    assert Item.objects.get(pk=report.item_number).not_before == day


def test_only_open_issues_can_be_chosen(carla, member, client):
    report, done = report_of(member), make_issue("done", state="ready")
    done.editions.update(state="sent", frozen_at=NOW)
    answer = client.post(deed("take", report), where(done))
    assert list(answer.context["form"].errors) == ["issue"]


# --- who may --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permissions", "codes"),
    [
        ([], [403, 403, 403, 403, 403]),
        (TRIAGE[:1], [200, 200, 403, 403, 403]),
        (TRIAGE, [200, 200, 200, 200, 403]),
        ([*TRIAGE, ITEMS[0]], [200, 200, 200, 200, 403]),
        ([*TRIAGE, *ITEMS], [200, 200, 200, 200, 200]),
        (ITEMS, [403, 403, 403, 403, 403]),
    ],
)
def test_who_may_read_triage_and_take(permissions, codes, member, client):
    client.force_login(make_user("tariq@example.org", staff=True, permissions=permissions))
    report, issue = report_of(member), october()
    addresses = [reverse(LIST), page_of(report), *(deed(name, report) for name in ("ask", "decline", "take"))]
    assert [client.get(address).status_code for address in addresses] == codes
    links = Page(client.get(page_of(report))).links() if codes[1] == 200 else []
    offered = [deed(name, report) in links for name in ("ask", "decline", "take")]
    assert offered == [code == 200 for code in codes[2:]]
    for name, code in zip(("ask", "decline", "take"), codes[2:], strict=True):
        if code == 403:
            assert client.post(deed(name, report), where(issue, words="Hm.")).status_code == 403
    assert FieldReport.objects.get().state == "sent"


def test_who_does_not_work_here_is_shown_the_way_in(member, client):
    client.force_login(member.contacts.get().user)
    assert client.get(page_of(report_of(member))).status_code == 302
