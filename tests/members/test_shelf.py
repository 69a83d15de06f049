"""Where files from outside lie, who gets them and how, and when they go."""

import datetime
import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction
from django.http import Http404
from django.test import RequestFactory
from django.utils import timezone

from members import leftovers, shelf
from members.models import Document, Member, Paper, ProfileChange
from tests.members.factories import make_application, make_member
from tests.members.hostile import pdf

PDF, PNG = "application/pdf", "image/png"
KINDS = ("logo", "paper", "document", "waiting")  # what a row speaks of
SANDBOX = "sandbox; default-src 'none'"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "members"


def lying() -> list[str]:
    return sorted(shelf.names())


# --- keeping ------------------------------------------------------------------------------------------------------


def test_a_file_is_for_its_owners_eyes_under_a_name_that_says_nothing(folder):
    umask = os.umask(0)
    try:
        names = {shelf.keep(pdf(), PDF) for _number in range(3)}
    finally:
        os.umask(umask)
    assert len(names) == 3
    for name in names:
        path = folder / name
        assert (len(path.stem), path.suffix, path.read_bytes()) == (32, ".pdf", pdf())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_no_file_has_an_address_and_no_name_leads_out():
    with pytest.raises(ValueError, match="not accessible via a URL"):
        shelf.Shelf().url(shelf.keep(pdf(), PDF))
    with pytest.raises(SuspiciousFileOperation):
        shelf.Shelf().open("../picum.sqlite3")


def test_a_type_that_is_none_of_ours_is_not_kept():
    with pytest.raises(KeyError):
        shelf.keep(b"x", "image/svg+xml")
    assert lying() == []


# --- handing out --------------------------------------------------------------------------------------------------


def test_a_paper_is_a_download_that_nobody_keeps_and_no_browser_runs():
    response = shelf.serve(shelf.keep(pdf(), PDF), name="Estatutos.html", content_type=PDF)
    assert b"".join(response.streaming_content) == pdf()
    assert dict(response.headers) == {
        "Content-Type": PDF,
        "Content-Length": str(len(pdf())),
        "Content-Disposition": 'attachment; filename="Estatutos.html.pdf"',
        "Content-Security-Policy": SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, no-store",
    }
    response.close()


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ('a"b\\c/d.pdf', 'filename="a b c d.pdf"'),
        ("a\r\nX-Evil: 1", 'filename="aX-Evil 1.pdf"'),
        ("Sätze – 2026.pdf", "filename*=utf-8''S%C3%A4tze%20%E2%80%93%202026.pdf"),
        ("a\u202efdp.exe", 'filename="afdp.exe.pdf"'),
        ("..", 'filename="file.pdf"'),
        ("", 'filename="file.pdf"'),
        ("\ud800", 'filename="file.pdf"'),
    ],
)
def test_the_name_of_a_download_is_one_plain_line(name, disposition):
    response = shelf.serve(shelf.keep(pdf(), PDF), name=name, content_type=PDF)
    assert response["Content-Disposition"] == f"attachment; {disposition}"
    response.close()


def test_a_logo_is_a_picture_that_may_be_kept_until_its_address_changes():
    name = shelf.keep(b"a picture", PNG)
    request = RequestFactory().get("/")
    response = shelf.serve_logo(request, name)
    assert b"".join(response.streaming_content) == b"a picture"
    headers = {
        "Content-Security-Policy": SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "public, max-age=600",
        "ETag": f'"{name}"',
    }
    body = {"Content-Type": PNG, "Content-Length": "9", "Content-Disposition": "inline"}
    assert dict(response.headers) == headers | body
    response.close()

    again = shelf.serve_logo(RequestFactory().get("/", headers={"If-None-Match": response["ETag"]}), name)
    assert (again.status_code, again.content, dict(again.headers)) == (304, b"", headers)


def test_a_file_that_is_gone_is_not_found_and_the_log_says_so(caplog):
    for ask in (
        lambda: shelf.serve("gone.pdf", name="a.pdf", content_type=PDF),
        lambda: shelf.serve_logo(RequestFactory().get("/"), "gone.pdf"),
    ):
        with pytest.raises(Http404):
            ask()
    assert caplog.messages == ["A row names a file that is not in VAR_DIR/members: gone.pdf"] * 2


# --- going --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_file_goes_when_the_transaction_is_through_and_not_before():
    old, kept = shelf.keep(b"old", PNG), shelf.keep(b"kept", PNG)
    with transaction.atomic():
        shelf.discard(old)
        assert lying() == sorted([old, kept])
    assert lying() == [kept]
    with suppress(ZeroDivisionError), transaction.atomic():
        shelf.discard(kept)
        raise ZeroDivisionError
    assert lying() == [kept]
    shelf.discard("")
    shelf.discard(old)  # once more, by somebody who was slower
    assert lying() == [kept]


@pytest.mark.django_db(transaction=True)
def test_a_disk_that_does_not_let_go_keeps_nobody_waiting(folder, caplog):
    (folder / "a.png").mkdir(parents=True)
    (folder / "a.png" / "b").touch()
    with transaction.atomic():
        shelf.discard("a.png")
    assert "Error calling" in caplog.text
    assert (folder / "a.png" / "b").exists()


@pytest.mark.django_db
def test_what_no_row_names_a_day_later_is_deleted_and_everything_else_stays(folder, django_assert_num_queries):
    now = timezone.now()
    names = {what: shelf.keep(b"x", PNG) for what in (*KINDS, "decided", "lost", "new")}
    amal = make_member(logo=names["logo"])
    Paper.objects.create(
        application=make_application(), kind="statutes", name="a", file=names["paper"], content_type=PDF, size=1
    )
    Document.objects.create(file=names["document"], published_on=now, size=1)
    logo = {"file": names["waiting"], "width": 1, "height": 1}
    ProfileChange.objects.create(member=amal, field="logo", new=logo)
    ProfileChange.objects.create(
        member=amal, field="logo", new={"file": names["decided"]}, state="declined", decided_at=now
    )
    for name in set(names.values()) - {names["new"]}:
        long_ago = (now - datetime.timedelta(hours=25)).timestamp()
        os.utime(folder / name, (long_ago, long_ago))

    expected = sorted([names["decided"], names["lost"]])
    with django_assert_num_queries(4):
        assert leftovers.orphans(now=now) == expected
    assert leftovers.tidy_files(now=now) == 2
    assert lying() == sorted(set(names.values()) - set(expected))
    assert leftovers.tidy_files(now=now) == 0
    assert leftovers.tidy_files(now=now + datetime.timedelta(days=2)) == 1
    assert lying() == sorted(names[kind] for kind in KINDS)


@pytest.mark.django_db
def test_a_full_shelf_beside_an_empty_database_is_left_alone():
    shelf.keep(b"x", PNG)
    assert Member.objects.count() == 0
    later = timezone.now() + datetime.timedelta(days=2)
    assert (leftovers.orphans(now=later), leftovers.tidy_files(now=later)) == ([], 0)
    assert len(lying()) == 1


@pytest.mark.django_db
def test_where_nothing_was_ever_kept_there_is_nothing_to_do(folder):
    assert leftovers.tidy_files(now=timezone.now()) == 0
    assert not folder.exists()


@pytest.mark.django_db
def test_an_upload_during_which_the_process_was_killed_goes_after_a_day(settings, folder):
    folder.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = folder.parent
    with TemporaryUploadedFile("Contas.pdf", "", 0, None) as file:
        other = folder.parent / "picum.sqlite3"
        other.touch()
        tomorrow = timezone.now() + datetime.timedelta(hours=25)
        assert leftovers.tidy_files(now=timezone.now()) == 0
        assert leftovers.tidy_files(now=tomorrow) == 1
        assert (Path(file.temporary_file_path()).exists(), other.exists()) == (False, True)
        assert leftovers.tidy_files(now=tomorrow) == 0
