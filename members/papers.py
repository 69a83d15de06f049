"""Papers from outside: statutes and accounts, as PDF or scanned.

A scan is drawn anew (`members.images`). A PDF stays as it is, for a rewritten one would lose signatures; so it is
looked through, and refused if it is not what it seems. A few of the secretariat open it, in a program of their own.

What is checked: it begins and ends as a PDF does, with nothing before or behind it; it is not encrypted; it is no ZIP
archive at the same time; and neither in it nor in the first million bytes of each packed stream is there a name by
which a PDF runs scripts or programs, carries other files, or sends what somebody typed (also when the name is spelled
with `#4a` for `J`). Objects that are packed in any other way than nearly all programs pack them (Flate) are refused.

What is not: whether all of it is well made, what its pictures and fonts do to the program that shows them, where its
links lead, what stands further down in very long streams or is hidden in one that does not say what it is, and whether
it is a virus that somebody knows. Therefore no page ever shows it: it is a download only (`members.shelf.serve`).
"""

import hashlib
import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from itertools import islice

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from members import shelf
from members.images import RefusedImage, clean_scan, read

PDF_BYTES = 10_000_000
LOOKED_INTO = 1_000_000  # bytes of each packed stream
MOST_UNPACKED = 100_000_000  # bytes of all of them, so that looking takes a second or so at most
MOST_STREAMS = 50_000
MOST_SPELLED = 20_000  # letters; chance makes some hundred of them in a large picture
PIECE = 16_384

_BEGINNING = re.compile(rb"%PDF-[12]\.\d\s")
_STREAM = re.compile(rb"(?<!end)stream[\0\t\f ]*(?:\r\n|\n|\r)?")
_OBJECTS = re.compile(rb"/ObjStm\b")
_FLATE = re.compile(rb"/Filter\s*(?:/FlateDecode\b|\[\s*/FlateDecode\s*\])")
_SPELLED = re.compile(rb"#([0-9A-Fa-f]{2})")
_ENCRYPTED = b"/Encrypt"
_ACTIVE = (
    b"/JavaScript",
    b"/Launch",
    b"/EmbeddedFile",
    b"/RichMedia",
    b"/Rendition",
    b"/XFA",
    b"/SubmitForm",
    b"/ImportData",
    b"/GoToE",
    b"/GoToR",  # opens a file elsewhere, and tells a foreign server who does
)
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8")


class RefusedPaper(Exception):
    """The file cannot be taken; the message tells the person why, and what to do."""


@dataclass(frozen=True, slots=True)
class CleanPaper:
    """A paper that may be kept. `name`: what its owner called it, as `shelf.file_name` makes it plain."""

    name: str
    content: bytes
    content_type: str
    extension: str

    @property
    def size(self) -> int:
        return len(self.content)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def clean_paper(file: UploadedFile) -> CleanPaper:
    """A PDF of at most 10 MB as it is, or a JPEG drawn from a scan. Raises RefusedPaper."""
    file.seek(0)
    start = file.read(8)
    if start.startswith(_PICTURES):
        try:
            content, kind = clean_scan(file), "image/jpeg"
        except RefusedImage as error:
            raise RefusedPaper(str(error)) from None
    elif start.startswith(b"%PDF-"):
        content, kind = _checked(file), "application/pdf"
    else:
        raise RefusedPaper(_("We can take PDF files, and scans as JPEG or PNG. Please save it as PDF."))
    return CleanPaper(shelf.file_name(file.name or "", kind), content, kind, shelf.EXTENSIONS[kind])


# --- what a PDF must not be ---------------------------------------------------------------------------------------


def _checked(file: UploadedFile) -> bytes:
    content = read(file, PDF_BYTES)
    if content is None:
        megabytes = PDF_BYTES // 1_000_000
        raise RefusedPaper(_("This file is larger than %(limit)d MB. Please make it smaller.") % {"limit": megabytes})
    if not _is_whole(content):
        raise RefusedPaper(_("This PDF is damaged or incomplete. Please save it as PDF again."))
    plain = _without_spelling(content)
    if plain is not None and _ENCRYPTED in plain:
        raise RefusedPaper(_("This PDF is protected. Please save it without password and without restrictions."))
    if _is_active(plain) or zipfile.is_zipfile(io.BytesIO(content)):
        raise RefusedPaper(_active())
    if not _can_be_looked_into(plain) or _is_active_inside(content):
        raise RefusedPaper(_active())
    return content


def _active() -> str:
    return _(
        "This PDF contains a program or another file, or cannot be checked for that. Please print it into a new PDF, "
        "and send that one."
    )


def _is_whole(content: bytes) -> bool:
    return bool(_BEGINNING.match(content)) and content.rstrip(b"\0\t\n\f\r ").endswith(b"%%EOF")


def _is_active(plain: bytes | None) -> bool:
    """Whether there is such a name in it, or it could not be made plain."""
    return plain is None or any(name in plain for name in _ACTIVE)


def _without_spelling(text: bytes) -> bytes | None:
    """With all letters as themselves: `/#4aavaScript` is `/JavaScript` (ISO 32000-1, 7.3.5). None if there are more to
    spell than anybody needs."""
    if any(True for _letter in islice(_SPELLED.finditer(text), MOST_SPELLED, None)):
        return None
    return _SPELLED.sub(lambda found: bytes([int(found[1], 16)]), text)


def _can_be_looked_into(plain: bytes) -> bool:
    """Whether each stream of objects is packed by Flate and nothing else, or not at all."""
    for number, found in enumerate(_OBJECTS.finditer(plain)):
        start, end = found.span()
        before, after = plain[max(0, start - 1000) : start], plain[end : end + 1000]
        dictionary = before.rpartition(b"obj")[2] + after.partition(b"stream")[0]
        if number > MOST_STREAMS or dictionary.count(b"/Filter") != len(_FLATE.findall(dictionary)):
            return False
    return True


def _is_active_inside(content: bytes) -> bool:
    """Whether a stream has such a name in it, or there is too much to look into."""
    unpacked = 0
    for number, found in enumerate(_STREAM.finditer(content)):
        inside = _unpacked(content, found.end())
        unpacked += len(inside)
        if number > MOST_STREAMS or unpacked > MOST_UNPACKED or _is_active(_without_spelling(inside)):
            return True
    return False


def _unpacked(content: bytes, place: int) -> bytes:
    """The beginning of a stream; what comes before the fault of a faulty one; nothing if it is not packed by Flate."""
    unpacker, inside = zlib.decompressobj(), bytearray()
    while place < len(content) and len(inside) < LOOKED_INTO and not unpacker.eof:
        try:
            inside += unpacker.decompress(content[place : place + PIECE], LOOKED_INTO - len(inside))
        except zlib.error:
            break
        place += PIECE
    return bytes(inside)
