"""Papers that the secretariat gives to members, and to nobody else."""

import datetime
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from members import documents, shelf
from members.models import Document
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.members import hostile
from tests.members.factories import make_contact, make_member, make_user

pytestmark = pytest.mark.django_db
DAY = datetime.date(2026, 5, 14)
PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
DESK = "admin:members_document"
TITLES = {"Protokoll", "Statuts"}


def make_document(titles=None, *, position=0, day=DAY, language="en", content=PDF) -> Document:
    """Minutes of May, as a PDF in English; `titles` by language."""
    document = Document.objects.create(
        position=position,
        language=language,
        published_on=day,
        file=shelf.keep(content, "application/pdf"),
        name="minutes.pdf",
        content_type="application/pdf",
        size=len(content),
    )
    for code, title in (titles or {"en": "Minutes"}).items():
        document.translations.create(language_code=code, title=title)
    return document


@pytest.fixture
def member():
    return make_member()


@pytest.fixture
def amal(client, member):
    contact = make_contact(member, "amal@example.org", "newsletter")
    client.force_login(contact.user)
    return contact.user


def listing(member) -> str:
    return reverse("members:documents", args=[member.handle])


def test_titles_are_in_the_language_of_the_page_or_marked_as_another(client, member, amal):
    make_document({"en": "Minutes", "de": "Protokoll"}, position=1)
    make_document({"fr": "Statuts"}, position=2, language="fr")
    with override("de"):
        page = Page(client.get(listing(member)))
    assert [tag.words for tag in page.all("a") if "download" in tag.attributes] == ["Protokoll", "Statuts"]
    languages = [tag["lang"] for tag in page.one("ul", class_="papers") and page.all("span") if tag.words in TITLES]
    assert languages == ["de", "fr"]
    assert "Französisch" in page.one("ul", class_="papers").words


def test_a_document_is_a_download_that_no_cache_keeps(client, member, amal):
    document = make_document()
    page = Page(client.get(listing(member)))
    (link,) = [tag["href"] for tag in page.all("a") if "download" in tag.attributes]
    answer = client.get(link)
    assert b"".join(answer) == PDF
    assert answer["Content-Disposition"] == 'attachment; filename="minutes.pdf"'
    assert "no-store" in answer["Cache-Control"]
    assert link == reverse("members:document", args=[member.handle, document.pk])


def test_strangers_and_people_of_former_members_get_404(client, member, amal):
    document = make_document()
    pages = [listing(member), reverse("members:document", args=[member.handle, document.pk])]
    assert [client.get(page).status_code for page in pages[:1]] == [200]
    boris = make_contact(make_member("Casa Azul"), "boris@example.org").user
    for user in (boris, make_user("carla@example.org", staff=True)):
        client.force_login(user)
        assert [client.get(page).status_code for page in pages] == [404, 404]
    client.force_login(amal)
    member.memberships.update(until_on=timezone.localdate() - datetime.timedelta(days=1), ended_why="withdrawn")
    assert [client.get(page).status_code for page in pages] == [404, 404]


def test_what_is_not_published_yet_does_not_exist(client, member, amal):
    document = make_document(day=timezone.localdate() + datetime.timedelta(days=1))
    assert "There are no documents yet." in Page(client.get(listing(member))).words
    assert client.get(reverse("members:document", args=[member.handle, document.pk])).status_code == 404


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_asks_the_database_seldom(client, member, amal, number, django_assert_num_queries):
    for _one in range(number):
        make_document()
    with django_assert_num_queries(6):
        client.get(listing(member))


def test_the_order_is_changed_one_step_at_a_time():
    first, second, third = (make_document({"en": name}) for name in "abc")
    assert list(Document.objects.all()) == [first, second, third]
    assert documents.move(third, step=-1)
    assert list(Document.objects.all()) == [first, third, second]
    assert not documents.move(first, step=-1)
    assert list(Document.objects.values_list("position", flat=True)) == [1, 2, 3]


# --- the desk -----------------------------------------------------------------------------------------------------


@pytest.fixture
def carla(client):
    deeds = [f"members.{deed}_document" for deed in ("view", "add", "change", "delete")]
    user = make_user("carla@example.org", staff=True, permissions=deeds)
    client.force_login(user)
    return user


def upload(client, content=PDF, address="", **fields):
    file = SimpleUploadedFile("Minutes of May.pdf", content, "application/pdf")
    posted = {"title": "Minutes", "language": "en", "published_on": "2026-05-14", "paper": file} | fields
    return client.post(address or reverse(f"{DESK}_add"), posted)


def test_carla_puts_a_document_up_and_replaces_its_file(client, carla, django_capture_on_commit_callbacks):
    assert upload(client).status_code == 302
    document = Document.objects.get()
    first = Path(shelf.Shelf().path(document.file))
    assert (document.name, document.content_type, document.size) == ("Minutes of May.pdf", "application/pdf", len(PDF))
    assert (str(document), first.read_bytes()) == ("Minutes", PDF)
    change = reverse(f"{DESK}_change", args=[document.pk])
    assert "Minutes of May.pdf" in Page(client.get(change)).words
    assert client.post(change, {"title": "Protocol", "language": "en", "published_on": "2026-05-14"}).status_code == 302
    document.refresh_from_db()
    assert Path(shelf.Shelf().path(document.file)) == first
    with django_capture_on_commit_callbacks(execute=True):
        assert upload(client, PDF.replace(b"1.4", b"1.5"), change).status_code == 302
    document.refresh_from_db()
    assert (first.exists(), shelf.Shelf().exists(document.file)) == (False, True)
    assert AuditEntry.objects.filter(action="document.add", actor=carla).exists()


def test_a_document_needs_a_file_that_is_one(client, carla):
    answer = client.post(reverse(f"{DESK}_add"), {"title": "Minutes", "language": "en", "published_on": "2026-05-14"})
    assert "This field is required." in Page(answer).one("ul", class_="errorlist").words
    answer = upload(client, b"MZ this is a program")
    assert "We can take PDF files" in Page(answer).one("ul", class_="errorlist").words
    answer = upload(client, hostile.pdf(b"1 0 obj << /OpenAction << /S /JavaScript >> >> endobj"))
    assert "contains a program" in Page(answer).one("ul", class_="errorlist").words
    assert not Document.objects.exists()


def test_a_document_that_is_deleted_leaves_no_file(client, carla, django_capture_on_commit_callbacks):
    document = make_document()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse(f"{DESK}_delete", args=[document.pk]), {"post": "yes"})
    assert not Document.objects.exists()
    assert not shelf.Shelf().exists(document.file)
    assert AuditEntry.objects.filter(action="document.delete").exists()


def test_carla_moves_a_document_and_tariq_does_not(client, carla):
    first, second = make_document({"en": "a"}), make_document({"en": "b"})
    client.post(reverse(f"{DESK}_move", args=[second.pk, "up"]))
    assert list(Document.objects.all()) == [second, first]
    assert client.post(reverse(f"{DESK}_move", args=[second.pk, "away"])).status_code == 404
    assert AuditEntry.objects.get(action="document.move").data == {"step": -1}
    client.force_login(make_user("tariq@example.org", staff=True, permissions=["members.view_document"]))
    assert "desk-step" not in client.get(reverse(f"{DESK}_changelist")).content.decode()
    assert client.post(reverse(f"{DESK}_move", args=[second.pk, "down"])).status_code == 403
    answer = client.get(reverse(f"{DESK}_file", args=[second.pk]))
    assert b"".join(answer) == PDF
    client.force_login(make_user("nobody@example.org", staff=True))
    assert client.get(reverse(f"{DESK}_file", args=[second.pk])).status_code == 403


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_of_the_desk_asks_the_database_seldom(client, carla, number, django_assert_num_queries):
    for _one in range(number):
        make_document()
    with django_assert_num_queries(8):
        client.get(reverse(f"{DESK}_changelist"))
