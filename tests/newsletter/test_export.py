"""The list leaves the house: for those who may, with a reason, on record, and without a cell that runs."""

import csv
import io

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils.translation import override

from newsletter import exporting, importing, lists, subscriptions
from newsletter.exporting import Filters
from newsletter.models import Subscriber, Suppression
from picum.accounts.models import AuditEntry, User
from picum.addresses import address_key
from tests.html import Page
from tests.newsletter.desk import at_the_desk, page
from tests.newsletter.factories import make_subscriber

pytestmark = pytest.mark.django_db
FOR = "for the yearly count"


def person(*rights: str, **fields) -> User:
    someone = User.objects.create(email="dana@example.org", is_staff=True, **fields)
    someone.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return someone


@pytest.fixture
def desk():
    return at_the_desk(person("export_subscriber", "view_subscriber"))


def table(answer) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def addresses(answer) -> list[str]:
    return [row[0] for row in table(answer)[1:]]


def ask(desk, **values):
    return desk.post(page("export"), {"state": "", "note": FOR} | values)


# --- what is in it ------------------------------------------------------------------------------------------------


def test_everything_that_staff_see_of_a_reader_is_in_the_file(desk):
    amal = make_subscriber("amal@example.org", "pt es", name="Amal, “A”", areas="advocacy monitoring", source="fair")
    left = make_subscriber("left@example.org")
    subscriptions.unsubscribe(left, how="page")
    Suppression.objects.create(address_key=address_key("bounced@example.org"), reason="bounced")
    bounced = make_subscriber("bounced@example.org")
    day = f"{amal.subscribed_at:%Y-%m-%d}"
    answer = ask(desk)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Disposition"].startswith('attachment; filename="readers-')
    assert table(answer) == [
        ["email", "languages", "name", "areas", "state", "source", "subscribed", "stopped"],
        ["amal@example.org", "pt es", "Amal, “A”", "advocacy monitoring", "subscribed", "fair", day, ""],
        ["left@example.org", "en", "", "", "unsubscribed", "test", day, "unsubscribed"],
        [bounced.address, "en", "", "", "subscribed", "test", day, "bounced"],
    ]


def test_the_list_may_be_narrowed(desk):
    make_subscriber("amal@example.org", "pt en", source="fair")
    make_subscriber("boris@example.org", "en pt", state="unsubscribed")
    make_subscriber("carla@example.org", "en", areas="advocacy", source="fair")
    for chosen, found in (
        ({}, ["amal", "boris", "carla"]),
        ({"state": "subscribed"}, ["amal", "carla"]),
        ({"state": "unsubscribed"}, ["boris"]),
        ({"language": "pt"}, ["amal"]),
        ({"area": "advocacy"}, ["carla"]),
        ({"source": "fair"}, ["amal", "carla"]),
        ({"source": "fair", "language": "en"}, ["carla"]),
        ({"source": "nowhere"}, []),
    ):
        assert addresses(ask(desk, **chosen)) == [f"{name}@example.org" for name in found]
        entry = AuditEntry.objects.order_by("-pk")[0]
        assert entry.data == {"reason": FOR, "number": len(found)} | chosen


def test_what_a_spreadsheet_would_run_is_guarded_and_comes_back_as_it_was(desk, tmp_path):
    names = {
        "=e@example.org": "=HYPERLINK(1)",
        "+1@example.org": "+1",
        "-a@example.org": "-2",
        "'=b@example.org": "@x",
    }
    for address, name in names.items():
        make_subscriber(address, name=name)
    cells = [row[:3] for row in table(ask(desk))[1:]]
    assert cells == [
        ["'=e@example.org", "en", "'=HYPERLINK(1)"],
        ["'+1@example.org", "en", "'+1"],
        ["'-a@example.org", "en", "'-2"],
        ["''=b@example.org", "en", "'@x"],
    ]
    Subscriber.objects.all().delete()
    (path := tmp_path / "list.csv").write_bytes(b"".join(ask_nothing(cells)))
    importing.import_rows(lists.read(path), source="again")
    assert dict(Subscriber.objects.values_list("address", "name")) == names


def ask_nothing(cells):
    yield b"email,languages,name\n"
    for row in cells:
        yield (",".join(row) + "\n").encode()


@pytest.mark.parametrize(("language", "delimiter"), [("en", ","), ("de", ";"), ("pt", ";")])
def test_the_cells_are_divided_as_the_spreadsheets_of_the_language_expect(desk, language, delimiter):
    make_subscriber("amal@example.org")
    with override(language):
        url = page("export").replace("/en/", f"/{language}/")
    text = b"".join(desk.post(url, {"state": "", "note": FOR}).streaming_content).decode()
    assert text.splitlines()[1].startswith(f'"amal@example.org"{delimiter}"en"{delimiter}')


def test_pages_are_one_list_and_memory_is_one_page(monkeypatch):
    monkeypatch.setattr(exporting, "PAGE", 2)
    for number in range(5):
        make_subscriber(f"reader{number}@example.org")
    pieces = list(exporting.export(Filters(), reason=FOR, by=None))
    assert [len(piece.splitlines()) for piece in pieces] == [1, 2, 2, 1]


@pytest.mark.parametrize("readers", [1, 3])
def test_a_page_of_readers_costs_two_statements(readers, django_assert_num_queries):
    for number in range(readers):
        make_subscriber(f"reader{number}@example.org")
    with django_assert_num_queries(5):  # count, audit; readers, stop list; no more readers
        list(exporting.export(Filters(), reason=FOR, by=None))


# --- who may, and how ---------------------------------------------------------------------------------------------


def test_that_it_was_taken_and_what_for_is_on_record_before_the_first_line_and_names_nobody(desk):
    make_subscriber("amal@example.org")
    answer = ask(desk, state="subscribed")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor.email) == ("subscriber.export", "dana@example.org")
    assert entry.data == {"reason": FOR, "number": 1, "state": "subscribed"}
    assert "amal" not in str(entry.data) + entry.object_label
    assert list(answer.streaming_content)


def test_without_a_reason_or_with_an_address_in_it_there_is_no_file(desk):
    make_subscriber("amal@example.org")
    for note in ("", "   ", "because", "for amal@example.org only"):
        answer = ask(desk, note=note)
        assert answer["Content-Type"].startswith("text/html")
        assert Page(answer).all("ul", class_="errorlist")
    assert not AuditEntry.objects.exists()


def test_get_and_head_give_a_form_and_never_an_address(desk):
    make_subscriber("amal@example.org", source="fair")
    answer = desk.get(page("export") + "?note=whatever+for&state=&source=fair&language=pt")
    html = Page(answer)
    assert b"amal" not in answer.content
    assert html.one("input", name="source")["value"] == "fair"
    assert [tag["value"] for tag in html.all("option") if "selected" in tag.attributes] == ["subscribed", "pt", ""]
    assert desk.head(page("export")).status_code == 200
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(("rights", "code"), [((), 403), (("view_subscriber", "import_subscriber"), 403)])
def test_who_may_not_export_gets_403(rights, code):
    client = at_the_desk(person(*rights))
    assert (client.get(page("export")).status_code, ask(client).status_code) == (code, code)
    assert not AuditEntry.objects.exists()


def test_a_visitor_is_asked_to_sign_in():
    assert [method(page("export")).status_code for method in (Client().get, Client().post)] == [302, 302]


def test_the_way_there_is_on_the_list_for_those_who_may_and_keeps_what_was_filtered(desk):
    links = Page(desk.get(page("subscriber_changelist") + "?language=pt")).links()
    assert page("export") + "?language=pt" in links
    assert page("import") not in links


# --- the command --------------------------------------------------------------------------------------------------


def test_the_command_writes_a_file_for_its_owner_alone_and_never_over_another(tmp_path):
    make_subscriber("amal@example.org")
    make_subscriber("left@example.org", state="unsubscribed")
    path = tmp_path / "readers.csv"
    call_command("export_subscribers", str(path), reason=FOR)
    assert [row.email for row in lists.read(path)] == ["amal@example.org"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert AuditEntry.objects.get().data == {"reason": FOR, "number": 1, "state": "subscribed"}
    with pytest.raises(CommandError, match="cannot be written: File exists"):
        call_command("export_subscribers", str(path), reason=FOR)
    call_command("export_subscribers", str(tmp_path / "all.csv"), reason=FOR, everybody=True)
    assert len(list(lists.read(tmp_path / "all.csv"))) == 2
