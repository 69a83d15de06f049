"""Where files from outside lie: in VAR_DIR/members, which no address leads to, under names that say nothing.

A row names its file. `keep` writes a file down at once, `discard` deletes it when the transaction is through; a file
that no row names a day later (the transaction failed, a process was killed, rows went by a cascade) is a leftover, and
`members.leftovers` deletes it every hour. Web processes and workers must share the folder.
"""

import logging
import secrets
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext as _

EXTENSIONS = {"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png"}
LONGEST_NAME = 150
# A logo may have to go at once, where people get threats: caches that we do not reach keep it no longer than this.
LOGO_AGE = 10 * 60
# Whatever it is, a browser that opens it runs nothing, and fetches nothing.
_HARMLESS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
_NOT_IN_NAMES = str.maketrans(dict.fromkeys('/\\:*?"<>|', " "))
log = logging.getLogger(__name__)


class NotKept(Exception):
    """The disk takes no file: it is full, or not ours to write on. The message says so to the person."""


class Shelf(FileSystemStorage):
    """Files for their owner's eyes: 0600 in folders of 0700, never with an address. It lies where VAR_DIR is now."""

    file_permissions_mode = 0o600
    directory_permissions_mode = 0o700
    base_url = None  # `url` raises ValueError

    @property
    def base_location(self) -> str:
        return str(settings.VAR_DIR / "members")

    @property
    def location(self) -> str:
        return self.base_location


def keep(content: bytes, content_type: str) -> str:
    """Write a file down, and return its name, which is never that of another file. Do it in the transaction that
    writes the name into a row. Raises KeyError for a type that is none of ours, and NotKept."""
    try:
        return Shelf().save(secrets.token_hex(16) + EXTENSIONS[content_type], ContentFile(content))
    except OSError as error:
        log.error("No file can be written to VAR_DIR/members: %s", error.strerror or type(error).__name__)
        raise NotKept(_("That did not work; nothing was changed. Please try again.")) from None


def discard(name: str) -> None:
    """Delete a file that no row names any more, once the transaction is through; "" is no file. If the disk refuses,
    that is logged, and the file becomes a leftover."""
    if name:
        transaction.on_commit(lambda: Shelf().delete(name), robust=True)


def names() -> dict[str, float]:
    """Every file on the shelf, and when it was written (seconds since 1970)."""
    found = {}
    for path in Path(Shelf().location).glob("*"):
        with suppress(FileNotFoundError):  # discarded meanwhile
            if path.is_file():
                found[path.name] = path.stat().st_mtime
    return found


# --- handing out --------------------------------------------------------------------------------------------------


def file_name(name: str, content_type: str) -> str:
    """What somebody calls a file, as a name for any system: one line, no path, nothing invisible (such as the marks
    that make `fdp.exe` read `exe.pdf`), and the ending of what it is."""
    ending = EXTENSIONS[content_type]
    plain = "".join(letter for letter in name if letter.isprintable()).translate(_NOT_IN_NAMES)
    plain = " ".join(plain.split())
    stem, dot, last = plain.rpartition(".")
    stem = stem if dot and f".{last.lower()}" in {*EXTENSIONS.values(), ".jpeg", ".webp", ".gif"} else plain
    return (stem[: LONGEST_NAME - len(ending)].strip(" .") or "file") + ending


def serve(file: str, *, name: str, content_type: str) -> FileResponse:
    """A private paper, as a download that no cache keeps. `file` is its name on the shelf; `name` what the person is to
    find among their downloads; `content_type` one of EXTENSIONS, from our own check.

    Who may have it, the view has decided. Raises Http404 when the file is gone.
    """
    headers = _HARMLESS | {"Cache-Control": "private, no-store", "Cross-Origin-Resource-Policy": "same-origin"}
    return FileResponse(
        _opened(file),
        as_attachment=True,
        filename=file_name(name, content_type),
        content_type=content_type,
        headers=headers,
    )


def serve_logo(request: HttpRequest, file: str) -> HttpResponse:
    """A public logo, as a picture for any page or mail. Its address holds its name on the shelf, which changes with
    every new logo; asking again is answered by 304. Raises Http404 when the file is
    gone."""
    etag = quote_etag(file)
    headers = _HARMLESS | {"Cache-Control": f"public, max-age={LOGO_AGE}", "ETag": etag}
    response = get_conditional_response(request, etag=etag)
    if response is None:
        response = FileResponse(_opened(file), content_type="image/png")
        response.headers["Content-Disposition"] = "inline"
    for header, value in headers.items():
        response.headers[header] = value
    return response


def _opened(name: str) -> BinaryIO:
    try:
        return Shelf().open(name)
    except FileNotFoundError:
        log.error("A row names a file that is not in VAR_DIR/members: %s", name)
        raise Http404 from None
