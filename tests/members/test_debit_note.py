"""The debit note and the receipt: PDFs in the member's language, which print every name, and a code that pays."""

import datetime
from decimal import Decimal
from io import BytesIO

import pytest
import segno
from django.conf import settings as django_settings
from django.utils import timezone
from pypdf import PdfReader

from members import account, debit_note, fees
from members.models import Contact, Fee
from picum.letters import post
from picum.letters.models import Letter
from tests.members.factories import make_member, make_user
from tests.members.purse import JANUARY, make_fee, paid, with_treasurer

pytestmark = pytest.mark.django_db
ON = datetime.date(2026, 2, 20)


def note_of(fee) -> PdfReader:
    return PdfReader(BytesIO(debit_note.debit_note(fee, on=ON)))


def words(pdf: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in pdf.pages).split())


def asked(member, year=2026, amount="100") -> Fee:
    return make_fee(with_treasurer(member), year, amount, noted=JANUARY)


def test_it_says_who_owes_what_until_when_and_how_to_pay(settings):
    settings.MEMBERS_BIC = "GKCCBEBB"
    member = make_member(language="en", street="Rua do Porto 5", postcode="1100-001", city="Lisboa")
    fee = asked(member, amount="1250.5")
    text = words(note_of(fee))
    digits = fee.communication
    for said in [
        "Rua Aberta Rua do Porto 5 1100-001 Lisboa Portugal",
        "Membership fee 2026, Affiliated member",
        f"Number 2026-{member.pk:06}",
        "Date 12 January 2026",
        "To be paid by 11 February 2026",
        "To pay €1,250.50",
        f"Communication +++{digits[:3]}/{digits[3:7]}/{digits[7:]}+++",
        "Account (IBAN) BE68 5390 0754 7034 BIC GKCCBEBB Account holder PICUM",
    ]:
        assert said in text
    assert "earlier years" not in text


def test_the_code_carries_the_transfer_as_epc069_12_lays_it_down(settings):
    settings.MEMBERS_BIC, settings.MEMBERS_ACCOUNT_NAME = "GKCCBEBB", "PICUM asbl – vzw"
    lines = ["BCD", "002", "1", "SCT", "GKCCBEBB", "PICUM asbl – vzw", "BE68539007547034", "EUR100.5", "", ""]
    payload = "\n".join([*lines, "+++202/6000/12320+++"]).encode()
    code = account.qr_code(account.ours(), amount=Decimal("100.50"), communication="202600012320")
    assert code.matrix == segno.make_qr(payload, error="m", boost_error=False).matrix


@pytest.mark.parametrize("language", [code for code, _name in django_settings.LANGUAGES])
def test_it_is_in_the_member_s_language_and_says_so(language):
    member = make_member(language=language)
    pdf = note_of(asked(member))
    assert pdf.trailer["/Root"]["/Lang"] == language
    assert pdf.metadata.title.endswith(f"2026-{member.pk:06}")
    category = member.memberships.get().category.safe_translation_getter("name", language_code=language)
    assert category in words(pdf)


@pytest.mark.parametrize(
    "name",
    ["Σύλλογος «Το Λιμάνι»", "Stowarzyszenie Źródło", "Göçmen Dayanışma Ağı İğdır", "Сдружение Дом", "A < B & C"],
)
def test_every_name_prints_with_its_own_letters(name):
    assert name in words(note_of(asked(make_member(name, slug="name"))))


def test_faces_are_embedded_so_that_it_prints_the_same_everywhere():
    fonts = note_of(asked(make_member())).pages[0]["/Resources"]["/Font"].values()
    embedded = ["/FontFile2" in font.get_object()["/FontDescriptor"] for font in fonts]
    assert embedded == [True, True]


def test_a_name_and_years_without_end_go_on_another_page():
    member = make_member("Associação " * 17, slug="long", language="en", street="Rua " * 40)
    for year in (2023, 2024, 2025, 2026):
        fee = make_fee(with_treasurer(member) if year == 2023 else member, year, noted=JANUARY)
    pdf = note_of(fee)
    assert len(pdf.pages) == 2
    assert [str(year) in words(pdf) for year in (2023, 2024, 2025)] == [True] * 3


def test_what_was_paid_already_is_taken_off():
    fee = asked(make_member(language="en"))
    paid(fee, "30")
    assert "Paid so far -€30.00 To pay €70.00" in words(note_of(fee))


def test_open_years_before_are_listed_with_their_own_communication():
    member = make_member(language="en")
    before, fee = asked(member, 2025, "80"), make_fee(member, noted=JANUARY)
    digits = before.communication
    listed = f"2025: +++{digits[:3]}/{digits[3:7]}/{digits[7:]}+++ €80.00"
    assert listed in words(note_of(fee))
    paid(before, "80")
    assert listed not in words(note_of(fee))


def test_when_all_is_paid_it_asks_for_nothing_any_more():
    fee = asked(make_member(language="en"))
    paid(fee, "110")
    text = words(note_of(fee))
    assert "Paid too much €10.00" in text
    assert "IBAN" not in text


def test_a_rest_that_was_waived_is_taken_off_too():
    fee = asked(make_member(language="en"))
    paid(fee, "30")
    fees.waive(fee, why="A hard year.", by=make_user("carla@example.org", staff=True), now=JANUARY)
    assert "Paid so far -€30.00 Waived -€70.00 To pay €0.00" in words(note_of(fee))


def test_without_an_account_there_is_none(settings):
    fee = asked(make_member())
    settings.MEMBERS_IBAN = ""
    with pytest.raises(debit_note.NoAccount):
        debit_note.debit_note(fee, on=ON)


def test_the_receipt_lists_what_came_in():
    fee = asked(make_member(language="en"))
    paid(fee, "60", datetime.date(2026, 1, 20))
    paid(fee, "40", datetime.date(2026, 2, 3))
    text = words(PdfReader(BytesIO(debit_note.receipt(fee, on=ON))))
    assert "Received on 20 January 2026 €60.00 Received on 3 February 2026 €40.00 Paid in all €100.00" in text


# --- by mail --------------------------------------------------------------------------------------------------------


def sent(address="tomas@example.org"):
    return post.BUILDERS["members.debit_note"](Letter.objects.get(address=address), now=JANUARY)


def test_the_mail_carries_the_debit_note():
    member = make_member(language="en")
    fee = asked(member)
    message = sent()
    ((name, content, kind),) = message.attachments
    assert (name, kind) == (f"PICUM-debit-note-2026-{member.pk:06}.pdf", "application/pdf")
    assert f"2026-{member.pk:06}" in words(PdfReader(BytesIO(content)))
    digits = fee.communication
    assert f"+++{digits[:3]}/{digits[3:7]}/{digits[7:]}+++" in message.body
    assert f"/de/my/{member.handle}/fees/" in message.body


def test_who_gets_a_copy_is_told_so():
    asked(make_member())
    copy = "This is a copy: the same mail goes to your treasurer."
    Letter.objects.update(language="en")
    assert [copy in sent(address).body for address in ("tomas@example.org", "amal@example.org")] == [False, True]


def test_nothing_goes_when_it_is_paid_waived_or_the_person_has_left_by_then():
    fee = asked(make_member())
    assert sent() is not None
    Contact.objects.filter(email="tomas@example.org").update(left_on=ON)
    assert sent() is None
    assert sent("amal@example.org") is not None
    fees.waive(fee, why="A hard year.", by=make_user("carla@example.org", staff=True), now=timezone.now())
    assert sent("amal@example.org") is None


@pytest.mark.parametrize("language", [code for code, _name in django_settings.LANGUAGES])
@pytest.mark.parametrize("kind", ["members.debit_note", "members.fee_reminder"])
def test_the_mails_can_be_written_in_every_language(kind, language):
    member = make_member("Rua <Aberta> & Co", slug="rua")
    fee = asked(member)
    person = member.contacts.get(email="tomas@example.org")
    Contact.objects.filter(pk=person.pk).update(language=language)
    person.language = language
    Letter.objects.all().delete()
    extra = {"number": 3} if kind == "members.fee_reminder" else {}
    fees.write(kind, fee, person, in_copy=False, now=JANUARY, **extra)
    message = post.BUILDERS[kind](Letter.objects.get(), now=JANUARY)
    assert "Rua <Aberta> & Co" in message.subject
    assert "Rua &lt;Aberta&gt; &amp; Co" in message.alternatives[0][0]
    assert "{" not in message.body + message.subject
