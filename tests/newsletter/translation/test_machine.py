"""A machine's first drafts: asked for, kept apart, marked as its own, and never what readers get by themselves."""

import datetime
import socket
import threading

import pytest
from django.core.checks import run_checks
from django.utils import timezone, translation

from newsletter import rendering
from newsletter.models import ItemTranslation, MachineRun, Revision, Text
from newsletter.tasks import machine_drafts
from newsletter.translation import machine, machine_wire, texts
from newsletter.translation.machine_wire import Failed
from newsletter.translation.segments import Segment
from picum.accounts.models import AuditEntry, User
from tests.newsletter.factories import contents, make_issue, make_item, make_texts
from tests.newsletter.translation.files import TEXT, an_issue, ines
from tests.newsletter.translation.machines import a_machine

pytestmark = pytest.mark.django_db
NOW = timezone.now()
TODAY = timezone.localdate()
NEVER = lambda: False  # noqa: E731
DRAFT = {
    "title": "BOAT",
    "text": '<p>A BOAT SANK. <strong>TWO</strong> PEOPLE <a href="https://x.example/?a=1&amp;b=2">DIED</a>.'
    "<br>NOBODY CAME.</p><ul><li>ONE &lt;2&gt;</li></ul>",
}


@pytest.fixture
def server():
    with a_machine() as server:
        yield server


@pytest.fixture
def libretranslate(settings, server):
    settings.MACHINE_TRANSLATION = "libretranslate"
    settings.MACHINE_TRANSLATION_URL = server.url + "/"
    settings.MACHINE_TRANSLATION_KEY = "sesame"
    return server


@pytest.fixture
def deepl(settings, server):
    settings.MACHINE_TRANSLATION = "deepl"
    settings.MACHINE_TRANSLATION_URL = server.url
    settings.MACHINE_TRANSLATION_KEY = "sesame:fx"
    return server


def boris() -> User:
    return User.objects.create_user("boris@example.org", name="Boris")


def asked_for(issue, *, by, language="pt"):
    assert machine.ask(issue, language, by=by, now=NOW)
    machine.work(issue.pk, language, until=NEVER)
    return Text.objects.filter(language=language).order_by("item_id")


def readers_get(language="pt") -> list[str]:
    return list(ItemTranslation.objects.filter(language_code=language).values_list("title", flat=True))


# --- what is asked of the machines ------------------------------------------------------------------------------------


def test_libretranslate_gets_html_and_its_key(libretranslate):
    said = machine_wire.translate(
        [Segment("a", "One ⟦1⟧two⟦/1⟧ & <b>.", {"1": "<em>"}), Segment("b", "x⟦2/⟧y", {"2": "<br>"})],
        source="en",
        target="pt",
    )
    assert said == ["ONE ⟦1⟧TWO⟦/1⟧ & <B>.", "X⟦2/⟧Y"]
    [(path, _headers, asked)] = libretranslate.asked
    assert (path, asked) == (
        "/translate",
        {
            "q": ['One <span id="1">two</span> &amp; &lt;b&gt;.', 'x<br id="2"/>y'],
            "source": "en",
            "target": "pt",
            "format": "html",
            "api_key": "sesame",
        },
    )


def test_deepl_gets_xml_its_own_languages_and_the_key_in_a_header(deepl):
    said = machine_wire.translate([Segment("a", "One ⟦1⟧two⟦/1⟧.", {"1": "<em>"})], source="en", target="pt")
    assert said == ["ONE ⟦1⟧TWO⟦/1⟧."]
    [(path, headers, asked)] = deepl.asked
    assert (path, headers["Authorization"]) == ("/v2/translate", "DeepL-Auth-Key sesame:fx")
    assert asked == {
        "text": ['One <g id="1">two</g>.'],
        "context": "One two.",
        "source_lang": "EN",
        "target_lang": "PT-PT",
        "tag_handling": "xml",
        "split_sentences": "0",
    }


def test_many_sentences_go_in_several_calls(deepl):
    said = machine_wire.translate([Segment(str(n), f"s{n}") for n in range(85)], source="es", target="en")
    assert said == [f"S{n}" for n in range(85)]
    assert [(len(asked["text"]), asked["target_lang"]) for _path, _headers, asked in deepl.asked] == [
        (40, "EN-GB"),
        (40, "EN-GB"),
        (5, "EN-GB"),
    ]


@pytest.mark.parametrize("spoilt", ["two", "<g id='1'>two", "<g id='2'>two</g>", "<g>two</g>", "two</g>", "⟦1⟧two⟦/1⟧"])
def test_marks_that_the_machine_spoils_are_left_out(deepl, spoilt):
    deepl.spoils = lambda words: spoilt
    [said] = machine_wire.translate([Segment("a", "⟦1⟧two⟦/1⟧", {"1": "<em>"})], source="en", target="pt")
    assert said in {"two", "[[1]]two[[/1]]"}


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (403, None, "DeepL does not take our key. Whoever runs this site can set it."),
        (456, None, "The characters that DeepL allows us are used up."),
        (429, None, "DeepL has too much to do. Try again later."),
        (500, None, "DeepL refused to translate (HTTP 500)."),
        (302, None, "DeepL refused to translate (HTTP 302)."),
        (200, b"<html>", "DeepL gave an answer that cannot be understood."),
        (200, b"[]", "DeepL gave an answer that cannot be understood."),
        (200, b'{"translations": []}', "DeepL gave an answer that cannot be understood."),
        (200, b'{"translations": [{"text": 5}]}', "DeepL gave an answer that cannot be understood."),
        (200, b'{"translations": 5}', "DeepL gave an answer that cannot be understood."),
        (200, b" " * 2_100_000, "DeepL gave an answer that cannot be understood."),
    ],
)
def test_what_goes_wrong_is_one_sentence(deepl, status, body, told):
    deepl.status, deepl.body, deepl.headers = status, body, {"Location": "/elsewhere"} if status == 302 else {}
    with pytest.raises(Failed) as failed:
        machine_wire.translate([Segment("a", "two")], source="en", target="pt")
    assert str(failed.value) == told
    assert len(deepl.asked) == 1


def test_a_machine_that_is_not_there_is_told(libretranslate, settings):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.MACHINE_TRANSLATION_URL = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(Failed, match="LibreTranslate cannot be reached"):
            machine_wire.translate([Segment("a", "two")], source="en", target="pt")


def test_a_machine_that_hangs_is_not_waited_for(libretranslate, monkeypatch):
    release = threading.Event()
    libretranslate.before = lambda: release.wait(5)
    monkeypatch.setattr(machine_wire, "SECONDS", (0.2, 0.2))
    with pytest.raises(Failed, match="did not answer in time"):
        machine_wire.translate([Segment("a", "two")], source="en", target="pt")
    release.set()


# --- drafting ---------------------------------------------------------------------------------------------------------


def test_drafts_stand_apart_and_no_reader_gets_them(libretranslate):
    issue = an_issue()
    [text] = asked_for(issue, by=boris())
    assert (text.machine, text.machine_source, text.number, text.working, text.is_machine) == (DRAFT, 1, 0, None, False)
    assert readers_get() == []
    run = MachineRun.objects.get()
    assert (run.language, run.ended_at is not None, run.reason) == ("pt", True, "")
    entry = AuditEntry.objects.get(action="text.machine_ask")
    assert entry.data == {"language": "pt", "service": "LibreTranslate"}


def test_only_what_is_missing_goes_to_the_machine(libretranslate):
    person = ines()
    issue = an_issue()
    make_item(issue, en="Translated already", pt="Traduzido")
    typed = make_item(issue, en="Somebody types this", original="en")
    texts.keep(texts.find(typed, "pt"), {"title": "Al", "text": ""}, seen=0, source_seen=1, by=person, now=NOW)
    make_item(issue, pt="Escrito em português")
    tomorrow = make_item(issue, en="Not before tomorrow")
    tomorrow.not_before = TODAY + datetime.timedelta(days=1)
    tomorrow.save(update_fields=["not_before"])
    make_texts(issue, "en", subject="May", masthead="", message="", donation="")
    asked_for(issue, by=person)
    sent = " ".join(" ".join(asked["q"]) for _path, _headers, asked in libretranslate.asked)
    assert "May" in sent
    assert "boat" in sent
    for words in ("Translated already", "Somebody", "português", "tomorrow"):
        assert words not in sent
    standing = machine.standing(contents(issue), "pt", today=TODAY)
    assert ([one.title for one in standing.drafted], standing.waiting, standing.held_back) == (
        ["The words around the items", "Boat"],
        [],
        1,
    )


def test_a_draft_of_an_older_source_is_made_anew(libretranslate):
    person, issue = boris(), an_issue()
    asked_for(issue, by=person)
    source = texts.find(issue.items.get(), "en")
    texts.store(source, {"title": "Ship", "text": TEXT}, state="review", how=Revision.How.PAGE, by=person, now=NOW)
    assert len(machine.standing(contents(issue), "pt", today=TODAY).waiting) == 1
    [text] = asked_for(issue, by=person)
    assert (text.machine["title"], text.machine_source) == ("SHIP", 2)


def test_what_was_done_before_the_machine_failed_stays_and_the_reason_is_told(libretranslate):
    person, issue = boris(), an_issue()
    make_item(issue, en="Second")
    libretranslate.before = lambda: setattr(libretranslate, "status", 429 if len(libretranslate.asked) > 1 else 200)
    asked_for(issue, by=person)
    assert [bool(text.machine) for text in Text.objects.filter(language="pt")] == [True]
    run = MachineRun.objects.get()
    with translation.override("en"):
        assert (run.ended_at is not None, str(run.reason)) == (
            True,
            "LibreTranslate has too much to do. Try again later.",
        )
    libretranslate.before = lambda: setattr(libretranslate, "status", 200)
    asked_for(issue, by=person)
    assert [text.machine["title"] for text in Text.objects.filter(language="pt").order_by("item_id")] == [
        "BOAT",
        "SECOND",
    ]


def test_who_begins_to_write_meanwhile_is_not_disturbed(libretranslate, monkeypatch):
    issue = an_issue()
    text = texts.find(issue.items.get(), "pt")
    translate = machine_wire.translate

    def while_somebody_begins(*sentences, **languages):
        Text.objects.filter(pk=text.pk).update(working={"title": "Barco", "text": ""})
        return translate(*sentences, **languages)

    # Not in the server: its thread does not see the rows of the test's transaction.
    monkeypatch.setattr(machine_wire, "translate", while_somebody_begins)
    asked_for(issue, by=ines())
    text.refresh_from_db()
    assert (text.machine, text.working["title"], len(libretranslate.asked)) == (None, "Barco", 1)


def test_two_presses_are_one_run_and_two_workers_do_it_once(libretranslate):
    person, issue = boris(), an_issue()
    assert machine.ask(issue, "pt", by=person, now=NOW)
    assert not machine.ask(issue, "pt", by=person, now=NOW)
    MachineRun.objects.update(lease_until=timezone.now() + datetime.timedelta(minutes=1))
    machine.work(issue.pk, "pt", until=NEVER)
    assert libretranslate.asked == []
    MachineRun.objects.update(lease_until=timezone.now() - datetime.timedelta(minutes=1))  # that worker is gone
    machine.work(issue.pk, "pt", until=NEVER)
    assert len(libretranslate.asked) == 1


def test_a_worker_that_has_to_stop_leaves_the_rest_to_another(libretranslate):
    person, issue = boris(), an_issue()
    machine.ask(issue, "pt", by=person, now=NOW)
    machine.work(issue.pk, "pt", until=lambda: True)
    run = MachineRun.objects.get()
    assert (run.ended_at, run.lease_until, libretranslate.asked) == (None, None, [])


def test_who_waits_too_long_is_rung_for_again(libretranslate, monkeypatch):
    rung = []
    monkeypatch.setattr("newsletter.translation.machine.ring", lambda *bell, **_how: rung.append(bell))
    person, issue = boris(), an_issue()
    machine.ask(issue, "pt", by=person, now=NOW)
    machine.ring_for_waiting(now=NOW)
    MachineRun.objects.update(lease_until=NOW + datetime.timedelta(minutes=1))
    machine.ring_for_waiting(now=NOW)
    machine.ring_for_waiting(now=NOW + datetime.timedelta(minutes=2))
    MachineRun.objects.update(ended_at=NOW)
    machine.ring_for_waiting(now=NOW + datetime.timedelta(minutes=2))
    assert rung == [("newsletter.machine_drafts", issue.pk, "pt")] * 2


def test_a_bell_for_nothing_is_no_matter(db):
    machine_drafts(4711, "pt")
    assert MachineRun.objects.count() == 0


# --- what becomes of a draft ------------------------------------------------------------------------------------------


def test_an_editors_say_so_makes_drafts_the_text_marked_as_a_machines(libretranslate):
    person, issue = boris(), an_issue()
    asked_for(issue, by=person)
    assert machine.use_unreviewed(contents(issue), "pt", by=person, now=NOW) == (1, [])
    text = Text.objects.get(language="pt")
    assert (text.is_machine, text.machine, text.state, text.number, text.source_number) == (True, None, "draft", 1, 1)
    assert text.revisions.get().how == Revision.How.MACHINE
    assert readers_get() == ["BOAT"]
    assert AuditEntry.objects.get(action="text.machine_unreviewed").data == {
        "language": "pt",
        "used": 1,
        "refused": 0,
    }


def test_a_person_who_stores_other_words_takes_the_mark_away(libretranslate):
    person, issue = boris(), an_issue()
    asked_for(issue, by=person)
    machine.use_unreviewed(contents(issue), "pt", by=person, now=NOW)
    text = texts.find(issue.items.get(), "pt")
    texts.store(
        text, {"title": "Barco", "text": "<p>Um.</p>"}, state="review", how=Revision.How.PAGE, by=person, now=NOW
    )
    assert not Text.objects.get(language="pt").is_machine


def test_and_so_does_who_changes_them_in_the_form_of_the_item(libretranslate):
    person, issue = boris(), an_issue()
    asked_for(issue, by=person)
    machine.use_unreviewed(contents(issue), "pt", by=person, now=NOW)
    item = issue.items.get()
    texts.noticed(item, "pt", by=person, how=Revision.How.FORM, now=NOW)
    assert Text.objects.get(language="pt").is_machine  # saved as they are
    item.translations.filter(language_code="pt").update(title="Barco")
    texts.noticed(texts.thing_of(texts.find(item, "pt")), "pt", by=person, how=Revision.How.FORM, now=NOW)
    assert not Text.objects.get(language="pt").is_machine


def test_another_language_and_what_somebody_writes_are_not_touched(libretranslate):
    person, issue = boris(), an_issue()
    asked_for(issue, by=person)
    asked_for(issue, by=person, language="es")
    text = Text.objects.get(language="pt")
    texts.keep(text, {"title": "Barco", "text": ""}, seen=0, source_seen=1, by=person, now=NOW)
    assert machine.use_unreviewed(contents(issue), "pt", by=person, now=NOW) == (0, [])
    assert (readers_get("pt"), readers_get("es")) == ([], [])


def test_a_draft_that_is_too_long_is_told_and_left(libretranslate):
    person, issue = boris(), make_issue(languages=[])
    make_item(issue, en=("a " * 99, "<p>A boat.</p>"))
    libretranslate.spoils = lambda words: words * 2
    asked_for(issue, by=person)
    used, [why] = machine.use_unreviewed(contents(issue), "pt", by=person, now=NOW)
    assert (used, why.endswith("is longer than 200 characters.")) == (0, True)
    assert Text.objects.get(language="pt").machine


def test_readers_are_told_that_a_machine_translated(libretranslate, client):
    person, issue = boris(), make_issue(languages=[])
    make_item(issue, original="es", es="Uno")
    make_item(issue, original="es", es="Dos", en="Two")
    asked_for(issue, by=person, language="en")
    machine.use_unreviewed(contents(issue), "en", by=person, now=NOW)
    composition = rendering.compose(contents(issue), "en")
    assert [(entry.title, entry.is_machine) for entry in composition.entries] == [("UNO", True), ("Two", False)]
    mail = rendering.render_mail(composition, token="token")
    said = "Translated by a machine, and not checked by a person"
    assert (mail.html.count(said), mail.text.count(said)) == (1, 1)
    issue.editions.update(state="sent", published_at=NOW, frozen_at=NOW)
    page = client.get(f"/en{issue.items.first().get_absolute_url().removeprefix('/en')}")
    assert page.content.decode().count(said) == 1
    spanish = rendering.compose(contents(issue), "es")
    assert [entry.is_machine for entry in spanish.entries] == [False, False]


# --- the settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "url", "key", "found"),
    [
        ("", "", "", []),
        ("", "http://x.example", "key", []),
        ("google", "", "", ["newsletter.E050"]),
        ("libretranslate", "", "", ["newsletter.E051"]),
        ("libretranslate", "translate.example", "", ["newsletter.E052"]),
        ("libretranslate", "http://translate.example", "", ["newsletter.W050"]),
        ("libretranslate", "http://127.0.0.1:5000", "", []),
        ("libretranslate", "https://translate.example", "", []),
        ("deepl", "", "", ["newsletter.E051"]),
        ("deepl", "", "key", []),
    ],
)
def test_what_the_settings_lack_is_told(settings, name, url, key, found):
    settings.MACHINE_TRANSLATION, settings.MACHINE_TRANSLATION_URL = name, url
    settings.MACHINE_TRANSLATION_KEY = key
    told = [one for one in run_checks() if one.id and one.id[:-1] in {"newsletter.E05", "newsletter.W05"}]
    assert [one.id for one in told] == found
    assert all(one.hint for one in told)


@pytest.mark.parametrize(
    ("name", "key", "host"),
    [("", "", None), ("deepl", "a:fx", "api-free.deepl.com"), ("deepl", "a", "api.deepl.com"), ("deepl", "", None)],
)
def test_the_settings_say_where_words_go(settings, name, key, host):
    settings.MACHINE_TRANSLATION, settings.MACHINE_TRANSLATION_KEY = name, key
    settings.MACHINE_TRANSLATION_URL = ""
    found = machine_wire.service()
    assert (found.host if found else None) == host
