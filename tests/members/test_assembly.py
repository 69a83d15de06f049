"""The General Assembly: its list by country, and its decisions recorded for many at once."""

import csv
import datetime
import io
from datetime import UTC

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from members import applications, assemblies
from members.assemblies import Decided, Decision
from members.models import Application, Assembly, Category, Kind, Member, Membership
from picum.accounts.models import AuditEntry
from picum.letters.models import Letter
from tests.html import Page
from tests.members.factories import make_application, make_user

pytestmark = pytest.mark.django_db
DAY = datetime.date(2026, 5, 30)
NOW = datetime.datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
RIGHTS = ["members.view_application", "members.assess_application", "members.decide_application"]


@pytest.fixture
def carla():
    return make_user("carla@example.org", staff=True, permissions=RIGHTS)


@pytest.fixture
def desk(carla):
    client = Client()
    client.force_login(carla)
    return client


@pytest.fixture
def assembly():
    return Assembly.objects.create(date=DAY, place="Brussels")


def affiliated() -> Category:
    return Category.objects.get(key="affiliated")


def recommended(name="Casa do Mar", country="PT", carla=None, words="", **fields) -> Application:
    """The board was in favour."""
    application = make_application(name, country=country, category=affiliated(), state="submitted", **fields)
    carla = carla or make_user("carla@example.org", staff=True)
    applications.recommend(application, by=carla, now=NOW - datetime.timedelta(days=50), words=words)
    return application


def page(name: str, assembly: Assembly) -> str:
    with override("en"):
        return reverse(f"admin:members_assembly_{name}", args=[assembly.pk])


def states() -> dict[str, str]:
    return dict(Application.objects.values_list("name", "state"))


# --- the list ---------------------------------------------------------------------------------------------------------


def test_the_list_is_by_country_in_the_order_of_the_reader_s_language(assembly):
    for name, country in [("Nord", "AT"), ("Åsa", "CZ"), ("Zed", "DE"), ("Ábaco", "DE"), ("Casa", "ES")]:
        recommended(name, country)
    told = {
        language: [(land.name, [entry.application.name for entry in land.entries]) for land in lands]
        for language in ("en", "de")
        for lands in [assemblies.by_country(assembly, language)]
    }
    assert told["en"] == [
        ("Austria", ["Nord"]),
        ("Czechia", ["Åsa"]),
        ("Germany", ["Ábaco", "Zed"]),
        ("Spain", ["Casa"]),
    ]
    assert [name for name, _ones in told["de"]] == ["Deutschland", "Österreich", "Spanien", "Tschechien"]


def test_the_list_has_what_waits_and_a_closed_one_what_it_decided(assembly, carla):
    waiting, deferred, decided = recommended("Waits"), recommended("Later"), recommended("Decided")
    make_application("New", state="submitted")
    applications.defer(deferred, by=carla, now=NOW, assembly=assembly)
    applications.refuse(decided, by=carla, now=NOW, assembly=assembly)
    next_year = Assembly.objects.create(date=DAY.replace(year=2027))
    names = {name.date.year: {one.name for one in assemblies.applications_for(name)} for name in (assembly, next_year)}
    assert names == {2026: {"Waits", "Later", "Decided"}, 2027: {"Waits", "Later"}}
    Assembly.objects.filter(pk=assembly.pk).update(closed_at=NOW)
    assembly.refresh_from_db()
    assert {one.name for one in assemblies.applications_for(assembly)} == {"Later", "Decided"}
    assert waiting.state == "recommended"


def test_an_entry_tells_what_referees_and_board_say(assembly):
    application = recommended(words="Known since 2019.")
    application.referees.create(name="Ines", email="i@example.org", answered_at=NOW, supports=True, words="Yes!")
    application.referees.create(name="Paul", email="p@example.org", answered_at=NOW, supports=False, words="No.")
    application.referees.create(name="Zoe", email="z@example.org", asked_at=NOW)
    ((entry,),) = [land.entries for land in assemblies.by_country(assembly, "en")]
    assert (entry.type, entry.board, entry.supporters, entry.asked) == ("Migrants’ rights", "Known since 2019.", 1, 3)
    assert [referee.name for referee in entry.referees] == ["Ines", "Paul"]


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_takes_as_many_queries_for_one_as_for_three(number, desk, assembly, django_assert_num_queries):
    for one in range(number):
        application = recommended(f"Casa {one}", "PT" if one else "ES")
        application.referees.create(name="Ines", email="i@example.org", answered_at=NOW, supports=True)
    desk.get(page("list", assembly))
    with django_assert_num_queries(11):
        answer = desk.get(page("list", assembly))
    assert len(Page(answer).all("article")) == number


@pytest.mark.parametrize(("language", "delimiter"), [("en", ","), ("de", ";")])
def test_the_csv_is_for_a_spreadsheet_of_the_language_and_runs_no_formula(desk, assembly, language, delimiter):
    application = recommended("=HYPERLINK(1)", words="@SUM(1)", answers={"why": "First line.\nSecond; line."})
    application.referees.create(name="Ines", email="i@example.org", answered_at=NOW, supports=True, words="Yes!")
    with override(language):
        answer = desk.get(reverse("admin:members_assembly_csv", args=[assembly.pk]))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="applications-2026-05-30.csv"'
    assert answer.headers["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    text = answer.content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    assert [len(row) for row in rows] == [11, 11]
    row = rows[1]
    assert row[1:4] == ["Portugal", "'=HYPERLINK(1)", "CDM"]
    assert row[7:] == ["First line. Second; line.", "1 / 1", "Ines: Yes!", "'@SUM(1)"]
    line = AuditEntry.objects.get(action="assembly.export")
    assert line.data == {"number": 1}


# --- its decisions ----------------------------------------------------------------------------------------------------


def test_decisions_about_many_are_recorded_at_once(assembly, carla):
    yes, no, later, waits = (recommended(name) for name in ("Yes", "No", "Later", "Waits"))
    Letter.objects.all().delete()
    decided = [
        Decided(yes, Decision.ADMIT, affiliated()),
        Decided(no, Decision.REFUSE, words="Too few votes."),
        Decided(later, Decision.DEFER, words="No quorum."),
    ]
    report = assemblies.record(assembly, decided, by=carla, now=NOW)
    assert (dict(report.done), report.failed) == ({"admit": 1, "refuse": 1, "defer": 1}, [])
    assert states() == {"Yes": "admitted", "No": "refused", "Later": "deferred", "Waits": "recommended"}
    assert set(assembly.applications.all()) == {yes, no, later}
    assert Membership.objects.get().from_on == DAY
    assert no.entries.last().words == "Too few votes."
    kinds = Letter.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == [
        "members.welcome",
        "members.invited",
        "members.application_refused",
        "members.application_deferred",
    ]
    assert Assembly.objects.get().closed_at is None
    assert waits.state == "recommended"


def test_when_all_have_a_decision_the_assembly_is_closed(assembly, carla):
    application = recommended()
    assemblies.record(assembly, [], by=carla, now=NOW)
    assert Assembly.objects.get().closed_at is None
    assemblies.record(assembly, [Decided(application, Decision.REFUSE)], by=carla, now=NOW)
    assert Assembly.objects.get().closed_at == NOW
    assert AuditEntry.objects.filter(action="assembly.close", actor=carla).count() == 1
    with pytest.raises(assemblies.NotNow):
        assemblies.record(assembly, [], by=carla, now=NOW)


def test_what_moved_meanwhile_is_left_and_reported_and_the_rest_is_recorded(assembly, carla):
    gone, stays = recommended("Gone"), recommended("Stays")
    applications.withdraw(Application.objects.get(name="Gone"), now=NOW)
    decided = [Decided(one, Decision.ADMIT, affiliated()) for one in (gone, stays)]
    report = assemblies.record(assembly, decided, by=carla, now=NOW)
    assert states() == {"Gone": "withdrawn", "Stays": "admitted"}
    assert dict(report.done) == {"admit": 1}
    assert report.failed == [(gone, "The application of Gone is now “withdrawn”; it cannot become “admitted”.")]
    assert Member.objects.count() == 1


def test_no_decision_is_recorded_before_the_assembly_has_met(assembly, carla):
    application = recommended()
    eve = datetime.datetime(2026, 5, 29, 21, 59, tzinfo=UTC)  # a minute before midnight in Brussels
    with pytest.raises(assemblies.NotNow):
        assemblies.record(assembly, [Decided(application, Decision.ADMIT, affiliated())], by=carla, now=eve)
    assert states() == {"Casa do Mar": "recommended"}
    minute = datetime.timedelta(minutes=1)
    assemblies.record(assembly, [Decided(application, Decision.ADMIT, affiliated())], by=carla, now=eve + minute)
    assert states() == {"Casa do Mar": "admitted"}


# --- the form ---------------------------------------------------------------------------------------------------------


def filled(*chosen: tuple[Application, str], step="review", **more) -> dict:
    """The form as somebody filled it in."""
    data = {"step": step, "application": [str(one.pk) for one, _decision in chosen]}
    for one, decision in chosen:
        data |= {f"a{one.pk}-decision": decision, f"a{one.pk}-category": "affiliated", f"a{one.pk}-words": ""}
    return data | more


def hidden(answer) -> dict:
    """What the page of review would send."""
    fields: dict[str, list[str]] = {}
    for tag in Page(answer).all("input", type="hidden"):
        fields.setdefault(tag["name"], []).append(tag["value"] or "")
    return fields


def test_nothing_is_recorded_before_somebody_looked_it_over(desk, assembly):
    yes, no = recommended("Yes"), recommended("No")
    looked = desk.post(page("decisions", assembly), filled((yes, "admit"), (no, "refuse")))
    assert [tag.words for tag in Page(looked).all("h2")] == ["Admit: 1", "Refuse: 1"]
    assert states() == {"Yes": "recommended", "No": "recommended"}
    answer = desk.post(page("decisions", assembly), hidden(looked) | {"step": "record"}, follow=True)
    assert states() == {"Yes": "admitted", "No": "refused"}
    told = [str(message) for message in answer.context["messages"]]
    assert told == [
        "1 applicant was admitted.",
        "1 application was refused.",
        "All decisions of this General Assembly are recorded.",
    ]


def test_one_press_admits_all_about_whom_nothing_else_was_chosen(desk, assembly):
    first, second, no = recommended("First"), recommended("Second"), recommended("No")
    looked = desk.post(page("decisions", assembly), filled((first, ""), (second, ""), (no, "refuse"), step="all"))
    assert [tag.words for tag in Page(looked).all("h2")] == ["Admit: 2", "Refuse: 1"]
    desk.post(page("decisions", assembly), hidden(looked) | {"step": "record"})
    assert states() == {"First": "admitted", "Second": "admitted", "No": "refused"}


def test_whoever_looks_it_over_can_go_back_and_finds_what_they_chose(desk, assembly):
    no = recommended("No")
    words = {f"a{no.pk}-words": "Two lines:\nhere."}
    looked = desk.post(page("decisions", assembly), filled((no, "refuse"), **words))
    again = Page(desk.post(page("decisions", assembly), hidden(looked) | {"step": "edit"}))
    assert [tag["value"] for tag in again.all("input", type="radio") if "checked" in tag.attributes] == ["refuse"]
    assert again.one("textarea").words == "Two lines: here."
    assert states() == {"No": "recommended"}


def test_a_form_without_a_decision_says_so(desk, assembly):
    answer = desk.post(page("decisions", assembly), filled((recommended(), "")))
    assert Page(answer).one("p", role="alert").words == "No decision is chosen yet."


def test_the_category_can_be_set_for_each_row(desk, assembly):
    platform = Category.objects.create(key="platform", for_whom=Kind.ORGANISATION)
    yes = recommended("Yes")
    none = desk.post(page("decisions", assembly), filled((yes, "admit"), **{f"a{yes.pk}-category": ""}))
    assert "Please choose a category." in Page(none).one("main").words
    foreign = desk.post(page("decisions", assembly), filled((yes, "admit"), **{f"a{yes.pk}-category": "ordinary"}))
    assert foreign.context["forms"].rows[0].errors
    desk.post(page("decisions", assembly), filled((yes, "admit"), step="record", **{f"a{yes.pk}-category": "platform"}))
    assert Membership.objects.get().category == platform


def test_what_moved_between_the_look_and_the_press_is_told(desk, assembly):
    gone, stays = recommended("Gone"), recommended("Stays")
    looked = desk.post(page("decisions", assembly), filled((gone, "admit"), (stays, "admit")))
    applications.withdraw(gone, now=timezone.now())
    answer = desk.post(page("decisions", assembly), hidden(looked) | {"step": "record"}, follow=True)
    assert states() == {"Gone": "withdrawn", "Stays": "admitted"}
    told = [str(message) for message in answer.context["messages"]]
    assert told == [
        "1 applicant was admitted.",
        "The application of Gone is now “withdrawn”; it cannot become “admitted”.",
        "All decisions of this General Assembly are recorded.",
    ]


def test_the_form_opens_on_the_day_of_the_assembly_and_not_when_it_is_closed(desk):
    tomorrow = Assembly.objects.create(date=timezone.localdate() + datetime.timedelta(days=1))
    closed = Assembly.objects.create(date=DAY, closed_at=NOW)
    application = recommended()
    for one in (tomorrow, closed):
        for answer in (
            desk.get(page("decisions", one)),
            desk.post(page("decisions", one), filled((application, "admit"), step="record")),
        ):
            assert (answer.status_code, answer.headers["Location"]) == (302, page("list", one))
    assert states() == {"Casa do Mar": "recommended"}


@pytest.mark.parametrize("numbers", [["x"], ["9" * 30], ["٣"], ["-1"], ["99999"]])
def test_numbers_that_are_none_are_passed_over(desk, assembly, numbers):
    recommended()
    answer = desk.post(page("decisions", assembly), {"step": "record", "application": numbers})
    assert (answer.status_code, states()) == (200, {"Casa do Mar": "recommended"})


@pytest.mark.parametrize("number", [1, 3])
def test_the_form_takes_as_many_queries_for_one_as_for_three(number, desk, assembly, django_assert_num_queries):
    ones = [recommended(f"Casa {one}") for one in range(number)]
    desk.get(page("decisions", assembly))
    with django_assert_num_queries(8):
        desk.get(page("decisions", assembly))
    with django_assert_num_queries(8):
        desk.post(page("decisions", assembly), filled(*((one, "admit") for one in ones)))


def test_the_deferred_come_on_the_list_by_one_press(desk, assembly, carla):
    for name in ("One", "Two"):
        applications.defer(recommended(name), by=carla, now=NOW)
    assert desk.get(page("deferred", assembly)).status_code == 405
    assert set(states().values()) == {"deferred"}
    answer = desk.post(page("deferred", assembly), follow=True)
    assert [str(message) for message in answer.context["messages"]] == ["2 applications are on the list once more."]
    assert set(states().values()) == {"recommended"}
