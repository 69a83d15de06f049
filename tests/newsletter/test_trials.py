"""Test mails to a named group, in all languages at once."""

import datetime
import logging
import re

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from newsletter import trials
from newsletter.models import Delivery, Suppression, TrialAddress, TrialGroup
from picum.accounts.models import AuditEntry
from picum.addresses import address_key
from picum.letters import post
from picum.letters.models import Letter
from tests.html import Page
from tests.newsletter.desk import amal, at_the_desk, boris, carla, page, said, staff
from tests.newsletter.factories import LANGUAGES, contents, make_issue, make_item, make_subscriber, make_texts

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def issue():
    issue = make_issue(items=1, state="ready")
    make_subscriber("reader@example.org", "pt")  # whom no test mail reaches
    return issue


def make_group(*lines: str, name="Proofreaders") -> TrialGroup:
    pairs = [
        (line.split()[0], "".join(line.split()[1:])) for line in lines or ["ana@example.org", "rui@example.org pt"]
    ]
    return trials.keep(TrialGroup(), name=name, addresses=pairs, by=None)


def send(issue, group, languages=LANGUAGES, by=None, now=NOW) -> int:
    return trials.send(contents(issue), group, languages=languages, by=by, now=now)


def mailed() -> list[tuple[str, str]]:
    mail.outbox.clear()
    post.dispatch(now=timezone.now())
    return sorted((message.to[0], message.subject) for message in mail.outbox)


# --- what is mailed --------------------------------------------------------------------------------------------------


def test_each_address_gets_a_mail_for_each_language_and_one_with_a_language_that_one(issue):
    assert send(issue, make_group()) == 8
    assert mailed() == sorted(
        [("ana@example.org", f"[Test {code}] Subject ({code})") for code in LANGUAGES]
        + [("rui@example.org", "[Test pt] Subject (pt)")]
    )
    assert Delivery.objects.count() == 0


def test_a_language_without_words_is_not_mailed():
    issue = make_issue(languages=[])
    make_item(issue, pt="Um artigo")
    make_texts(issue, "de", subject="Betreff")
    assert send(issue, make_group("ana@example.org")) == 2
    assert [subject[:9] for _to, subject in mailed()] == ["[Test de]", "[Test pt]"]


def test_only_the_languages_that_were_chosen_are_mailed(issue):
    assert send(issue, make_group("ana@example.org"), languages=["de", "xx"]) == 1
    assert mailed() == [("ana@example.org", "[Test de] Subject (de)")]


def test_nothing_in_a_test_mail_opens_anything_of_a_reader_s(issue, client):
    send(issue, make_group("ana@example.org"), languages=["en"])
    mailed()
    [message] = mail.outbox
    html = message.alternatives[0][0]
    links = set(re.findall(r"https?://[^/\s\"]+(/[^\s>\"]*)", message.body + html))
    opening = [link for link in links if "/preview/" in link]
    assert opening
    for link in opening:
        assert client.get(link).status_code == 404
        assert client.post(link).status_code == 404
    assert "List-Unsubscribe" not in message.extra_headers
    handle = trials.TrialAddress.objects.get().email
    assert handle not in message.body + html


def test_a_mail_that_is_built_twice_is_one_mail(issue):
    send(issue, make_group("ana@example.org"), languages=["en"])
    letter = Letter.objects.get()
    ids = {trials.build(letter, now=NOW).extra_headers["Message-ID"] for _time in range(2)}
    assert len(ids) == 1


def test_it_says_what_the_issue_says_when_it_goes(issue):
    send(issue, make_group("ana@example.org"), languages=["en"])
    make_texts(issue, "en", subject="Another subject")
    assert mailed() == [("ana@example.org", "[Test en] Another subject")]


def test_an_address_that_is_stopped_gets_none(issue):
    Suppression.objects.create(address_key=address_key("ana@example.org"), reason="hard-bounce")
    send(issue, make_group())
    assert mailed() == [("rui@example.org", "[Test pt] Subject (pt)")]


def test_nothing_goes_to_a_group_that_was_deleted_meanwhile(issue):
    group = make_group()
    send(issue, group)
    trials.remove(group, by=None)
    assert mailed() == []


def test_no_address_is_written_into_logs_trails_or_task_arguments(issue, caplog):
    caplog.set_level(logging.DEBUG)
    send(issue, make_group("ana@example.org"), by=carla())
    mailed()
    assert "ana@" not in caplog.text
    assert "ana@" not in str(list(AuditEntry.objects.values_list("object_label", "data")))
    assert set(Letter.objects.values_list("address", flat=True)) == {""}
    deed = AuditEntry.objects.get(action="issue.trial")
    assert deed.data == {"group": "Proofreaders", "languages": LANGUAGES, "number": 7}


# --- limits ----------------------------------------------------------------------------------------------------------


def test_the_same_button_pressed_twice_sends_once(issue, clock):
    group = make_group()
    send(issue, group)
    with pytest.raises(trials.NotPossible, match="on their way already"):
        send(issue, group)
    assert Letter.objects.count() == 8
    later = NOW + datetime.timedelta(minutes=2)
    assert send(issue, group, now=later) == 8


def test_no_more_than_three_hundred_leave_in_an_hour(issue):
    group = make_group(*(f"p{number}@example.org" for number in range(20)))
    minutes = [NOW + datetime.timedelta(minutes=10 * number) for number in range(3)]
    assert [send(issue, group, now=moment) for moment in minutes[:2]] == [140, 140]
    with pytest.raises(trials.NotPossible, match="300"):
        send(issue, group, now=minutes[2])
    assert Letter.objects.count() == 280
    assert send(issue, group, languages=["en"], now=minutes[2]) == 20
    assert send(issue, group, now=NOW + datetime.timedelta(minutes=61)) == 140


@pytest.mark.parametrize(("number", "goes"), [(20, True), (21, False), (0, False)])
def test_a_group_has_twenty_addresses_at_most_and_one_at_least(number, goes):
    pairs = [(f"p{at}@example.org", "") for at in range(number)]
    if not goes:
        with pytest.raises(trials.NotPossible):
            trials.keep(TrialGroup(), name="Many", addresses=pairs, by=None)
        assert not TrialGroup.objects.exists()
    else:
        assert trials.keep(TrialGroup(), name="Many", addresses=pairs, by=None).addresses.count() == 20


# --- at the desk -----------------------------------------------------------------------------------------------------


def test_an_editor_makes_a_group_and_sends_to_it(issue):
    desk = at_the_desk(boris())
    typed = {"name": " Proof  readers ", "addresses": "Ana@Example.org\n\n rui@example.org PT \nana@example.org"}
    answer = desk.post(page("trialgroup_add"), typed, follow=True)
    assert said(answer) == ["The group Proof readers is stored."]
    group = TrialGroup.objects.get()
    assert [(one.email.lower(), one.language) for one in group.addresses.all()] == [
        ("ana@example.org", ""),
        ("rui@example.org", "pt"),
    ]
    html = Page(desk.get(page("issue_trial", issue.pk)))
    assert [box["value"] for box in html.all("input", name="languages") if "checked" in box.attributes] == LANGUAGES
    posted = {"group": group.pk, "languages": LANGUAGES}
    answer = desk.post(page("issue_trial", issue.pk), posted, follow=True)
    assert said(answer) == ["8 test mails are on their way."]
    row = Page(answer).all("tbody")[-1].words
    assert row == "Proof readers 20 October 2026, 12:00 (Europe/Brussels) 0 8 0"
    assert len(mailed()) == 8
    assert Page(desk.get(page("issue_trial", issue.pk))).all("tbody")[-1].words.endswith(" 8 0 0")


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ("ana@example.org xx", "Line 1: an address, and perhaps one of these languages behind it"),
        ("ana@example.org\nnonsense", "Line 2: "),
        ("ana@example.org pt de", "Line 1: "),
        ("", "This field is required."),
        ("\n".join(f"p{number}@example.org" for number in range(21)), "A group has 20 addresses at most."),
    ],
)
def test_what_is_no_address_is_told_by_its_line_and_nothing_is_stored(lines, wrong):
    group = make_group("ana@example.org")
    desk = at_the_desk(boris())
    answer = desk.post(page("trialgroup_change", group.pk), {"name": "Proofreaders", "addresses": lines})
    assert answer.status_code == 200
    assert wrong in Page(answer).words
    assert [one.email for one in TrialAddress.objects.all()] == ["ana@example.org"]


def test_two_groups_do_not_share_a_name():
    make_group()
    answer = at_the_desk(boris()).post(page("trialgroup_add"), {"name": "Proofreaders", "addresses": "a@example.org"})
    assert "There is a group of this name already." in Page(answer).words
    assert TrialGroup.objects.count() == 1


def test_a_publisher_sends_test_mails_and_does_not_see_addresses(issue):
    group, desk = make_group("proof@example.org"), at_the_desk(staff("send_issue"))
    assert desk.post(page("issue_trial", issue.pk), {"group": group.pk, "languages": ["en"]}).status_code == 302
    for address in (page("trialgroup_changelist"), page("issue_trial", issue.pk)):
        answer = desk.get(address)
        assert (answer.status_code, b"proof@example.org" in answer.content) == (200, False)
    assert desk.get(page("trialgroup_change", group.pk)).status_code == 403


def test_who_neither_edits_nor_sends_gets_nowhere(issue):
    group, desk = make_group(), at_the_desk(amal())
    for address in (
        page("trialgroup_changelist"),
        page("trialgroup_add"),
        page("trialgroup_change", group.pk),
        page("trialgroup_delete", group.pk),
        page("issue_trial", issue.pk),
    ):
        assert (desk.get(address).status_code, desk.post(address).status_code) in {(403, 403), (403, 405)}
    assert not Letter.objects.exists()


def test_a_group_is_deleted_when_somebody_says_so_twice():
    group, desk = make_group(), at_the_desk(boris())
    assert desk.get(page("trialgroup_delete", group.pk)).status_code == 200
    assert TrialGroup.objects.exists()
    desk.post(page("trialgroup_delete", group.pk))
    assert not TrialGroup.objects.exists()


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_one_group_and_three(number, django_assert_num_queries):
    for at in range(number):
        make_group(*(f"p{one}@example.org" for one in range(number)), name=f"Group {at}")
    desk = at_the_desk(carla())
    with django_assert_num_queries(3):  # session, person, groups
        desk.get(page("trialgroup_changelist"))


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_of_an_issue_costs_the_same_for_one_sending_and_three(issue, number, django_assert_num_queries):
    group = make_group()
    for at in range(number):
        send(issue, group, now=NOW + datetime.timedelta(minutes=3 * at))
    desk = at_the_desk(carla())
    with django_assert_num_queries(17):
        desk.get(page("issue_trial", issue.pk))
