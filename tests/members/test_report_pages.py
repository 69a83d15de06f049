"""The pages on which a member's people send field reports and see what became of them."""

import datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_countries import countries as known_countries

from members import reports
from members.models import FieldReport, Kind
from newsletter.models import Item
from tests.html import Page
from tests.members.factories import Role, make_contact, make_member, make_user
from tests.members.reporting import NOW, TEXT, TITLE, make_report, october
from tests.newsletter.test_archive import publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def member():
    return make_member("Rua Aberta")


@pytest.fixture
def amal(member, client):
    contact = make_contact(member, "amal@example.org", Role.COMMUNICATIONS, language="pt")
    client.force_login(contact.user)
    return contact


def at(name, member, *more) -> str:
    return reverse(f"members:{name}", args=[member.handle, *more])


def of(name, report) -> str:
    return at(name, report.member, report.handle)


def written(page: Page, **changed) -> dict[str, object]:
    """The form as somebody fills it in."""
    fields = {"title": TITLE, "text": TEXT, "language": "pt", "countries": ["PT", "ES"], "rights": ["education"]}
    return {"handle": page.one("input", name="handle")["value"], **fields, **changed}


def send(client, member, **changed):
    address = at("report_new", member)
    return client.post(address, written(Page(client.get(address)), **changed))


# --- sending --------------------------------------------------------------------------------------------------------


def test_amal_sends_a_report_and_finds_it_in_her_list(amal, member, client):
    day = timezone.localdate() + datetime.timedelta(days=30)
    answer = send(client, member, may_publish="on", anonymous="on", areas=["monitoring"], embargo_until=day.isoformat())
    report = FieldReport.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, of("report", report))
    assert (report.contact, report.language, report.title, report.text) == (amal, "pt", TITLE, TEXT)
    assert (report.may_publish, report.anonymous, report.embargo_until) == (True, True, day)
    assert [country.code for country in report.countries] == ["ES", "PT"]
    page = Page(client.get(at("reports", member)))
    assert page.one("a", href=of("report", report)).words == TITLE
    assert "We have it, and will answer." in page.words


def test_the_form_begins_with_what_is_known_and_without_consent(amal, member, client):
    page = Page(client.get(at("report_new", member)))
    ticked = [(tag["name"], tag["value"]) for tag in page.all("input", type="checkbox") if "checked" in tag.attributes]
    assert ticked == [("countries", "PT")]
    countries = [tag["value"] for tag in page.all("input", name="countries")]
    assert countries[0] == "PT"
    assert set(countries) == {country.code for country in known_countries}
    assert len(countries) == len(known_countries)
    assert [tag["value"] for tag in page.all("option") if "selected" in tag.attributes] == ["pt"]
    assert page.one("textarea", name="text")["lang"] == "pt"
    assert page.one("input", name="embargo_until")["min"] == timezone.localdate().isoformat()


def test_the_same_form_sent_twice_is_one_report(amal, member, client):
    fields = written(Page(client.get(at("report_new", member))))
    places = [client.post(at("report_new", member), fields)["Location"] for _time in range(2)]
    assert places == [of("report", FieldReport.objects.get())] * 2


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"title": ""}, "title"),
        ({"text": ""}, "text"),
        ({"text": "x" * 6001}, "text"),
        ({"language": "ru"}, "language"),
        ({"countries": ["XX"]}, "countries"),
        ({"embargo_until": "2020-01-01"}, "embargo_until"),
        ({"embargo_until": "2099-01-01"}, "embargo_until"),
        ({"embargo_until": "soon"}, "embargo_until"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_lost(changed, wrong, amal, member, client):
    answer = send(client, member, **{"may_publish": "on", "anonymous": "on"} | changed)
    page = Page(answer)
    assert (answer.status_code, FieldReport.objects.count()) == (200, 0)
    assert list(answer.context["form"].errors) == [wrong]
    if wrong not in {"countries"}:
        assert page.all("input", name="countries", value="ES")[0].attributes.keys() >= {"checked"}
    ticked = {tag["name"] for tag in page.all("input", type="checkbox") if "checked" in tag.attributes}
    assert {"may_publish", "anonymous", "rights"} <= ticked
    if wrong != "title":
        assert page.one("input", name="title")["value"] == TITLE
    if wrong != "text":
        assert page.one("textarea", name="text").words == " ".join(TEXT.split())
    assert page.one("title").words.startswith("Please look again")


def test_a_text_of_6000_letters_with_ends_of_line_as_browsers_send_them_fits(amal, member, client):
    text = "a" * 2999 + "\r\n" + "b" * 3000
    assert send(client, member, text=text).status_code == 302
    assert len(FieldReport.objects.get().text) == 6000


def test_a_person_who_is_a_member_finds_the_same_pages(client):
    nadia = make_contact(make_member("Nadia Bensalem", kind=Kind.PERSON), "nadia@example.org")
    client.force_login(nadia.user)
    assert send(client, nadia.member).status_code == 302


# --- what became of it ----------------------------------------------------------------------------------------------


def test_amal_answers_what_the_desk_asked(amal, member, client):
    report = make_report(member, contact=amal)
    reports.ask(report, "Which town?", by=make_user("carla@example.org"), now=NOW)
    page = Page(client.get(of("report", report)))
    assert "Which town?" in page.words
    assert "Carla" not in page.words
    assert client.post(of("report", report), {"words": " "}).context["form"].errors.keys() == {"words"}
    client.post(of("report", report), {"words": "Setúbal."})
    report.refresh_from_db()
    assert (report.state, report.entries.last().words, report.entries.last().from_member) == ("sent", "Setúbal.", True)
    late = client.post(of("report", report), {"words": "And Lisbon."})
    assert (late.status_code, "cannot become" in Page(late).words) == (200, True)
    assert Page(late).one("textarea").words == "And Lisbon."


def test_amal_agrees_later_and_may_change_her_mind(amal, member, client):
    report = make_report(member, contact=amal, may_publish=False)
    assert "You have not agreed that we publish it." in Page(client.get(of("report", report))).words
    for said, stored in (("yes", True), ("no", False), ("perhaps", False), ("yes", True)):
        answer = client.post(of("report_consent", report), {"may_publish": said})
        report.refresh_from_db()
        assert (answer["Location"], report.may_publish) == (of("report", report), stored)
    assert list(report.entries.values_list("may_publish", flat=True)) == [True, False, True]


def test_amal_sees_the_issue_then_the_published_item_in_her_language(amal, member, client):
    report, issue = make_report(member, contact=amal), october()
    number = reports.take(
        report, issue=issue.pk, section="borders", title="Sem escola", text=TEXT, by=make_user("carla@a.eu"), now=NOW
    )
    for address in (at("reports", member), of("report", report)):
        assert "Taken into the newsletter, October 2026; not published yet." in Page(client.get(address)).words
    Item.objects.get(pk=number).translations.create(language_code="en", title="No school", text="<p>Three.</p>")
    publish(issue, "en", "pt")
    for address in (at("reports", member), of("report", report)):
        page = Page(client.get(address))
        link = page.one("a", href=f"/en/newsletter/items/{number}/")
        assert (link.words, link["hreflang"]) == ("No school", "en")
    assert of("report_withdraw", report) not in page.links()
    assert "please write to us" in page.words
    Item.objects.filter(pk=number).delete()
    assert "it is no longer in an issue" in Page(client.get(of("report", report))).words


def test_amal_reads_why_it_was_declined(amal, member, client):
    report = make_report(member, contact=amal)
    reports.decline(report, "We wrote about it in May.", by=make_user("carla@example.org"), now=NOW)
    words = Page(client.get(of("report", report))).words
    assert ("Not taken." in words, "We wrote about it in May." in words) == (True, True)
    assert of("report_withdraw", report) not in Page(client.get(of("report", report))).links()


def test_amal_takes_a_report_back(amal, member, client):
    report = make_report(member, contact=amal)
    asks = client.get(of("report_withdraw", report))
    assert (asks.status_code, FieldReport.objects.get().state) == (200, "sent")
    client.post(of("report_withdraw", report))
    assert FieldReport.objects.get().state == "withdrawn"
    again = client.post(of("report_withdraw", report), follow=True)
    assert "it cannot become “withdrawn”" in Page(again).words
    assert "cannot be taken back here any more" in Page(client.get(of("report_withdraw", report))).words


def test_what_is_published_is_not_taken_back_by_a_post_either(amal, member, client):
    report, issue = make_report(member, contact=amal), october()
    carla = make_user("carla@example.org")
    reports.take(report, issue=issue.pk, section="borders", title=TITLE, text=TEXT, by=carla, now=NOW)
    publish(issue, "de")
    answer = client.post(of("report_withdraw", report), follow=True)
    assert "It has been published. Please write to us about it." in Page(answer).words
    assert FieldReport.objects.get().state == "taken"


# --- whose it is ----------------------------------------------------------------------------------------------------


PAGES = ["report", "report_withdraw", "report_consent"]


@pytest.mark.parametrize(
    ("roles", "status"),
    [([Role.CONTACT], 200), ([Role.COMMUNICATIONS], 200), ([Role.NEWSLETTER], 200), ([Role.TREASURER], 404)],
)
def test_the_roles_that_may_write_reports(roles, status, member, client):
    report = make_report(member)
    client.force_login(make_contact(member, "amal@example.org", *roles).user)
    addresses = [at("reports", member), at("report_new", member), of("report", report), of("report_withdraw", report)]
    assert [client.get(address).status_code for address in addresses] == [status] * 4
    assert ("Field reports" in client.get(at("reports", member)).content.decode()) == (status == 200)


def test_a_stranger_and_another_member_and_who_has_left_get_404(member, client):
    report = make_report(member)
    boris = make_contact(make_member("Casa do Mar"), "boris@example.org")
    gone = make_contact(member, "gone@example.org", left_on=NOW.date())
    mine = at("report", boris.member, report.handle)  # another member's report below one's own address
    for person in (None, boris.user, gone.user, make_user("carla@example.org", staff=True, is_superuser=True)):
        browser = Client()
        if person:
            browser.force_login(person)
        addresses = [at("reports", member), at("report_new", member), mine, *(of(name, report) for name in PAGES)]
        assert [browser.get(address).status_code for address in addresses] == [404] * 6
        assert [browser.post(address, {"may_publish": "no"}).status_code for address in addresses] == [404] * 6
    report.refresh_from_db()
    assert (report.may_publish, report.state) == (True, "sent")


def test_a_former_member_sends_none_and_the_desk_keeps_what_it_sent(amal, member, client):
    report = make_report(member, contact=amal)
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    member.memberships.update(until_on=yesterday, ended_why="withdrawn", ended_by="member", ended_on=yesterday)
    addresses = [at("reports", member), at("report_new", member), of("report", report)]
    assert [client.get(address).status_code for address in addresses] == [404] * 3
    assert list(FieldReport.objects.all()) == [report]


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_takes_the_same_queries_for_one_and_for_three(number, amal, member, client, django_assert_num_queries):
    issue, carla = october(), make_user("carla@example.org")
    for _time in range(number):
        report = make_report(member, contact=amal)
        reports.take(report, issue=issue.pk, section="borders", title=TITLE, text=TEXT, by=carla, now=NOW)
    publish(issue, "pt")
    with django_assert_num_queries(10):
        page = Page(client.get(at("reports", member)))
    assert len(page.one("ul", class_="persons").words) > 0
