"""An organisation that applies uploads its statutes and accounts: as PDF, or as it scanned them."""

import hashlib
import io

import pytest
from django import forms
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import RequestFactory
from PIL import Image

from members.papers import PDF_BYTES, CleanPaper, RefusedPaper, clean_paper
from members.uploads import MOST_BODY, PaperField
from tests.members import hostile
from tests.members.hostile import MARK, packed, pdf, pdf_stream

AS_PDF = "We can take PDF files, and scans as JPEG or PNG. Please save it as PDF."
DAMAGED = "This PDF is damaged or incomplete. Please save it as PDF again."
PROTECTED = "This PDF is protected. Please save it without password and without restrictions."
ACTIVE = (
    "This PDF contains a program or another file, or cannot be checked for that. Please print it into a new PDF, and "
    "send that one."
)
SCRIPT = b"5 0 obj <</S/JavaScript/JS(app.alert\\(1\\))>> endobj"


def cleaned(content: bytes, name: str = "Estatutos.pdf") -> CleanPaper:
    return clean_paper(SimpleUploadedFile(name, content))


def words(content: bytes) -> str:
    """Why it is refused."""
    with pytest.raises(RefusedPaper) as refused:
        cleaned(content)
    return str(refused.value)


# --- what is taken ------------------------------------------------------------------------------------------------

HONEST = {
    "the smallest": pdf(),
    "one of 2000": pdf(version=b"1.3"),
    "one of today": pdf(version=b"2.0"),
    "one with packed objects": pdf(pdf_stream(packed([b"1 0 <</Type/Page/Parent 2 0 R>>"]))),
    "one with a list of packings": pdf(
        pdf_stream(packed([b"1 0 <<>>"]), b"/Type/ObjStm/N 1/First 4/Filter [ /FlateDecode ]")
    ),
    "one with a scan in it": pdf(pdf_stream(hostile.photo(300, 400), b"/Subtype/Image/Filter/DCTDecode")),
    "one with old packings": pdf(pdf_stream(b"GhVa4QQ~>", b"/Filter[/ASCII85Decode/FlateDecode]")),
    "one with a link": pdf(b"5 0 obj <</S/URI/URI(https://example.org/#4a)>> endobj"),
    "one that was signed": pdf() + b"6 0 obj <</Type/Sig>> endobj\nstartxref\n0\n%%EOF\r\n\0\0",
    "one with a metadata switch": pdf(b"6 0 obj <</Names 7 0 R/AcroForm 8 0 R/OpenAction[3 0 R/Fit]>> endobj"),
}


@pytest.mark.parametrize("kind", HONEST)
def test_an_honest_pdf_is_kept_as_it_is(kind):
    paper = cleaned(HONEST[kind])
    assert paper == CleanPaper("Estatutos.pdf", HONEST[kind], "application/pdf", ".pdf")
    assert (paper.size, paper.sha256) == (len(HONEST[kind]), hashlib.sha256(HONEST[kind]).hexdigest())


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_scan_is_drawn_anew_upright_and_without_its_place(format):
    options = {} if format == "GIF" else {"exif": b"Exif\0\0" + hostile.exif(orientation=6, place=MARK + hostile.GPS)}
    paper = cleaned(hostile.photo(4000, 1000, format=format, **options), "Scan 12.PNG")
    assert (paper.name, paper.content_type, paper.extension) == ("Scan 12.jpg", "image/jpeg", ".jpg")
    with Image.open(io.BytesIO(paper.content)) as picture:
        size = (3000, 750) if format == "GIF" else (750, 3000)
        assert (picture.format, picture.size, picture.mode, len(picture.getexif())) == ("JPEG", size, "RGB", 0)
    assert MARK not in paper.content
    assert hostile.GPS not in paper.content


def test_a_scan_with_transparency_lies_on_white_paper():
    file = io.BytesIO()
    Image.new("RGBA", (60, 80), (0, 0, 0, 0)).save(file, "PNG")
    with Image.open(io.BytesIO(cleaned(file.getvalue()).content)) as picture:
        assert picture.getpixel((30, 40)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Estatutos.pdf", "Estatutos.pdf"),
        ("ΣΤΑΤΟΥΤΑ 2026.PDF", "ΣΤΑΤΟΥΤΑ 2026.pdf"),
        ("accounts.pdf.exe", "accounts.pdf.exe.pdf"),
        ("../../.ssh/id_rsa", "id_rsa.pdf"),
        ("C:\\Temp\\statuts.pdf", "statuts.pdf"),
        ("statuts\u202efdp.exe", "statutsfdp.exe.pdf"),
        ("a\r\nSet-Cookie: b=c.pdf", "aSet-Cookie b=c.pdf"),
        ('a";b=<c>|d?.pdf', "a ;b= c d.pdf"),
        ("\udcff\0.pdf", "file.pdf"),
        (".pdf", "file.pdf"),
        ("x" * 400 + ".pdf", "x" * 146 + ".pdf"),
    ],
)
def test_the_name_is_made_plain(name, kept):
    file = SimpleUploadedFile("a", pdf())
    file._name = name  # as it comes from elsewhere than Django's own parser
    file._name = file._name.rpartition("/")[2].rpartition("\\")[2]
    assert clean_paper(file).name == kept


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"PK\3\4 a document of Word",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old one",
        b"{\\rtf1 }",
        b"<html><body>Statutes</body></html>",
        hostile.svg(),
        hostile.zipped(),
        b"%!PS-Adobe-3.0",
        b"II*\0" + b"\0" * 50,
        b"MZ\x90\0",
        b" " + pdf(),
        b"<script>x</script>" + pdf(),
        hostile.zipped() + pdf(),
        b"\xef\xbb\xbf" + pdf(),
        b"",
    ],
)  # fmt: skip
def test_everything_else_is_to_be_saved_as_pdf(content):
    assert words(content) == AS_PDF


BROKEN = {
    "breaks off": pdf()[:-7],
    "a page hangs on": pdf() + b"<script>x</script>",
    "an archive hangs on": pdf() + hostile.zipped(),
    "no version": pdf().replace(b"%PDF-1.7", b"%PDF-x.y", 1),
    "a version of tomorrow": pdf(version=b"3.0"),
    "nothing but a beginning": b"%PDF-1.7",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_pdf_must_begin_and_end_as_one(how):
    assert words(BROKEN[how]) == DAMAGED


def test_a_protected_pdf_is_refused_for_nobody_can_look_into_it():
    assert words(pdf(b"trailer <</Encrypt 5 0 R>>")) == PROTECTED
    assert words(pdf(b"trailer <</#45ncrypt 5 0 R>>")) == PROTECTED
    # The table of objects as a stream: its dictionary is not packed.
    assert words(pdf(pdf_stream(packed([b"x"]), b"/Type/XRef/Encrypt 5 0 R/Filter/FlateDecode"))) == PROTECTED


HIDDEN = {
    "a script": pdf(SCRIPT),
    "a script at the opening": pdf(b"1 0 obj <</OpenAction<</S/JavaScript/JS 7 0 R>>>> endobj"),
    "a script spelled out": pdf(SCRIPT.replace(b"/JavaScript", b"/#4aava#53cript")),
    "a script behind a comment": pdf(SCRIPT.replace(b"/S/Java", b"/S%x\n/Java")),
    "a program": pdf(b"5 0 obj <</S/Launch/F(cmd.exe)>> endobj"),
    "a file": pdf(b"5 0 obj <</Type/EmbeddedFile/Length 1>> stream\nx\nendstream endobj"),
    "a list of files": pdf(b"5 0 obj <</Names<</EmbeddedFiles 6 0 R>>>> endobj"),
    "a form of Adobe's": pdf(b"5 0 obj <</AcroForm<</XFA 6 0 R>>>> endobj"),
    "a form that sends": pdf(b"5 0 obj <</S/SubmitForm/F(https://example.org)>> endobj"),
    "a film": pdf(b"5 0 obj <</Subtype/RichMedia>> endobj"),
    "a file elsewhere": pdf(rb"5 0 obj <</S/GoToR/F(\\\\example.org\\a)>> endobj"),
    "a script in a packed object": pdf(pdf_stream(packed([SCRIPT]))),
    "a script in a stream that does not say so": pdf(pdf_stream(packed([SCRIPT]), b"/Filter/FlateDecode")),
    "a script spelled out and packed": pdf(pdf_stream(packed([SCRIPT.replace(b"/Java", b"/#4Aava")]))),
    "a script behind a stream's faulty end": pdf(pdf_stream(packed([SCRIPT, b"x" * 90_000])[:-6])),
    "a script behind blanks": pdf(
        pdf_stream(packed([SCRIPT]), b"/Filter/FlateDecode").replace(b"stream\n", b"stream \t\r\n", 1)
    ),
    "a script some way down": pdf(pdf_stream(packed([b" " * 900_000, SCRIPT]))),
    "objects packed twice": pdf(
        pdf_stream(packed([packed([SCRIPT])]), b"/Type/ObjStm/Filter[/FlateDecode/FlateDecode]")
    ),
    "objects packed otherwise": pdf(pdf_stream(SCRIPT.hex().encode(), b"/Type/ObjStm/Filter/ASCIIHexDecode")),
    "objects packed in two words": pdf(
        pdf_stream(SCRIPT.hex().encode(), b"/Type/ObjStm/Filter/FlateDecode/Filter/ASCIIHexDecode")
    ),
    "objects packed who knows how": pdf(pdf_stream(SCRIPT.hex().encode(), b"/Type/#4fbjStm/Filter 8 0 R")),
    "an archive whose comment is the rest of it": b"%PDF-1.7\n" + hostile.zipped(comment=pdf()[9:]),
}


@pytest.mark.parametrize("what", HIDDEN)
def test_a_pdf_with_more_in_it_than_pages_is_refused(what):
    assert words(HIDDEN[what]) == ACTIVE


def test_ten_megabytes_are_enough():
    comment = b"%" + b"x" * (PDF_BYTES - len(pdf()) - 2)
    assert len(pdf(comment)) < PDF_BYTES
    assert cleaned(pdf(comment)).size <= PDF_BYTES
    assert words(pdf(comment + b"xxx")) == "This file is larger than 10 MB. Please make it smaller."
    large_scan = hostile.jpeg_with(after=b"\0" * 10_000_000)
    assert words(large_scan) == "This picture is larger than 10 MB. Please make it smaller."


def test_what_is_wrong_with_a_scan_is_said_too():
    assert words(hostile.black_webp(9000, 9000)) == (
        "This picture has too many pixels: 9000 × 9000. Please make it smaller."
    )


# --- in a form ----------------------------------------------------------------------------------------------------


class PapersForm(forms.Form):
    statutes = PaperField()
    accounts = PaperField(required=False)


def test_the_form_hands_over_the_papers_also_from_the_disk():
    on_disk = TemporaryUploadedFile("Contas.pdf", "text/html", 0, None)
    on_disk.write(pdf(SCRIPT.replace(b"JavaScript", b"URI")))
    on_disk.size = on_disk.tell()
    with on_disk:
        form = PapersForm({}, {"statutes": SimpleUploadedFile("Estatutos.pdf", pdf()), "accounts": on_disk})
        assert form.is_valid(), form.errors
    assert [paper.name for paper in form.cleaned_data.values()] == ["Estatutos.pdf", "Contas.pdf"]
    assert {paper.content_type for paper in form.cleaned_data.values()} == {"application/pdf"}


def test_the_form_says_what_is_wrong():
    file = SimpleUploadedFile("Estatutos.pdf", b"PK\3\4", "application/pdf")
    assert PapersForm({}, {"statutes": file}).errors == {"statutes": [AS_PDF]}
    assert PapersForm({}, {}).errors == {"statutes": ["This field is required."]}


def test_the_field_says_what_it_takes():
    html = str(PapersForm()["accounts"])
    assert html == (
        '<input type="file" name="accounts" accept="application/pdf,image/png,image/jpeg" '
        'aria-describedby="id_accounts_helptext" id="id_accounts">'
    )
    assert PapersForm()["accounts"].help_text == (
        "PDF, or a scan as JPEG or PNG; at most 10 MB. Only our staff will read it."
    )


# --- far too big --------------------------------------------------------------------------------------------------


@pytest.fixture
def limited(settings):
    settings.FILE_UPLOAD_HANDLERS = ["members.uploads.BodyLimit", *settings.FILE_UPLOAD_HANDLERS]


def test_a_form_that_is_far_too_big_is_refused_before_it_is_read(limited):
    request = RequestFactory().post("/", {"statutes": SimpleUploadedFile("a.pdf", pdf())})
    body = request.META["wsgi.input"]
    request.META["CONTENT_LENGTH"] = MOST_BODY + 1
    with pytest.raises(RequestDataTooBig):
        len(request.FILES)
    assert body.read(2) == b"--"


def test_any_other_form_comes_through_whole(limited):
    small, large = pdf(), pdf(b"%" * 5_000_000)
    files = {"statutes": SimpleUploadedFile("a.pdf", small), "accounts": SimpleUploadedFile("b.pdf", large)}
    request = RequestFactory().post("/", files | {"name": "Rua Aberta"})
    assert request.POST["name"] == "Rua Aberta"
    assert {name: file.read() for name, file in request.FILES.items()} == {"statutes": small, "accounts": large}
    request.close()
