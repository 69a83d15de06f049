"""`manage.py import_subscribers`: anybody's spreadsheet becomes readers; what cannot is said line by line."""

import io
import logging
import tracemalloc

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from newsletter import importing, lists, subscriptions
from newsletter.lists import Refused, Row
from newsletter.models import Consent, SignUp, Subscriber, Suppression
from picum.accounts.models import AuditEntry
from picum.addresses import address_key
from tests.newsletter.factories import make_subscriber
from tests.newsletter.lists import rows, spreadsheet

HEADER = "email,languages,name\n"


@pytest.fixture
def run(tmp_path, db):
    """Write a file, import it, and get the lines that the command says."""

    def run(content, *, name="readers.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        out = io.StringIO()
        call_command("import_subscribers", str(path), stdout=out, **options)
        return out.getvalue().splitlines()

    return run


def readers():
    return sorted(Subscriber.objects.values_list("address", "languages", "name"))


def totals(added=0, already=0, refused=0):
    return [
        f"{added} reader{'s' if added != 1 else ''} added",
        f"{already} already there",
        f"{refused} line{'s' if refused != 1 else ''} refused",
    ]


# --- what is imported ---------------------------------------------------------------------------------------------


def test_everybody_on_the_list_is_subscribed_in_their_languages(run):
    said = run(HEADER + "amal@example.org,pt es en,Amal\nboris@example.org,de,\n", source="conference 2026")
    assert said == totals(added=2)
    assert readers() == [("amal@example.org", "pt es en", "Amal"), ("boris@example.org", "de", "")]
    amal = Subscriber.objects.get(address="amal@example.org")
    assert (amal.state, amal.source) == (Subscriber.State.SUBSCRIBED, "conference 2026")
    assert amal.subscribed_at is not None
    assert amal.address_key == address_key("amal@example.org")
    assert subscriptions.reader_for(subscriptions.token_for(amal)) == amal


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_any_common_encoding_and_delimiter_will_do(run, encoding, delimiter, ending):
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    rows = [
        ["email", "languages", "name"],
        ["amal@example.org", "pt es", "Amália Ñúñez – “Zé”"],
        ["boris@example.org", "de"],
    ]
    content = (mark + ending.join(delimiter.join(row) for row in rows)).encode(encoding)
    assert run(content) == totals(added=2)
    assert readers() == [("amal@example.org", "pt es", "Amália Ñúñez – “Zé”"), ("boris@example.org", "de", "")]


@pytest.mark.parametrize(
    "content",
    [
        "email,languages\namal@example.org,pt es en\n",
        'email,languages\namal@example.org,"pt,es,en"\n',
        "email;languages\namal@example.org;pt,es,en\n",
        "email,languages\namal@example.org,pt|es|en\n",
        "email,languages\n amal@example.org , PT / es;EN \n",
        "email,languages\namal@example.org,pt es pt en\n",
        '"Languages","E","EMAIL"\n"pt es en","x","amal@example.org"\n',
        "sep=;\nemail;languages;\namal@example.org;pt es en;\n",
        "\n\nemail,languages\n\n,\namal@example.org,pt es en\n\n",
        "email,languages,name\namal@example.org,pt es en",
        "email,languages,notes\namal@example.org,pt es en,a note\x01 nobody reads\n",
    ],
)
def test_a_list_may_be_written_in_many_ways(run, content):
    assert run(content) == totals(added=1)
    assert readers() == [("amal@example.org", "pt es en", "")]


def test_an_address_is_stored_in_its_one_form(run):
    run("email,languages\nAmal@EXAMPLE.org,en\nINFO@example.org,en\njosé@xn--bcher-kva.example,es\n")
    assert [address for address, *_rest in readers()] == [
        "Amal@example.org",
        "info@example.org",
        "josé@bücher.example",
    ]


def test_without_a_source_the_name_of_the_file_is_it(run):
    run("email,languages\namal@example.org,en\n", name="péople 2026.csv")
    assert Subscriber.objects.get().source == "péople 2026.csv"


# --- what is refused, and said ------------------------------------------------------------------------------------

LANGUAGES = "en, de, nl, es, fr, it, pt"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("amal,en,", "“amal” is not a mail address"),
        (",en,Amal", "“” is not a mail address"),
        ("a@localhost,en,", "“a@localhost” is not a mail address"),
        ("a@[127.0.0.1],en,", "“a@[127.0.0.1]” is not a mail address"),
        ("Amal <amal@example.org>,en,", "“Amal <amal@example.org>” is not a mail address"),
        ("amal@example.org,xx,", f"“xx” is not one of the languages {LANGUAGES}"),
        ("amal@example.org,en pt-BR,", f"“pt-br” is not one of the languages {LANGUAGES}"),
        ("amal@example.org,,", "no language is given"),
        ("amal@example.org,|,", "no language is given"),
        ("amal@example.org", "no language is given"),
        ("amal@example.org,en,Amal,more", "it has more cells than the first line"),
        ('amal@example.org,en,"Amal', "a quotation mark is not closed on this line"),
        ('amal@example.org,en,"Amal" Haddad', "a quotation mark is not closed on this line"),
        ("amal@example.org,en,Am\0al", "it contains characters that cannot be read"),
        ("am\0al@example.org,en,", "it contains characters that cannot be read"),
        ("amal@example.org,en,\x1b[2J", "it contains characters that cannot be read"),
        ("amal@example.org,en,\ufffd", "it contains characters that cannot be read"),
        (f"amal@example.org,en,{'a' * 151}", "the name is longer than 150 characters"),
        (f"amal@example.org,en,{'a' * 1_001}", "it, or one of its cells, is far too long"),
        (f"amal@example.org,en,{'a' * 300_000}", "it, or one of its cells, is far too long"),
        (",".join(["amal@example.org"] * 10_000), "it, or one of its cells, is far too long"),
    ],
)
def test_a_broken_line_is_refused_with_its_reason_and_costs_no_other(run, row, reason):
    said = run(HEADER + f"first@example.org,en,\n{row}\nlast@example.org,en,\n")
    assert said == [f"line 3: {reason}", *totals(added=2, refused=1)]
    assert [address for address, *_rest in readers()] == ["first@example.org", "last@example.org"]


def test_a_cell_that_goes_over_several_lines_costs_those_lines_only(run):
    said = run(HEADER + 'amal@example.org,en,"Amal\nHaddad"\nboris@example.org,en,\n')
    assert said == [
        "line 2: a quotation mark is not closed on this line",
        'line 3: “Haddad"” is not a mail address',
        *totals(added=1, refused=2),
    ]


def test_bytes_that_are_no_letters_are_refused_with_their_line_only(run):
    assert run(b"email,languages,name\namal@example.org,en,Am\x81l\nboris@example.org,en,Bor\xefs\n") == [
        "line 2: it contains characters that cannot be read",
        *totals(added=1, refused=1),
    ]
    assert readers() == [("boris@example.org", "en", "Borïs")]


def test_a_file_in_utf_16_that_was_cut_off_loses_its_last_line_only(run):
    content = "email,languages\namal@example.org,en\nboris@example.org,en".encode("utf-16")
    assert run(content[:-1]) == ["line 3: it contains characters that cannot be read", *totals(added=1, refused=1)]


def test_an_address_twice_in_the_file_counts_where_it_stands_first(run):
    said = run(
        "email,languages\namal@example.org,pt\nAMAL@Example.ORG,en\nboris@example.org,en\n amal@example.org,de\n"
    )
    again = "the address is further up in the file already"
    assert said == [f"line 3: {again}", f"line 5: {again}", *totals(added=2, refused=2)]
    assert readers() == [("amal@example.org", "pt", ""), ("boris@example.org", "en", "")]


def test_who_is_there_stays_as_they_are_and_who_left_does_not_come_back(run):
    make_subscriber("there@example.org", "fr nl", name="Carla", source="sign-up")
    subscriptions.unsubscribe(make_subscriber("left@example.org"), how="page")
    Suppression.objects.create(address_key=address_key("erased@example.org"), reason="erased")
    Suppression.objects.create(address_key=address_key("bounced@example.org"), reason="bounced")
    make_subscriber("bounced@example.org")
    before = list(Subscriber.objects.order_by("pk").values())
    names = ["there", "THERE", "left", "Left", "erased", "bounced"]
    said = run("email,languages\n" + "".join(f"{name}@example.org,en\n" for name in names))
    assert said == [
        "line 3: the address is further up in the file already",
        "line 4: this reader has left the newsletter",
        "line 5: the address is further up in the file already",
        "line 6: the address is on the stop list",
        "line 7: the address is on the stop list",
        *totals(already=1, refused=5),
    ]
    assert list(Subscriber.objects.order_by("pk").values()) == before


def test_the_same_file_twice_changes_nothing_the_second_time(run):
    content = HEADER + "amal@example.org,pt,Amal\nboris@example.org,de,\n"
    run(content)
    before = list(Subscriber.objects.order_by("pk").values())
    assert run(content, source="again") == totals(already=2)
    assert list(Subscriber.objects.order_by("pk").values()) == before


def test_a_dry_run_says_the_same_and_changes_nothing(run):
    make_subscriber("there@example.org")
    content = "email,languages\namal@example.org,pt\nthere@example.org,en\nnobody,en\namal@example.org,pt\n"
    dry = run(content, dry_run=True)
    assert Subscriber.objects.count() == 1
    assert not AuditEntry.objects.exists()
    assert dry == [
        "line 4: “nobody” is not a mail address",
        "line 5: the address is further up in the file already",
        "A dry run: nothing has been changed.",
        *totals(added=1, already=1, refused=2),
    ]
    assert [line for line in dry if "dry run" not in line] == run(content)


# --- files that are no list ---------------------------------------------------------------------------------------

NO_HEADER = "The first line must name the columns: email,languages or email,languages,name."


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"amal@example.org,pt\n",
        b"email\namal@example.org\n",
        b"email|languages\namal@example.org|pt\n",
        b"email,languages,email\namal@example.org,pt,boris@example.org\n",
        b'email,languages,"\namal@example.org,pt,\n',
        b"x" * 2_000_000,
        b"PK\x03\x04" + bytes(range(256)) * 9,
        bytes(5_000),
        b"\xff\xfe\x00",
    ],
)
def test_a_file_without_a_header_is_refused_in_one_sentence(run, content):
    with pytest.raises(CommandError) as refused:
        run(content)
    assert (str(refused.value), refused.value.returncode) == (NO_HEADER, 1)
    assert not Subscriber.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_file_that_cannot_be_opened_is_refused_in_one_sentence(tmp_path, db):
    (link := tmp_path / "round.csv").symlink_to("round.csv")
    for path, sentence in (
        (tmp_path / "nix.csv", f"{tmp_path}/nix.csv is not a file."),
        (tmp_path, f"{tmp_path} is not a file."),
        (tmp_path / ("long" * 99), f"{tmp_path}/{'long' * 99} cannot be read: File name too long."),
        (link, f"{link} is not a file."),
    ):
        with pytest.raises(CommandError) as refused:
            call_command("import_subscribers", str(path))
        assert str(refused.value) == sentence


def test_a_source_that_is_too_long_is_refused_before_anything_happens(run):
    with pytest.raises(CommandError, match=r"^--source may have 100 characters at most\.$"):
        run(HEADER + "amal@example.org,en,\n", source="s" * 101)
    assert not Subscriber.objects.exists()


# --- other lists --------------------------------------------------------------------------------------------------


def test_a_spreadsheet_is_known_by_its_content(run, tmp_path):
    table = rows(["E-Mail", "Sprache"], ["amal@example.org", "Deutsch, fr"])
    assert run(spreadsheet(tmp_path / "x", table).read_bytes(), name="list.csv") == totals(added=1)
    assert readers() == [("amal@example.org", "de fr", "")]


@pytest.mark.parametrize(
    "columns", ["email=Kontakt,languages=Spr.", "email=2,languages=1", "email=kontakt, languages=1"]
)
def test_columns_may_be_named_or_numbered(run, columns):
    assert run("Spr.;Kontakt\nde;amal@example.org\n", columns=columns) == totals(added=1)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ("mail=Kontakt", "--columns names email, languages and name."),
        ("email=3", "There is no column “3”, or more than one."),
        ("email=Nix", "There is no column “Nix”, or more than one."),
    ],
)
def test_columns_that_are_not_there_are_said(run, columns, sentence):
    with pytest.raises(CommandError) as refused:
        run("Spr.;Kontakt\nde;amal@example.org\n", columns=columns)
    assert str(refused.value) == sentence


def test_a_list_of_addresses_alone_needs_a_language_for_all(run):
    with pytest.raises(CommandError, match="The first line must name the columns"):
        run("mail\namal@example.org\n")
    assert run("mail\namal@example.org\n", language="nl") == totals(added=1)
    assert readers() == [("amal@example.org", "nl", "")]


def test_without_proof_everybody_is_asked(run):
    assert run(HEADER + "amal@example.org,pt,\n", without_proof=True) == ["1 asked to confirm", *totals()[1:]]
    assert (readers(), SignUp.objects.get().address) == ([], "amal@example.org")
    assert AuditEntry.objects.get().data == {"source": "readers.csv", "asked": 1, "already_there": 0, "refused": 0}


def test_the_report_has_each_line_and_no_address(run, tmp_path):
    run(HEADER + "amal@example.org,pt,\nboris@,de,\n", report=tmp_path / "report.csv")
    assert (tmp_path / "report.csv").read_text(encoding="utf-8-sig").splitlines() == [
        "line,what,why",
        "2,added,",
        "3,refused,it is not an address to which a mail could be sent",
    ]
    with pytest.raises(CommandError, match=f"{tmp_path}: Is a directory"):
        run(HEADER + "carla@example.org,pt,\n", report=tmp_path)
    assert len(readers()) == 1


def test_the_report_does_not_take_the_place_of_the_list(run, tmp_path):
    text = HEADER + "amal@example.org,pt,\n"
    with pytest.raises(CommandError, match=r"readers\.csv: File exists$"):
        run(text, report=tmp_path / ".." / tmp_path.name / "readers.csv")
    assert (tmp_path / "readers.csv").read_text() == text
    run(text, report=tmp_path / "report.csv")
    assert run(text, report=tmp_path / "report.csv") == totals(already=1)


def test_the_ledger_says_where_the_proof_is_and_never_an_address(run):
    run(HEADER + "amal@example.org,pt,\n", source="signed list, fair")
    line = Consent.objects.get()
    assert (line.kind, line.how, line.detail) == ("given", "import", "signed list, fair")
    with pytest.raises(CommandError, match=r"^--source is kept for ever: it may not hold an address\.$"):
        run(HEADER + "boris@example.org,pt,\n", name="from amal@example.org.csv")


# --- many, and at the same time -----------------------------------------------------------------------------------


def test_batches_are_one_list(run, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)
    lines = [
        "a@example.org,en",
        "nobody,en",
        "b@example.org,en",
        "c@example.org,en",
        "A@example.org,en",
        "d@example.org,xx",
    ]
    assert run("email,languages\n" + "\n".join(lines)) == [
        "line 3: “nobody” is not a mail address",
        "line 6: the address is further up in the file already",
        f"line 7: “xx” is not one of the languages {LANGUAGES}",
        *totals(added=3, refused=3),
    ]


@pytest.mark.parametrize("number", [1, 3])
def test_a_batch_asks_the_database_as_often_for_three_rows_as_for_one(db, django_assert_num_queries, number):
    rows = [Row(line, f"reader{line}@example.org", "en") for line in range(2, 2 + number)]
    # savepoint and release, known, stopped, insert, the ledger's head and lines, audit; PostgreSQL: the ledger's lock
    with django_assert_num_queries(9 if connection.vendor == "postgresql" else 8):
        assert importing.import_rows(rows, source="test").added == number


def test_who_comes_in_by_another_door_in_the_meantime_is_there_already(db):
    rows = [Row(2, "amal@example.org", "en"), Row(3, "boris@example.org", "en")]
    came = []

    def another_door(execute, sql, params, many, context):
        if sql.startswith("INSERT") and "newsletter_subscriber" in sql and not came:
            came.append("amal")
            make_subscriber("amal@example.org", "fr", source="sign-up")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(another_door):
        report = importing.import_rows(rows, source="list")
    assert (report.added, report.already_there, report.refused) == (1, 1, 0)
    assert sorted(Subscriber.objects.values_list("address", "languages", "source")) == [
        ("amal@example.org", "fr", "sign-up"),
        ("boris@example.org", "en", "list"),
    ]


def test_an_endless_line_takes_no_memory(tmp_path):
    path = tmp_path / "endless.csv"
    path.write_text("email,languages\n" + "a" * 20_000_000 + "\namal@example.org,en\n")
    tracemalloc.start()
    rows = list(lists.read(path))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows == [Refused(2, "it, or one of its cells, is far too long"), Row(3, "amal@example.org", "en")]
    assert peak < 1_000_000  # bytes


def test_the_deed_leaves_an_audit_line_and_no_address_in_the_log(run, caplog):
    caplog.set_level(logging.DEBUG)
    run(HEADER + "amal@example.org,en,Amal\nboris@,en,\n", source="fair")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.data) == (
        "subscriber.import",
        {"source": "fair", "added": 1, "already_there": 0, "refused": 1},
    )
    assert "amal" not in caplog.text.lower()
    assert "boris" not in caplog.text
