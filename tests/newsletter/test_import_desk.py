"""Bringing in a list at the desk: upload, say what is what, look at the numbers, confirm."""

import errno
import os
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from newsletter import import_jobs, importing
from newsletter.admin import uploads
from newsletter.models import ImportJob, SignUp, Subscriber
from picum.accounts.models import AuditEntry, User
from tests.html import Page
from tests.newsletter.desk import at_the_desk, page, said
from tests.newsletter.factories import make_subscriber
from tests.newsletter.lists import rows, spreadsheet, uploaded

pytestmark = pytest.mark.django_db
S = ImportJob.State
GERMAN = "Name;E-Mail-Adresse;Sprache\nAmal;amal@example.org;pt es\nBoris;boris@example.org;Deutsch\n"
SAID = {"email": "1", "languages": "2", "name": "0", "language": "", "source": "fair", "with_proof": "on"}


@pytest.fixture
def dana() -> User:
    return person("import_subscriber", "view_subscriber")


@pytest.fixture
def desk(dana):
    return at_the_desk(dana)


def person(*rights: str) -> User:
    someone = User.objects.create(email="dana@example.org", is_staff=True)
    someone.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return someone


def send(desk, content: str | bytes, *, name="list.csv", **options):
    content = content if isinstance(content, bytes) else content.encode()
    return desk.post(page("import"), {"file": SimpleUploadedFile(name, content)}, **options)


def files() -> list[str]:
    return sorted(path.name for path in import_jobs.folder().iterdir())


@pytest.fixture(autouse=True)
def an_empty_folder():
    for path in import_jobs.folder().iterdir():
        path.unlink()


@pytest.fixture
def job(dana):
    return uploaded(GERMAN, by=dana)


@pytest.fixture
def checked(job, dana):
    columns = {"email": 1, "languages": 2, "name": 0}
    import_jobs.check(job, columns=columns, source="fair", language="", with_proof=True, by=dana)
    import_jobs.work(job.pk)
    job.refresh_from_db()
    return job


# --- the whole way ------------------------------------------------------------------------------------------------


def test_a_list_becomes_readers_step_by_step(desk):
    make_subscriber("amal@example.org", "fr")
    answer = send(desk, GERMAN, name="Tagung 2026.csv", follow=True)
    job = ImportJob.objects.get()
    html = Page(answer)
    assert answer.redirect_chain == [(page("import_columns", job.pk), 302)]
    assert [html.one("select", name=name).words for name in ("email", "name")] == [
        "Name E-Mail-Adresse Sprache", "none Name E-Mail-Adresse Sprache",
    ]  # fmt: skip
    chosen = [tag["value"] for tag in html.all("option") if "selected" in tag.attributes]
    assert chosen == ["1", "2", "0", ""]
    assert html.one("input", name="source")["value"] == "Tagung 2026"
    assert "checked" not in html.one("input", name="with_proof").attributes
    assert [row.words for row in html.all("tr")] == [
        "Name E-Mail-Adresse Sprache", "Amal amal@example.org pt es", "Boris boris@example.org Deutsch",
    ]  # fmt: skip

    answer = desk.post(page("import_columns", job.pk), SAID, follow=True)
    assert answer.redirect_chain == [(page("import_job", job.pk), 302)]
    assert "The list is being checked. Nothing is changed by that." in Page(answer).words
    import_jobs.work(job.pk)
    html = Page(desk.get(page("import_job", job.pk)))
    assert [tag.words for tag in html.all("dd")] == ["1", "1", "0"]
    assert Subscriber.objects.count() == 1
    report = desk.get(page("import_report", job.pk))
    assert b"".join(report.streaming_content).decode("utf-8-sig").splitlines() == [
        "line,what,why", "2,already there,", "3,added,",
    ]  # fmt: skip
    assert report["Content-Disposition"] == f'attachment; filename="import-{job.pk}-report.csv"'

    desk.post(page("import_start", job.pk), {"seen": html.one("input", name="seen")["value"]})
    assert "You may leave this page" in Page(desk.get(page("import_job", job.pk))).words
    import_jobs.work(job.pk)
    html = Page(desk.get(page("import_job", job.pk)))
    assert "The list has been imported." in html.words
    assert page("import_report", job.pk) in html.links()
    assert list(Subscriber.objects.order_by("address").values_list("address", "languages", "source")) == [
        ("amal@example.org", "fr", "test"), ("boris@example.org", "de", "fair"),
    ]  # fmt: skip
    assert files() == [f"{job.handle}.csv"]


def test_a_spreadsheet_will_do_as_well(desk, tmp_path):
    table = rows(["Mail", "Langue"], ["amal@example.org", "pt es"])
    send(desk, spreadsheet(tmp_path / "x", table).read_bytes(), name="liste.xlsx")
    job = ImportJob.objects.get()
    desk.post(page("import_columns", job.pk), SAID | {"email": "0", "languages": "1", "name": ""})
    import_jobs.work(job.pk)
    job.refresh_from_db()
    assert (job.state, job.added, job.columns) == (S.CHECKED, 1, {"email": 0, "languages": 1})


def test_without_proof_the_button_says_what_happens(desk, job):
    desk.post(page("import_columns", job.pk), {**SAID, "with_proof": ""})
    import_jobs.work(job.pk)
    html = Page(desk.get(page("import_job", job.pk)))
    assert "Send 2 mails that ask" in html.words
    assert "nobody is subscribed" in html.words
    desk.post(page("import_start", job.pk), {"seen": html.one("input", name="seen")["value"]})
    import_jobs.work(job.pk)
    assert (Subscriber.objects.count(), SignUp.objects.count()) == (0, 2)


def test_a_list_on_which_nobody_is_new_offers_nothing_to_import(desk, checked, dana):
    make_subscriber("amal@example.org")
    make_subscriber("boris@example.org")
    said = {"columns": checked.columns, "source": "fair", "language": "", "with_proof": True}
    import_jobs.check(checked, by=dana, **said)
    import_jobs.work(checked.pk)
    html = Page(desk.get(page("import_job", checked.pk)))
    assert "There is nobody new on the list" in html.words
    assert not html.all("button", id="import-start")


def test_the_progress_is_fetched_again_by_itself_and_by_hand(desk, checked, dana, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 1)
    import_jobs.start(checked, seen=import_jobs.stamp(checked), by=dana)
    turns = iter([False, True])
    import_jobs.work(checked.pk, until=lambda: next(turns))
    html = Page(desk.get(page("import_job", checked.pk)))
    assert html.all("div", data_progress=page("import_now", checked.pk))
    fragment = desk.get(page("import_now", checked.pk))
    assert b"<html" not in fragment.content
    assert b"2 of 3 lines (66 %)" in fragment.content
    assert b'data-final="false"' in fragment.content
    assert b"It waits for a worker." in fragment.content
    assert b"import_report" not in fragment.content
    assert desk.get(page("import_report", checked.pk)).status_code == 404
    import_jobs.work(checked.pk)
    assert b'data-final="true"' in desk.get(page("import_now", checked.pk)).content


def test_a_sheet_with_more_rows_than_it_says_has_no_share_of_them(desk, checked):
    def progress(lines: int) -> str:
        ImportJob.objects.update(state=S.CHECKING, position=3, lines=lines)
        return desk.get(page("import_now", checked.pk)).content.decode()

    assert "3 of 4 lines (75 %)" in progress(4)
    assert "%" not in progress(2)
    assert '<progress  aria-label="Lines done">' in progress(0)


def test_a_list_that_was_only_checked_has_brought_nobody_in_when_it_is_given_up(desk, checked):
    words = Page(desk.post(page("import_cancel", checked.pk), follow=True)).words
    assert "What had been done by then stays." not in words
    assert "New readers0" in words
    assert Page(desk.get(page("import"))).all("td", data_label="New readers")[0].words == "0"


def test_why_an_import_was_given_up_stands_where_staff_look(desk, checked, dana):
    import_jobs.start(checked, seen=import_jobs.stamp(checked), by=dana)
    ImportJob.objects.update(position=2, added=1, tries=import_jobs.TRIES)
    import_jobs.work(checked.pk)
    words = Page(desk.get(page("import_job", checked.pk))).words
    assert "The import failed. Given up: after line 2, 5 workers in a row ended without a word." in words
    assert "2 lines had been gone through. What had been done by then stays." in words


def test_it_can_be_given_up(desk, checked):
    assert "The import was cancelled." in Page(desk.post(page("import_cancel", checked.pk), follow=True)).words
    again = desk.post(page("import_cancel", checked.pk), follow=True)
    assert said(again) == ["Somebody was quicker: the import has changed since you saw it. Look again."]
    assert files() == [f"{checked.handle}.csv"]


def test_what_was_changed_since_it_was_shown_is_not_imported(desk, checked):
    answer = desk.post(page("import_start", checked.pk), {"seen": "something else"}, follow=True)
    assert said(answer) == ["Somebody was quicker: the import has changed since you saw it. Look again."]
    checked.refresh_from_db()
    assert checked.state == S.CHECKED


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The submitted file is empty."),
        (b"\n\n", "The first line must name the columns: email,languages or email,languages,name."),
        (b"PK\x05\x06" + bytes(18), "This file is no list that can be read. Save it as XLSX or as CSV."),
        (
            bytes.fromhex("D0CF11E0A1B11AE1"),
            "This is an old or a protected Excel file. Save it as XLSX without a password, or as CSV.",
        ),
    ],
)
def test_a_file_that_is_no_list_is_refused_at_once_and_not_kept(desk, content, words):
    answer = send(desk, content)
    assert Page(answer).one("ul", class_="errorlist").words == words
    assert (files(), ImportJob.objects.count()) == ([], 0)


def test_a_file_that_is_too_large_is_refused_and_not_kept(desk, monkeypatch):
    monkeypatch.setattr(uploads, "LIMIT", 100_000)
    assert "Divide it." in Page(send(desk, b"a" * 200_000)).one("ul", class_="errorlist").words
    assert (files(), ImportJob.objects.count()) == ([], 0)


@pytest.mark.parametrize("begins", [True, False])
def test_a_disk_that_is_full_is_said_and_half_a_list_not_kept(desk, monkeypatch, begins):
    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    def opened(number, _mode):
        os.close(number)
        return SimpleNamespace(write=full, close=full)

    monkeypatch.setattr(*(uploads, "open", opened) if begins else (uploads.os, "open", full), raising=False)
    answer = send(desk, GERMAN)
    monkeypatch.undo()
    words = Page(answer).one("ul", class_="errorlist").words
    assert words == "VAR_DIR/imports cannot be written: No space left on device."
    assert (files(), ImportJob.objects.count()) == ([], 0)


def test_no_file_and_two_files_are_no_list_and_a_list(desk):
    assert Page(desk.post(page("import"), {})).all("ul", class_="errorlist")
    both = {"file": SimpleUploadedFile("a.csv", GERMAN.encode()), "other": SimpleUploadedFile("b.csv", b"email\n")}
    desk.post(page("import"), both)
    assert files() == [f"{ImportJob.objects.get().handle}.upload"]


def test_a_post_from_elsewhere_is_refused_and_leaves_nothing(dana):
    client = Client(enforce_csrf_checks=True)
    client.force_login(dana)
    assert send(client, GERMAN).status_code == 403
    assert not ImportJob.objects.exists()


def test_the_upload_is_for_us_alone_and_its_name_is_only_a_name(desk):
    send(desk, GERMAN, name="../../etc/<b>läse\u202etxt.csv")
    job = ImportJob.objects.get()
    assert job.file_name == "<b>läsetxt.csv"
    assert import_jobs.upload_of(job.handle).stat().st_mode & 0o777 == 0o600
    assert "<b>läsetxt.csv" in Page(desk.get(page("import"))).words


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"languages": ""}, "If no column names the languages, choose one for everybody."),
        ({"name": "1"}, "One column was chosen for two things."),
        ({"email": "7"}, "Select a valid choice. 7 is not one of the available choices."),
        ({"source": ""}, "This field is required."),
        ({"source": "from amal@example.org"}, "Leave the address out: the source stays when readers are forgotten."),
    ],
)
def test_what_makes_no_sense_is_said(desk, job, wrong, words):
    answer = desk.post(page("import_columns", job.pk), SAID | wrong)
    assert words in [tag.words for tag in Page(answer).all("ul", class_="errorlist")]
    job.refresh_from_db()
    assert job.state == S.UPLOADED


def test_a_list_that_is_gone_is_asked_for_again(desk, job):
    import_jobs.upload_of(job.handle).unlink()
    answer = desk.get(page("import_columns", job.pk), follow=True)
    assert said(answer) == ["The uploaded file is not there any more. Upload it again."]


# --- who may, and how ---------------------------------------------------------------------------------------------

OF_A_JOB = ["job", "now", "columns", "start", "cancel", "report"]


def addresses(job) -> list[str]:
    return [page("import"), *(page(f"import_{name}", job.pk) for name in OF_A_JOB)]


@pytest.mark.parametrize("method", ["get", "post"])
def test_only_who_may_import_gets_anywhere(checked, method):
    visitor = [getattr(Client(), method)(url) for url in addresses(checked)]
    assert {(answer.status_code, answer.url.partition("?")[0]) for answer in visitor} == {(302, "/en/desk/login/")}
    User.objects.all().delete()
    client = at_the_desk(person("view_subscriber", "change_subscriber", "export_subscriber", "add_importjob"))
    codes = {url: getattr(client, method)(url).status_code for url in addresses(checked)}
    safe_only = {page(f"import_{name}", checked.pk): 405 for name in ("job", "now", "report") if method == "post"}
    assert codes == dict.fromkeys(codes, 403) | safe_only
    checked.refresh_from_db()
    assert checked.state == S.CHECKED


def test_get_changes_nothing(desk, checked):
    def everything():
        return list(ImportJob.objects.values()), AuditEntry.objects.count(), Subscriber.objects.count(), files()

    before = everything()
    answers = [desk.get(url) for url in addresses(checked)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 302, 302, 200]
    assert list(answers[-1].streaming_content)  # and so closes it
    assert everything() == before


def test_an_import_that_does_not_exist_is_404(desk):
    codes = [desk.get(page(f"import_{name}", 999)).status_code for name in OF_A_JOB]
    assert codes == [404] * len(OF_A_JOB)


def test_the_way_there_is_on_the_list_for_those_who_may(desk):
    links = Page(desk.get(page("subscriber_changelist"))).links()
    assert page("import") in links
    assert page("export") not in links


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_list_of_imports_costs_the_same_for_one_and_for_three(desk, dana, jobs, django_assert_num_queries):
    for _job in range(jobs):
        uploaded(GERMAN, by=dana)
    with django_assert_num_queries(5):
        desk.get(page("import"))
