"""The secretariat's queue of applications, the page of each, and what staff may do there."""

import datetime

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from members import shelf, waiting
from members.models import Application, Assembly, Category, Kind, Paper
from picum.accounts.models import AuditEntry
from picum.letters.models import Letter
from tests.html import Page
from tests.members.factories import make_application, make_contact, make_member, make_user

pytestmark = pytest.mark.django_db
VIEW, ASSESS, DECIDE = (f"members.{right}_application" for right in ("view", "assess", "decide"))


def ago(days: int) -> datetime.datetime:
    return timezone.now() - datetime.timedelta(days=days)


def browser(person) -> Client:
    client = Client()
    if person.is_authenticated:
        client.force_login(person)
    return client


@pytest.fixture
def carla():
    return make_user("carla@example.org", staff=True, permissions=[VIEW, ASSESS, DECIDE])


@pytest.fixture
def desk(carla):
    return browser(carla)


def page(name: str, *args) -> str:
    with override("en"):
        return reverse(f"admin:members_{name}", args=args)


LIST = "/en/desk/members/application/"


def waits(name, state="submitted", days=3, **fields) -> Application:
    return make_application(name, state=state, state_since=ago(days), submitted_at=ago(days), **fields)


def queue(answer) -> list[tuple[str, str]]:
    """Name, and what it waits for, as the list shows them."""
    listed = Page(answer)
    names = [tag.words for tag in listed.all("th", class_="field-title")]
    return list(zip(names, [tag.words for tag in listed.all("td", class_="field-waits_for")], strict=True))


# --- the queue --------------------------------------------------------------------------------------------------------


def test_the_queue_shows_what_waits_for_whom_since_when_the_longest_first(desk):
    waits("New", days=0)
    waits("Complete", days=20, complete_at=ago(1))
    waits("Asked", "asked", 12)
    waits("Recommended", "recommended", 80)
    waits("Deferred", "deferred", 200)
    silent = waits("Silent", days=5)
    silent.referees.create(name="Ines", email="i@example.org", asked_at=ago(5), answered_at=ago(2), supports=True)
    silent.referees.create(name="Paul", email="p@example.org", asked_at=ago(4))
    for state in ("declined", "refused", "withdrawn"):
        waits(state.title(), state, 300)
    make_application("Draft", state="draft")
    assert queue(desk.get(LIST)) == [
        ("Deferred", "General Assembly: 200 days"),
        ("Recommended", "General Assembly: 80 days"),
        ("Asked", "applicant: 12 days"),
        ("Silent", "secretariat: 5 days1 of 2 referees: 4 days"),
        ("Complete", "board: 1 day"),
        ("New", "secretariat: today"),
    ]


@pytest.mark.parametrize(
    ("whom", "names"),
    [
        ("secretariat", ["Silent", "New"]),
        ("applicant", ["Asked"]),
        ("referees", ["Silent"]),
        ("board", ["Complete"]),
        ("assembly", ["Deferred", "Recommended"]),
        ("nobody", ["Deferred", "Recommended", "Asked", "Silent", "Complete", "New"]),  # no such filter
    ],
)
def test_the_queue_can_be_narrowed_and_counts_what_waits_for_whom(desk, whom, names):
    test_the_queue_shows_what_waits_for_whom_since_when_the_longest_first(desk)
    answer = desk.get(f"{LIST}?whom={whom}")
    assert [name for name, _words in queue(answer)] == names
    told = {who: number for who, number, _here in answer.context["queue"]}
    assert told == {"secretariat": 2, "applicant": 1, "referees": 1, "board": 1, "assembly": 2}


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ("state=declined", ["No"]),
        ("state=all", ["No", "Old", "Person"]),
        ("state=draft", ["Old", "Person"]),  # no such filter
        ("country=AT", ["Old"]),
        ("category__key=ordinary", ["Person"]),
        ("q=ers", ["Person"]),
    ],
)
def test_the_queue_is_filtered_by_state_country_category_and_name(desk, filters, names):
    waits("Old", days=9, country="AT")
    waits("Person", days=3, kind=Kind.PERSON, category=Category.objects.get(key="ordinary"))
    waits("No", "declined", 99)
    make_application("Draft", state="draft")
    make_application("Never sent", state="withdrawn", submitted_at=None)
    assert [name for name, _words in queue(desk.get(f"{LIST}?{filters}"))] == names


@pytest.mark.parametrize("number", [1, 3])
def test_the_queue_takes_as_many_queries_for_one_as_for_three(number, desk, django_assert_num_queries):
    for one in range(number):
        waits(f"Casa {one}", category=Category.objects.get(key="affiliated")).referees.create(
            name="Ines", email="i@example.org", asked_at=ago(1)
        )
    desk.get(LIST)
    with django_assert_num_queries(12):
        answer = desk.get(LIST)
    assert len(queue(answer)) == number


# --- one of them ------------------------------------------------------------------------------------------------------


def full(state="submitted") -> Application:
    application = waits("Casa do Mar", state, category=Category.objects.get(key="affiliated"))
    application.referees.create(name="Ines", email="i@example.org", answered_at=ago(1), supports=True, words="Gladly.")
    application.entries.create(kind="note", words="<b>They called.</b>", by_label="Carla", at=ago(1))
    paper(application)
    return application


def paper(application: Application, content=b"%PDF-1.4 words %%EOF") -> Paper:
    name = shelf.keep(content, "application/pdf")
    kinds = {"kind": "statutes", "content_type": "application/pdf", "size": len(content)}
    return application.papers.create(name="Estatutos.pdf", file=name, **kinds)


def test_the_page_tells_all_that_is_known(desk):
    application = full()
    told = Page(desk.get(page("application_change", application.pk)))
    words = told.one("main").words
    for part in ("Casa do Mar", "Queremos trabalhar em rede.", "Migrants’ rights", "Portugal", "Tiago Conta"):
        assert part in words
    assert "Supports the application" in words
    assert [tag.words for tag in told.all("blockquote")] == ["Gladly.", "<b>They called.</b>"]
    assert [tag.words for tag in told.all("a") if "download" in tag.attributes] == ["Estatutos.pdf"]


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_takes_as_many_queries_for_one_as_for_three(number, desk, django_assert_num_queries):
    application = waits("Casa do Mar")
    for one in range(number):
        application.referees.create(name=f"Ines {one}", email="i@example.org", asked_at=ago(1))
        application.entries.create(kind="note", words="They called.", by_label="Carla")
        paper(application)
    desk.get(page("application_change", application.pk))
    with django_assert_num_queries(15):
        desk.get(page("application_change", application.pk))


def test_a_paper_is_a_download_and_nothing_else(desk):
    row = paper(full())
    answer = desk.get(page("application_paper", row.application_id, row.handle))
    assert b"".join(answer.streaming_content) == b"%PDF-1.4 words %%EOF"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Estatutos.pdf"'
    assert "no-store" in answer.headers["Cache-Control"]
    other = waits("Other")
    assert desk.get(page("application_paper", other.pk, row.handle)).status_code == 404


@pytest.mark.parametrize("number", ["0", "99999", "x", "٣", "9" * 30])
def test_what_is_not_there_is_404(desk, number):
    assert desk.get(f"{LIST}{number}/change/").status_code == 404


def test_drafts_are_not_for_the_desk(desk):
    draft = make_application(state="draft")
    hidden = paper(draft)
    for address in (
        page("application_change", draft.pk),
        page("application_paper", draft.pk, hidden.handle),
        page("application_deed", draft.pk, "note"),
    ):
        assert desk.get(address).status_code == 404


# --- what is done -----------------------------------------------------------------------------------------------------

DEEDS = {  # from the state, with what is asked, to the state
    "ask": ("submitted", {"words": "Since when?"}, "asked"),
    "complete": ("submitted", {}, "submitted"),
    "recommend": ("submitted", {"words": ""}, "recommended"),
    "decline": ("submitted", {"words": "Not in Europe."}, "declined"),
    "defer": ("recommended", {"words": ""}, "deferred"),
    "category": ("submitted", {"category": "affiliated"}, "submitted"),
    "note": ("submitted", {"words": "They called."}, "submitted"),
}
NEEDED = dict.fromkeys(DEEDS, ASSESS) | {"defer": DECIDE}


def asked(deed: str) -> dict:
    state, fields, _after = DEEDS[deed]
    if "category" in fields:
        fields = {"category": Category.objects.get(key="affiliated").pk}
    return fields | {"state": state}


@pytest.mark.parametrize("deed", DEEDS)
def test_each_deed_asks_first_and_is_done_by_a_press(deed, desk, carla):
    before, _fields, after = DEEDS[deed]
    application = waits("Casa do Mar", before)
    address = page("application_deed", application.pk, deed)
    assert address in [tag["href"] for tag in Page(desk.get(page("application_change", application.pk))).all("a")]
    assert desk.get(address).status_code == 200
    application.refresh_from_db()
    assert (application.state, AuditEntry.objects.count()) == (before, 0)
    answer = desk.post(address, asked(deed), follow=True)
    application.refresh_from_db()
    assert (application.state, answer.redirect_chain) == (after, [(page("application_change", application.pk), 302)])
    assert AuditEntry.objects.get().actor == carla
    assert [message.level_tag for message in answer.context["messages"]] == ["success"]


@pytest.mark.parametrize("deed", [deed for deed, (_state, fields, _after) in DEEDS.items() if fields.get("words")])
def test_what_is_mailed_or_noted_must_be_written(deed, desk):
    application = waits("Casa do Mar")
    answer = desk.post(page("application_deed", application.pk, deed), asked(deed) | {"words": " "})
    field = Page(answer).one("textarea")
    assert Page(answer).one("ul", id=field["aria-describedby"]).words == "This field is required."
    assert (Application.objects.get().state, AuditEntry.objects.count()) == ("submitted", 0)


@pytest.mark.parametrize("deed", ["ask", "recommend", "decline"])
def test_who_decides_about_a_state_that_is_past_is_told(deed, desk):
    application = waits("Casa do Mar")
    Application.objects.update(state="asked")
    answer = desk.post(page("application_deed", application.pk, deed), asked(deed), follow=True)
    (told,) = (str(message) for message in answer.context["messages"])
    assert told.startswith("The application of Casa do Mar is now “more information asked”; it cannot become")
    assert (Application.objects.get().state, Letter.objects.count()) == ("asked", 0)


def test_a_final_state_offers_nothing_but_a_note(desk):
    application = waits("Casa do Mar", "declined")
    links = [tag["href"] or "" for tag in Page(desk.get(page("application_change", application.pk))).all("a")]
    assert [link for link in links if "/deed/" in link] == [page("application_deed", application.pk, "note")]


def test_there_is_no_other_deed_than_these(desk):
    application = waits("Casa do Mar")
    for name in ("admit", "refuse", "withdraw", "submit", "x"):
        assert desk.post(page("application_deed", application.pk, name)).status_code == 404


# --- who --------------------------------------------------------------------------------------------------------------

ROLES = {
    "stranger": None,
    "amal": [],  # acts for a member, not staff
    "tariq": ["members.view_member"],
    "viewer": [VIEW],
    "assessor": [VIEW, ASSESS],
    "decider": [VIEW, DECIDE],
    "blind": [ASSESS, DECIDE],  # a right to decide is no right to read
}


def person(role: str):
    if ROLES[role] is None:
        return AnonymousUser()
    if role == "amal":
        return make_contact(make_member(), "amal@example.org").user
    return make_user(f"{role}@example.org", staff=True, permissions=ROLES[role])


def addresses(application: Application, assembly: Assembly, row: Paper) -> dict[str, set[str]]:
    """Each address of the desk, and the roles that may open it."""
    assess, decide = {"assessor"}, {"decider"}
    read = {"viewer", "assessor", "decider"}
    return {
        LIST: read,
        page("application_change", application.pk): read,
        page("application_paper", application.pk, row.handle): read,
        page("assembly_list", assembly.pk): read,
        page("assembly_csv", assembly.pk): read,
        page("assembly_decisions", assembly.pk): decide,
    } | {
        page("application_deed", application.pk, deed): assess if right == ASSESS else decide
        for deed, right in NEEDED.items()
    }


@pytest.mark.parametrize("role", ROLES)
def test_every_address_opens_for_those_who_may_and_for_nobody_else(role):
    application = full()
    assembly = Assembly.objects.create(date=timezone.localdate())
    client = browser(person(role))
    outside = 302 if role in {"stranger", "amal"} else 403  # the way to sign in
    table = addresses(application, assembly, application.papers.get())
    told = {}
    for address in table:
        answer = client.get(address)
        told[address] = answer.status_code
        if answer.streaming:
            list(answer.streaming_content)  # read to its end, a file is closed
    assert told == {address: 200 if role in roles else outside for address, roles in table.items()}


@pytest.mark.parametrize("role", [role for role in ROLES if role not in {"assessor", "decider"}])
def test_nobody_else_changes_anything(role):
    application = full()
    assembly = Assembly.objects.create(date=timezone.localdate())
    client = browser(person(role))
    for deed in DEEDS:
        answer = client.post(page("application_deed", application.pk, deed), asked(deed))
        assert answer.status_code == (302 if role in {"stranger", "amal"} else 403)
    for name in ("decisions", "deferred"):
        answer = client.post(page(f"assembly_{name}", assembly.pk), {})
        assert answer.status_code == (302 if role in {"stranger", "amal"} else 403)
    deeds = AuditEntry.objects.filter(object_type="members.application")
    assert (Application.objects.get().state, deeds.count()) == ("submitted", 0)


def test_an_application_is_neither_added_nor_changed_nor_deleted_by_hand(desk):
    root = make_user("root@example.org", staff=True, is_superuser=True)
    application = full()
    client = browser(root)
    assert client.get(page("application_add")).status_code == 403
    assert client.post(page("application_change", application.pk), {"state": "admitted"}).status_code == 405
    assert client.post(page("application_delete", application.pk), {"post": "yes"}).status_code == 403
    assert Application.objects.get().state == "submitted"


def test_the_desk_knows_only_what_was_handed_in():
    make_application("Draft", state="draft")
    make_application("Never sent", state="withdrawn", submitted_at=None)
    sent = waits("Sent", "withdrawn")
    assert list(waiting.handed_in()) == [sent]
