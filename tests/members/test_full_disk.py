"""The disk takes no file: whoever sent one reads that it did not work, keeps the rest, and no log names them."""

import errno

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from members import shelf
from members.models import Document, Member, Paper, ProfileChange
from tests.html import Page
from tests.members.applicants import Applicant, make_draft, statutes
from tests.members.factories import make_contact, make_member, make_user
from tests.members.test_logo_upload import drawing, saved

pytestmark = pytest.mark.django_db
WORDS = "That did not work; nothing was changed. Please try again."


@pytest.fixture(autouse=True)
def full_disk(monkeypatch, settings, tmp_path):
    settings.VAR_DIR = tmp_path

    def refused(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path))

    monkeypatch.setattr(shelf.Shelf, "_save", refused)


def logged(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


def test_an_applicant_keeps_what_was_written_and_the_paper_can_be_sent_again(client, caplog):
    amal = Applicant(make_draft())
    amal.saves("about")
    answer = amal.posts("papers", statutes=statutes())
    assert (answer.status_code, WORDS in Page(answer).words) == (200, True)
    assert (Paper.objects.count(), amal.now_holds().answers["acronym"]) == (0, "RA")
    assert logged(caplog) == ["No file can be written to VAR_DIR/members: No space left on device"]


def test_a_member_keeps_its_logo(client, caplog):
    member = make_member(logo="old.png", logo_width=1, logo_height=1)
    client.force_login(make_contact(member).user)
    logo = SimpleUploadedFile("logo.png", saved(drawing()), "image/png")
    answer = client.post(reverse("members:profile_logo", args=[member.handle]), {"logo": logo})
    assert (answer.status_code, WORDS in Page(answer).words) == (200, True)
    assert (Member.objects.get().logo, ProfileChange.objects.count()) == ("old.png", 0)
    assert logged(caplog) == ["No file can be written to VAR_DIR/members: No space left on device"]


def test_the_desk_is_told_and_no_document_is_there(client):
    client.force_login(make_user("carla@example.org", staff=True, permissions=["members.add_document"]))
    posted = {"title": "Minutes", "language": "en", "published_on": "2026-05-14", "paper": statutes()}
    answer = client.post(reverse("admin:members_document_add"), posted, follow=True)
    assert (answer.status_code, WORDS in Page(answer).words) == (200, True)
    assert not Document.objects.exists()
