"""The pages for files and for a machine's drafts: what they show, what their buttons do, who may open them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from newsletter.models import Item, ItemTranslation, MachineRun, Text
from newsletter.translation import machine, texts
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.newsletter.desk import amal, at_the_desk, boris, carla, page, said
from tests.newsletter.factories import make_item
from tests.newsletter.translation.files import PORTUGUESE, TEXT, an_issue, store, written
from tests.newsletter.translation.machines import a_machine
from tests.newsletter.translation.sheets import ines

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue():
    return an_issue()


@pytest.fixture
def desk():
    return at_the_desk(ines())


@pytest.fixture
def service(settings):
    with a_machine() as server:
        settings.MACHINE_TRANSLATION, settings.MACHINE_TRANSLATION_URL = "libretranslate", server.url
        yield server


def address(issue, *args, name="exchange", language="pt") -> str:
    return page(f"issue_{name}", issue.pk, language, *args)


def translated(issue, *, kind="xliff", title="Barco") -> str:
    """The file, in which a translator has written a title and a first sentence."""
    content = written(issue, kind)
    for source, target in (("Boat", title), ("A boat sank.", "Um barco afundou.")):
        content = content.replace(f">{source}</source>", f">{source}</source><target>{target}</target>")
        content = content.replace(f'msgid "{source}"\nmsgstr ""', f'msgid "{source}"\nmsgstr "{target}"')
    return content


def upload(desk, issue, content, *, language="pt", name="pt.xlf"):
    content = content if isinstance(content, bytes) else content.encode()
    return desk.post(address(issue, language=language), {"file": SimpleUploadedFile(name, content)})


def packed(answer) -> str:
    return Page(answer).one("input", name="packed")["value"]


def words_of(language="pt") -> list[tuple[str, str]]:
    return list(ItemTranslation.objects.filter(language_code=language).values_list("title", "text"))


# --- out --------------------------------------------------------------------------------------------------------------


def test_the_page_says_what_there_is_and_makes_nothing(desk, issue):
    answer = desk.get(address(issue))
    shown = Page(answer)
    assert shown.one("h1").words == "Files for translators: Portuguese"
    assert "5 sentences; to be translated, or outdated: 5." in answer.content.decode()
    assert [button.words for button in shown.all("button") if button.words.startswith("Download")] == [
        "Download XLIFF",
        "Download PO",
    ]
    assert (Text.objects.count(), AuditEntry.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "content_type", "begins"),
    [
        ("xlf", "application/xliff+xml; charset=utf-8", b"<?xml"),
        ("po", "text/x-gettext-translation; charset=utf-8", b"#"),
    ],
)
def test_a_file_is_downloaded_by_pressing_and_is_on_record(desk, issue, kind, content_type, begins):
    answer = desk.post(address(issue, kind, name="exchange_file"))
    assert (answer.headers["Content-Type"], answer.headers["Content-Disposition"]) == (
        content_type,
        f'attachment; filename="next-pt.{kind}"',
    )
    assert answer.content.startswith(begins)
    assert b"A boat sank." in answer.content
    entry = AuditEntry.objects.get(action="text.export")
    assert entry.data == {"language": "pt", "format": kind, "texts": 1}
    assert (entry.actor.email, entry.object_id) == ("dana@example.org", str(issue.pk))


def test_what_needs_no_work_goes_along_only_if_wanted(desk, issue):
    make_item(issue, en="Law", pt="Lei")
    assert b"Text of Law." not in desk.post(address(issue, "xlf", name="exchange_file")).content
    assert b"Text of Law." in desk.post(address(issue, "xlf", name="exchange_file"), {"all": "on"}).content


def test_where_nothing_is_left_to_do_no_empty_file_is_given(desk):
    issue = an_issue(pt=("Barco", PORTUGUESE))
    answer = desk.post(address(issue, "po", name="exchange_file"), follow=True)
    assert said(answer) == ["There is nothing to translate."]
    assert not AuditEntry.objects.exists()


def test_a_file_by_an_address_alone_is_not_given(desk, issue):
    for name, args in [("exchange_file", ["xlf"]), ("exchange_confirm", [])]:
        assert desk.get(address(issue, *args, name=name)).url == address(issue)
    assert desk.post(address(issue, "pdf", name="exchange_file")).status_code == 404


@pytest.mark.parametrize("items", [1, 3])
def test_the_page_is_made_of_a_fixed_number_of_queries(items, django_assert_num_queries):
    issue, boss = an_issue(), carla()
    for number in range(items):
        item = make_item(issue, en=f"Item {number}", pt=f"Artigo {number}")
        store(item, "pt", "Artigo", "<p>Um.</p>", by=boss)
        store(item, "en", "Item", "<p>Another.</p>", by=boss)
    client = at_the_desk(boss)
    client.get(address(issue))
    # session, user, 10 of the issue, texts, glossary, former sources, the run of the machine
    with django_assert_num_queries(16):
        assert client.get(address(issue)).status_code == 200


# --- in ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["xliff", "po"])
def test_an_upload_shows_the_difference_and_changes_nothing(desk, kind):
    issue = an_issue(pt=("Bote", PORTUGUESE))
    content = written(issue, kind).replace("Bote", "Barco")
    answer = upload(desk, issue, content)
    shown = Page(answer)
    assert shown.one("h1").words == "What the file would change: Portuguese"
    assert [count.words for count in shown.all("dd")] == ["1", "0", "0"]
    assert [(tag.name, tag.words) for tag in shown.tags if tag.name in ("del", "ins")] == [
        ("del", "Before: Bote"),
        ("ins", "After: Barco"),
    ]
    assert words_of() == [("Bote", PORTUGUESE)]
    assert not AuditEntry.objects.exists()


def test_what_was_confirmed_is_taken_over_and_on_record(desk):
    issue = an_issue(pt=("Bote", PORTUGUESE))
    seen = upload(desk, issue, written(issue).replace("Bote", "Barco"))
    answer = desk.post(address(issue, name="exchange_confirm"), {"packed": packed(seen)}, follow=True)
    assert said(answer) == ["1 text is in review now."]
    assert words_of() == [("Barco", PORTUGUESE)]
    assert AuditEntry.objects.get(action="text.import").data == {
        "language": "pt",
        "stored": 1,
        "kept": 0,
        "refused": 0,
    }


def test_half_a_translation_is_kept_and_said_to_be(desk, issue):
    seen = upload(desk, issue, translated(issue))
    assert [count.words for count in Page(seen).all("dd")] == ["0", "1", "0"]
    answer = desk.post(address(issue, name="exchange_confirm"), {"packed": packed(seen)}, follow=True)
    assert said(answer) == ["1 text is not finished yet: it is kept for whoever goes on with it."]
    assert words_of() == []


def test_what_is_refused_is_shown_with_the_reason_and_can_be_copied(desk, issue):
    content = translated(issue)
    store(Item.objects.get(), "en", "Ship", TEXT, by=carla())
    answer = upload(desk, issue, content)
    shown = Page(answer)
    [refused] = shown.all("li", class_="exchange-sentence--refused")
    assert refused.words == ("Refused: The original has changed since the file was made. Before: BoatAfter: Ship Barco")
    assert shown.one("button", class_="default").words == "Take over the rest"


def test_who_confirms_too_late_is_told_and_nothing_is_overwritten(desk):
    issue = an_issue(pt=("Bote", PORTUGUESE))
    seen = upload(desk, issue, written(issue).replace("Bote", "Barco"))
    store(Item.objects.get(), "pt", "Navio", PORTUGUESE, by=carla())
    answer = desk.post(address(issue, name="exchange_confirm"), {"packed": packed(seen)}, follow=True)
    assert said(answer) == ["Boat: Somebody has changed it since you looked. Upload the file once more."]
    assert words_of() == [("Navio", PORTUGUESE)]


def test_what_does_not_come_back_whole_is_not_taken(desk):
    issue = an_issue(pt=("Bote", PORTUGUESE))
    seen = packed(upload(desk, issue, written(issue).replace("Bote", "Barco")))
    for what in (seen[:-1], "", "x:y:z"):
        answer = desk.post(address(issue, name="exchange_confirm"), {"packed": what}, follow=True)
        assert said(answer) == ["What you confirmed has not come back whole, or is too old. Upload the file again."]
    spanish = at_the_desk(carla())
    answer = spanish.post(address(issue, name="exchange_confirm", language="es"), {"packed": seen}, follow=True)
    assert said(answer) == ["What you confirmed has not come back whole, or is too old. Upload the file again."]
    assert (words_of(), words_of("es")) == ([("Bote", PORTUGUESE)], [])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><xliff/>", "This file is damaged, or is no XLIFF file."),
        (b"nothing", "This file is damaged, or is no PO file."),
        (b"<xliff version='1.2'>" + b" " * 5_000_001, "The file is larger than 5 MB."),
        (
            b"<xliff version='1.2'><file target-language='es-ES'/></xliff>",
            "The file is in another language (ES) than this page (PT).",
        ),
    ],
    ids=["dtd", "words", "large", "spanish"],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(desk, issue, content, told):
    answer = upload(desk, issue, content)
    assert answer.status_code == 200
    assert answer.context["form"].errors == {"file": [told]}


def test_markup_in_a_file_is_shown_as_letters(desk, issue):
    answer = upload(desk, issue, translated(issue, title="&lt;script&gt;alert(1)&lt;/script&gt;"))
    assert b"<script>alert" not in answer.content
    assert "<script>alert(1)</script>" in Page(answer).one("ul", class_="exchange-sentences").words


# --- a machine --------------------------------------------------------------------------------------------------------


def test_without_a_machine_nothing_is_said_of_one(issue):
    client = at_the_desk(carla())
    assert b"machine" not in client.get(address(issue)).content.lower()
    assert client.post(address(issue, name="exchange_draft")).status_code == 404


def test_an_editor_is_told_where_words_go_and_has_drafts_made(issue, service, django_capture_on_commit_callbacks):
    client = at_the_desk(carla())
    shown = Page(client.get(address(issue)))
    assert "sent to 127.0.0.1" in shown.one("section", aria_labelledby="machine").words
    assert [count.words for count in shown.all("dd")] == ["1", "0", "0"]
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(address(issue, name="exchange_draft"), follow=True)
    assert said(answer) == ["The machine has been asked. Drafts appear one by one."]
    assert "The machine is at it." in Page(answer).one("p", role="status").words
    assert said(client.post(address(issue, name="exchange_draft"), follow=True)) == ["The machine is at it already."]
    machine.work(issue.pk, "pt", until=lambda: False)
    shown = Page(client.get(address(issue)))
    assert [count.words for count in shown.all("dd")] == ["0", "1", "0"]
    assert words_of() == []


def test_drafts_go_out_unread_only_if_an_editor_says_so(issue, service):
    client = at_the_desk(carla())
    client.post(address(issue, name="exchange_draft"), follow=True)
    machine.work(issue.pk, "pt", until=lambda: False)
    assert client.get(address(issue, name="exchange_use")).url == address(issue)
    assert words_of() == []
    answer = client.post(address(issue, name="exchange_use"), follow=True)
    assert said(answer) == ["1 text is what the machine made of it, and readers are told so."]
    assert [title for title, _text in words_of()] == ["BOAT"]
    assert Text.objects.get(language="pt").is_machine


def test_why_the_machine_stopped_is_told(issue, service):
    service.status = 403
    client = at_the_desk(carla())
    client.post(address(issue, name="exchange_draft"))
    machine.work(issue.pk, "pt", until=lambda: False)
    shown = Page(client.get(address(issue)))
    assert shown.one("p", class_="desk-note").words == (
        "The machine stopped: LibreTranslate does not take our key. Whoever runs this site can set it."
    )


# --- who --------------------------------------------------------------------------------------------------------------

NAMES = [("exchange", []), ("exchange_file", ["xlf"]), ("exchange_confirm", []), ("exchange_draft", []),
         ("exchange_use", [])]  # fmt: skip


@pytest.mark.parametrize(("name", "args"), NAMES)
def test_nobody_else_opens_them(issue, service, name, args):
    unknown = at_the_desk(ines())
    for client, language in [(at_the_desk(amal()), "pt"), (unknown, "fr"), (unknown, "xx"), (unknown, "en")]:
        for method in (client.get, client.post):
            assert method(address(issue, *args, name=name, language=language)).status_code == 404


@pytest.mark.parametrize("name", ["exchange_draft", "exchange_use"])
def test_a_translator_neither_asks_the_machine_nor_lets_its_drafts_go(desk, issue, service, name):
    texts.find(Item.objects.get(), "pt")
    Text.objects.filter(language="pt").update(machine={"title": "B", "text": "<p>B</p>"}, machine_source=1)
    assert b"machine" not in desk.get(address(issue)).content.lower()
    assert desk.post(address(issue, name=name)).status_code == 404
    assert (MachineRun.objects.count(), words_of()) == (0, [])


def test_an_editor_without_the_right_to_approve_asks_but_does_not_let_go(issue, service):
    client = at_the_desk(boris())
    assert client.post(address(issue, name="exchange_draft")).status_code == 302
    assert client.post(address(issue, name="exchange_use")).status_code == 404


def test_a_circular_has_no_files(issue, desk):
    type(issue).objects.filter(pk=issue.pk).update(kind="circular")
    assert desk.get(address(issue)).status_code == 404


def test_who_signs_out_sees_nothing(client, issue):
    assert client.get(address(issue)).status_code == 302
