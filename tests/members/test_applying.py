"""An application is begun for an address, filled in step by step, and sent; what nobody goes on with is deleted."""

import datetime

import pytest
import time_machine
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from members import applications, applying, shelf, steps
from members.forms.choosing import Lists
from members.models import Application, ApplicationEntry, Category, Paper
from members.papers import clean_paper
from newsletter import subscriptions
from newsletter.models import Consent, SignUp, SystemMail
from picum.accounts.limits import TooMany
from picum.accounts.models import Rate
from picum.addresses import InvalidAddress
from picum.letters.models import Letter
from tests.members.applicants import ADDRESS, ANSWERS, NOW, Applicant, letters, make_draft, statutes
from tests.members.factories import make_code

pytestmark = pytest.mark.django_db
State = Application.State
DAY = datetime.timedelta(days=1)
LANGUAGES = [code for code, _name in settings.LANGUAGES]


@pytest.fixture(autouse=True)
def a_monday_in_november():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def code():
    return make_code()


@pytest.fixture
def amal(code):
    return Applicant(make_draft(now=NOW - datetime.timedelta(minutes=1)))


@pytest.fixture
def ready(amal):
    """She has filled in everything."""
    amal.fills_in()
    amal.now_holds()
    return amal


def files() -> list[str]:
    return sorted(shelf.names())


# --- beginning ----------------------------------------------------------------------------------------------------


def test_who_begins_gets_a_link_and_with_it_a_draft():
    application = make_draft()
    assert (application.state, application.email, application.kind) == (State.DRAFT, ADDRESS, "organisation")
    (message,) = letters()
    assert message.to == [ADDRESS]
    assert f"/en/apply/{applying.token_for(application)}/" in message.body


def test_an_address_that_has_begun_gets_its_link_again_and_no_second_draft():
    draft = make_draft()
    assert make_draft() == draft
    assert Application.objects.count() == 1
    assert len(letters()) == 2


def test_a_domain_that_only_looks_alike_in_capitals_gets_no_link_to_somebody_s_application():
    theirs = make_draft("amal@github.example")
    mine = make_draft("amal@gıthub.example")
    assert mine != theirs
    assert Application.objects.count() == 2


def test_an_application_that_was_sent_is_found_again_too(ready):
    applying.send(ready.application, now=NOW)
    letters()
    make_draft()
    assert Application.objects.count() == 1
    (message,) = letters()
    assert "You have sent it already." in message.body


def test_after_a_final_word_one_can_begin_anew(ready):
    sent = applying.send(ready.application, now=NOW)
    applications.withdraw(sent, now=NOW)
    assert Application.objects.filter(email=ADDRESS).count() == 1
    applying.start(ADDRESS, category=sent.category, language="en", network="", now=NOW)
    assert Application.objects.filter(email=ADDRESS, state=State.DRAFT).count() == 1


def test_a_person_and_an_organisation_can_have_one_address():
    make_draft()
    assert make_draft(category="ordinary").kind == "person"
    assert Application.objects.count() == 2


def test_an_address_gets_three_such_mails_a_day_and_nobody_is_told():
    for _time in range(5):
        make_draft()
    assert len(letters()) == 3
    make_draft(now=NOW + DAY)
    assert len(letters(NOW + DAY)) == 1


def test_a_network_that_asks_too_often_is_told_so():
    category = Category.objects.get(key="affiliated")

    def ask(number: int) -> None:
        address = f"amal{number}@example.org"
        applying.start(address, category=category, language="en", network="192.0.2.0/24", now=NOW)

    for number in range(10):
        ask(number)
    with pytest.raises(TooMany):
        ask(10)
    assert Application.objects.count() == Letter.objects.count() == 10


def test_what_is_no_address_begins_nothing():
    with pytest.raises(InvalidAddress):
        make_draft("amal at home")
    assert [model.objects.count() for model in (Application, Letter, Rate)] == [0, 0, 0]


# --- the newsletter -----------------------------------------------------------------------------------------------


def test_without_the_tick_nothing_is_asked_of_the_newsletter(ready):
    applying.send(ready.application, now=NOW)
    assert ready.now_holds().answers["newsletter"] is False
    assert [model.objects.count() for model in (SignUp, SystemMail, Consent)] == [0, 0, 0]


def test_with_the_tick_the_address_is_asked_like_every_other_one(ready):
    ready.saves("choices", newsletter="on")
    assert SignUp.objects.count() == 0  # not before it is sent
    applying.send(ready.now_holds(), now=NOW)
    (sign_up,) = SignUp.objects.all()
    assert (sign_up.address, sign_up.languages, sign_up.how, sign_up.source) == (ADDRESS, "pt", "member", "application")
    words = sign_up.wording
    assert (words.text, words.digest) == subscriptions.words_of_consent("en")  # which she had before her eyes
    assert sign_up.confirmed_at is None
    assert [mail.kind for mail in SystemMail.objects.all()] == ["sign-up"]
    assert Consent.objects.count() == 0  # before the address says yes


def test_words_that_changed_meanwhile_have_to_be_read_again(ready):
    assert ready.saves("choices", newsletter="on", newsletter_wording="\0").status_code == 200
    response = ready.saves("choices", newsletter="on", newsletter_wording="0" * 64)
    assert "have changed since you opened this page" in response.content.decode()
    assert ready.now_holds().answers["newsletter"] is False


# --- sending ------------------------------------------------------------------------------------------------------


def test_what_is_complete_can_be_sent_and_everybody_concerned_is_written_to(ready):
    letters()
    sent = applying.send(ready.application, now=NOW)
    assert (sent.state, sent.submitted_at, sent.language) == (State.SUBMITTED, NOW, "pt")
    assert (sent.name, sent.country, sent.code_signed_by, sent.code_signed_at) == (
        "Rua Aberta",
        "PT",
        "Amal Duarte",
        NOW,
    )
    assert sent.code.version == "2026"
    expected = {"applicant": (ADDRESS, "pt"), "rosa": ("rosa@example.org", "pt"), "jan": ("jan@example.net", "nl")}
    written = {(message.to[0], message.extra_headers["Content-Language"]) for message in letters()}
    assert written == set(expected.values())


def test_an_application_holds_the_answers_under_the_names_that_others_read(ready):
    held = applying.send(ready.application, now=NOW).answers
    assert held == {
        "name": "Rua Aberta",
        "acronym": "RA",
        "country": "PT",
        "registration_number": "PT 501 234",
        "street": "Rua da Paz 1",
        "postcode": "1100-001",
        "city": "Lisboa",
        "email": "geral@ruaaberta.example",
        "telephone": "+351 21 000 00 00",
        "website": "https://ruaaberta.example",
        "type": "migrants-rights",
        "level": "local",
        "areas": ["monitoring", "advocacy"],
        "rights": ["health-care"],
        "language": "pt",
        "description": "We open doors.",
        "languages": "ar pt",
        "contact_name": "Amal Duarte",
        "contact_position": "Coordinator",
        "contact_email": ADDRESS,
        "contact_telephone": "",
        "treasurer_is_contact": False,
        "treasurer_name": "Tito Reis",
        "treasurer_email": "tito@ruaaberta.example",
        "why": "Because doors open both ways.",
        "in_directory": True,
        "shown": ["website", "work"],
        "open_data": False,
        "newsletter": False,
        "newsletter_wording": "",
        "privacy": True,
    }


def test_a_treasurer_who_is_the_contact_is_not_asked_twice(ready):
    ready.saves("people", treasurer_is_contact="on", treasurer_name="", treasurer_email="")
    held = applying.send(ready.now_holds(), now=NOW).answers
    assert (held["treasurer_name"], held["treasurer_email"]) == ("Amal Duarte", ADDRESS)


def test_a_person_is_asked_less_and_is_their_own_contact(code):
    boris = Applicant(make_draft("boris@example.org", category="ordinary"))
    assert [step.key for step in steps.of(boris.application)] == [
        "about",
        "address",
        "work",
        "reasons",
        "choices",
        "code",
    ]
    for step in steps.of(boris.application):
        boris.saves(step.key, name="Boris Ilić") if step.key == "about" else boris.saves(step.key)
    sent = applying.send(boris.now_holds(), now=NOW)
    answers = sent.answers
    assert (answers["contact_name"], answers["contact_email"], answers["email"]) == (
        "Boris Ilić",
        "boris@example.org",
        "boris@example.org",
    )
    assert not {"in_directory", "shown", "open_data", "type", "treasurer_name"} & answers.keys()


@pytest.mark.parametrize("step", list(ANSWERS))
def test_what_is_not_complete_is_not_sent(code, step):
    amal = Applicant(make_draft())
    letters()
    for other in ANSWERS:
        if other != step:
            amal.saves(other)
    with pytest.raises(applying.Incomplete) as incomplete:
        applying.send(amal.now_holds(), now=NOW)
    assert [missing.key for missing in incomplete.value.steps] == [step]
    assert (amal.now_holds().state, letters()) == (State.DRAFT, [])


def test_it_is_sent_once_however_often_the_button_is_pressed(ready):
    applying.send(ready.application, now=NOW)
    with pytest.raises(applying.NotADraft):
        applying.send(ready.application, now=NOW)
    assert ready.application.referees.count() == 2


def test_what_was_sent_does_not_change_any_more(ready):
    applying.send(ready.application, now=NOW)
    for deed in (
        lambda: applying.save(ready.application, {"name": "X"}, language="en", now=NOW),
        lambda: applying.sign(ready.application, ready.application.code, by="X", now=NOW),
        lambda: applying.discard(ready.application),
        lambda: applying.remove(ready.application, ready.application.papers.get().handle, now=NOW),
        lambda: applying.attach(ready.application, "other", clean_paper(statutes()), now=NOW),
    ):
        with pytest.raises(applying.NotADraft):
            deed()
    assert ready.now_holds().name == "Rua Aberta"


def test_a_new_version_of_the_code_has_to_be_signed_anew(ready):
    make_code("2026-2", day=NOW.date())
    with pytest.raises(applying.Incomplete) as incomplete:
        applying.send(ready.application, now=NOW)
    assert [missing.key for missing in incomplete.value.steps] == ["code"]
    ready.saves("code")  # the page of before shows the old one
    assert ready.now_holds().code.version == "2026"
    ready.saves("code", code_version="2026-2")
    assert applying.send(ready.now_holds(), now=NOW).code.version == "2026-2"


def test_where_there_is_no_code_of_conduct_yet_nobody_signs_it():
    amal = Applicant(make_draft())
    amal.fills_in(code={"code_version": None, "signed_by": None})
    sent = applying.send(amal.now_holds(), now=NOW)
    assert (sent.code, sent.code_signed_by) == (None, "")


def test_the_same_signature_keeps_its_date(ready):
    applying.sign(ready.application, ready.application.code, by="Amal Duarte", now=NOW + DAY)
    assert ready.now_holds().code_signed_at == NOW
    applying.sign(ready.application, ready.application.code, by="", now=NOW + DAY)
    assert (ready.now_holds().code, ready.application.code_signed_at) == (None, None)


def test_the_secretariat_sees_an_entry_for_the_move(ready):
    sent = applying.send(ready.application, now=NOW)
    assert list(ApplicationEntry.objects.values_list("application", "kind", "state")) == [
        (sent.pk, "move", "submitted")
    ]


# --- nothing is asked twice, nothing is lost ----------------------------------------------------------------------


@pytest.mark.parametrize("category", ["affiliated", "ordinary"])
def test_nothing_is_asked_twice(category):
    application, lists = make_draft(category=category), Lists.on(NOW.date())
    asked = [name for place in steps.places(application, lists) for name in place.form.fields]
    assert len(asked) == len(set(asked))


QUESTIONS = [
    (step, name)
    for step, answers in ANSWERS.items()
    for name in answers
    if step not in {"papers", "choices", "code"} and name not in {"areas", "rights"}
]
TYPED = st.one_of(
    st.text(max_size=30), st.sampled_from(["ftp://x", "amal@", "=?x?=", "PT", "www.x.org", "a\x00b", "pt"])
)


@hypothesis_settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(QUESTIONS), TYPED), max_size=6))
def test_whatever_the_order_of_steps_nothing_is_lost(visits):
    """Each step shows again what was written there last, as cleaned, or as it was typed."""
    application = Application.objects.create(
        email=ADDRESS, language="en", category=Category.objects.get(key="affiliated")
    )
    lists = Lists.on(NOW.date())
    by_key = {step.key: step for step in steps.STEPS}
    for (key, name), typed in visits:
        fields = {field.name: field.value() or "" for field in by_key[key].opened(application, lists)}
        form = by_key[key].form(fields | {name: typed}, application=application, lists=lists, is_fresh=True)
        form.is_valid()
        applying.save(application, form.kept(), language="en", now=NOW)
    application.refresh_from_db()
    for (key, name), typed in dict(visits).items():
        shown = by_key[key].opened(application, lists)[name]
        plain = typed.replace("\x00", "")  # which no database keeps in JSON
        assert shown.value() in {plain, _cleaned(shown.field, plain)}
    application.delete()


def _cleaned(field, typed: str) -> str | None:
    """As the field shows it when it is valid."""
    try:
        return field.prepare_value(field.clean(typed))
    except ValidationError:
        return None


# --- papers -------------------------------------------------------------------------------------------------------


def test_papers_lie_where_no_address_leads_and_go_with_the_draft(amal, django_capture_on_commit_callbacks):
    paper = applying.attach(amal.application, "accounts", clean_paper(statutes()), now=NOW)
    assert (paper.kind, paper.name, paper.content_type) == ("accounts", "Estatutos 2019.pdf", "application/pdf")
    assert paper.file in files()
    with django_capture_on_commit_callbacks(execute=True):
        applying.discard(amal.application)
    assert (Application.objects.count(), Paper.objects.count(), paper.file in files()) == (0, 0, False)


def test_a_paper_that_is_taken_out_is_deleted(amal, django_capture_on_commit_callbacks):
    paper = applying.attach(amal.application, "accounts", clean_paper(statutes()), now=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        applying.remove(amal.application, paper.handle, now=NOW)
        applying.remove(amal.application, paper.handle, now=NOW)  # in another tab
    assert (amal.application.papers.count(), paper.file in files()) == (0, False)


def test_there_are_six_papers_at_most(amal):
    for _number in range(6):
        applying.attach(amal.application, "other", clean_paper(statutes()), now=NOW)
    before = files()
    with pytest.raises(applying.TooManyPapers):
        applying.attach(amal.application, "other", clean_paper(statutes()), now=NOW)
    assert (amal.application.papers.count(), files()) == (6, before)


def test_thirty_uploads_a_day_are_enough_for_anybody(amal):
    for _number in range(30):
        applying.count_upload(amal.application, now=NOW)
    with pytest.raises(TooMany):
        applying.count_upload(amal.application, now=NOW)
    applying.count_upload(amal.application, now=NOW + DAY)


def test_a_file_that_is_refused_takes_nothing_else_with_it(amal):
    bad = SimpleUploadedFile("a.pdf", b"<svg onload=alert(1)>", "application/pdf")
    page = amal.saves("papers", accounts=bad).content.decode()
    assert "We can take PDF files" in page
    assert [paper.kind for paper in amal.application.papers.all()] == ["statutes"]
