"""Sign-ups that wait, the mails for them, and the brake: somebody looks at what it holds back and decides."""

import datetime

import pytest

from newsletter import outbox, signing_up, wordings
from newsletter.models import SignUp, SystemMail
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.newsletter.desk import amal, at_the_desk, carla, page, said, staff

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 11, 3, 12, tzinfo=datetime.UTC)
State = SystemMail.State


@pytest.fixture
def desk():
    return at_the_desk(carla())


def ask(address: str, *, how="form", minutes=0, **held) -> SystemMail:
    """Somebody signs up; `held` is what became of their mail."""
    now = NOON + datetime.timedelta(minutes=minutes)
    signing_up.request(
        address, languages=["de"], how=how, wording=wordings.current("de"), network="192.0.2.0/24", now=now
    )
    mail = SystemMail.objects.latest("pk")
    SystemMail.objects.filter(pk=mail.pk).update(**held)
    mail.refresh_from_db()
    return mail


@pytest.fixture
def flood():
    """Two mails too many to one domain, and one too many altogether."""
    return [
        ask("a@flood.example", minutes=5, state=State.HELD, why="domain"),
        ask("b@flood.example", minutes=6, state=State.HELD, why="domain"),
        ask("c@other.example", minutes=7, state=State.HELD, why="overall"),
        ask("d@other.example", minutes=8),
    ]


def addresses(answer) -> list[str]:
    return [cell.words for cell in Page(answer).all("td", class_="field-address")]


# --- lists ------------------------------------------------------------------------------------------------------------


def test_sign_ups_are_found_by_state_road_and_whole_address(desk):
    ask("amal@example.org")
    ask("boris@example.org", how="import")
    SignUp.objects.filter(address="boris@example.org").update(confirmed_at=NOON)
    found = {
        query: addresses(desk.get(page("signup_changelist") + query))
        for query in ["", "?state=waiting", "?state=confirmed", "?how=import", "?q=AMAL@example.org", "?q=nobody@b.org"]
    }
    assert found == {
        "": ["boris@example.org", "amal@example.org"],
        "?state=waiting": ["amal@example.org"],
        "?state=confirmed": ["boris@example.org"],
        "?how=import": ["boris@example.org"],
        "?q=AMAL@example.org": ["amal@example.org"],
        "?q=nobody@b.org": [],
    }


def test_mails_are_found_by_state_and_kind_and_say_why_in_words(desk, flood):
    answer = desk.get(page("systemmail_changelist") + "?state=held&kind=sign-up")
    assert addresses(answer) == ["c@other.example", "b@flood.example", "a@flood.example"]
    assert "too many mails to one domain within an hour" in Page(answer).words
    assert addresses(desk.get(page("systemmail_changelist") + "?kind=link")) == []


@pytest.mark.parametrize("name", ["signup", "systemmail"])
def test_who_may_not_see_readers_sees_no_address(name, flood):
    dana = at_the_desk(staff(f"view_{name}"))
    one = {"signup": SignUp, "systemmail": SystemMail}[name].objects.latest("pk")
    for address in [page(f"{name}_changelist"), page(f"{name}_change", one.pk)]:
        answer = dana.get(address)
        assert answer.status_code == 200
        assert b".example" not in answer.content


@pytest.mark.parametrize("name", ["signup", "systemmail"])
@pytest.mark.parametrize("asked", ["address__startswith=a", "address__regex=^b", "address_key__isnull=0", "pk__gt=0"])
def test_nobody_spells_out_an_address_letter_by_letter(name, asked, flood):
    dana = at_the_desk(staff(f"view_{name}"))
    answer = dana.get(page(f"{name}_changelist") + f"?{asked}")
    assert (answer.status_code, answer.url) == (302, page(f"{name}_changelist") + "?e=1")


@pytest.mark.parametrize("name", ["signup", "systemmail"])
def test_nobody_changes_them_here(desk, name, flood):
    one = {"signup": SignUp, "systemmail": SystemMail}[name].objects.latest("pk")
    assert desk.get(page(f"{name}_add")).status_code == 403
    assert desk.post(page(f"{name}_change", one.pk), {"state": "sent"}).status_code == 403
    assert desk.post(page(f"{name}_delete", one.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", ["signup", "systemmail"])
def test_the_lists_take_the_same_queries_for_one_row_and_three(desk, name, rows, django_assert_num_queries):
    for number in range(rows):
        ask(f"reader{number}@example.org")
    with django_assert_num_queries(5):  # session, person, rows, readers, what the brake holds
        desk.get(page(f"{name}_changelist"))


# --- the note ---------------------------------------------------------------------------------------------------------


def notes(answer) -> list[str]:
    return [note.words for note in Page(answer).all("div", class_="desk-note")]


LISTS = ["signup_changelist", "systemmail_changelist", "subscriber_changelist"]


def test_what_is_held_back_is_said_on_the_first_page_of_the_desk_and_on_the_lists(desk, flood):
    for address in ["/en/desk/", *map(page, LISTS)]:
        (note,) = notes(desk.get(address))
        assert "3 mails that people asked for are held back, the first since 3 November 2026, 13:05" in note
        assert "Too many mails to one domain within an hour: 2. Too many mails within an hour: 1." in note
        assert page("systemmail_brake") in Page(desk.get(address)).links()


def test_nothing_is_said_when_nothing_is_held_back(desk):
    ask("amal@example.org")
    assert [notes(desk.get(address)) for address in ["/en/desk/", *map(page, LISTS)]] == [[]] * 4


def test_who_has_nothing_to_do_with_it_is_not_told(flood):
    assert notes(at_the_desk(amal()).get("/en/desk/")) == []
    answer = at_the_desk(staff("view_subscriber")).get(page("subscriber_changelist"))
    assert len(notes(answer)) == 1
    assert page("systemmail_brake") not in Page(answer).links()


# --- deciding ---------------------------------------------------------------------------------------------------------


def states() -> dict[str, tuple[str, str]]:
    return {mail.sign_up.address[0]: (mail.state, mail.why) for mail in SystemMail.objects.select_related("sign_up")}


def decide(desk, **pressed):
    return desk.post(page("systemmail_brake"), pressed, follow=True)


def test_the_brake_shows_how_many_wait_since_when_and_why(desk, flood):
    rows = [" ".join(row.words.split()) for row in Page(desk.get(page("systemmail_brake"))).all("tr")][1:]
    assert len(rows) == 2
    assert rows[0].startswith("Too many mails to one domain within an hour 2 3 November 2026, 13:05")
    assert rows[1].startswith("Too many mails within an hour 1 3 November 2026, 13:07")


def test_mails_are_let_go_for_one_reason(desk, flood):
    assert said(decide(desk, send="domain")) == ["2 mails go out now."]
    assert states() == {"a": ("waiting", ""), "b": ("waiting", ""), "c": ("held", "overall"), "d": ("waiting", "")}
    assert set(SystemMail.objects.filter(released=True).values_list("sign_up__address", flat=True)) == {
        "a@flood.example",
        "b@flood.example",
    }
    line = AuditEntry.objects.get()
    assert (line.action, line.actor_label, line.data) == ("system_mail.release", "Carla", {"count": 2})


def test_or_all_of_them(desk, flood):
    assert said(decide(desk, send="")) == ["3 mails go out now."]
    assert outbox.held_counts() == []
    assert notes(desk.get(page("signup_changelist"))) == []


def test_discarding_is_asked_about_once_more_and_forgets_the_addresses(desk, flood):
    asked = decide(desk, discard="domain")
    assert "Discard 2 mails?" in Page(asked).words
    assert (len(outbox.held_counts()), AuditEntry.objects.count()) == (2, 0)
    button = Page(asked).one("button", name="discarded")
    assert said(decide(desk, discarded=button["value"])) == ["2 mails were discarded."]
    assert states() == {
        "a": ("dropped", "discarded"),
        "b": ("dropped", "discarded"),
        "c": ("held", "overall"),
        "d": ("waiting", ""),
    }
    assert set(SystemMail.objects.filter(state=State.DROPPED).values_list("address", flat=True)) == {""}
    assert AuditEntry.objects.get().data == {"count": 2}


@pytest.mark.parametrize("pressed", [{"send": "domain"}, {"discard": "domain"}, {"discarded": ""}, {"send": "x"}, {}])
def test_what_somebody_else_decided_meanwhile_is_decided(desk, pressed):
    ask("amal@example.org")
    assert said(decide(desk, **pressed)) == ["Nothing is held back for this reason any more."]
    assert (states(), AuditEntry.objects.count()) == ({"a": ("waiting", "")}, 0)


@pytest.mark.parametrize(
    ("rights", "look", "press"),
    [
        ([], 403, 403),
        (["view_signup", "view_subscriber"], 403, 403),
        (["view_systemmail"], 200, 403),
        (["release_systemmail"], 200, 302),
    ],
)
def test_looking_is_one_right_and_deciding_another(flood, rights, look, press):
    dana, address = at_the_desk(staff(*rights)), page("systemmail_brake")
    html = dana.get(address)
    assert html.status_code == look
    if look == 200:
        assert bool(Page(html).all("button", name="send")) == (press == 302)
    before = states()
    assert dana.post(address, {"send": "domain"}).status_code == press
    assert (states() == before) == (press == 403)


def test_looking_lets_nothing_go(desk, flood):
    before = states()
    desk.get(page("systemmail_brake") + "?send=domain")
    assert (states(), AuditEntry.objects.count()) == (before, 0)
