"""Circulars: a letter to chosen people, who need not be readers, through the engine that sends the newsletter."""

import pytest
from celery import current_app
from django.utils import timezone

from newsletter import archive, circulars, enqueue, erasing, retention, routing, sending
from newsletter.models import Delivery, Edition, Issue, IssueTotal, Recipient, Suppression
from newsletter.reconcile import reconcile
from picum.accounts.models import AuditEntry, User
from picum.addresses import address_key
from tests.newsletter.desk import at_the_desk, page, staff
from tests.newsletter.factories import make_issue, make_subscriber

State = Delivery.State
NOW = timezone.now()
WORDS = {
    "en": circulars.Words(
        "The assembly in May", "Dear members,\n\nplease come: https://example.org/assembly <b>\n\nCarla"
    ),
    "pt": circulars.Words("A assembleia em maio", "Caros membros,\n\nvenham."),
}
TO = [("amal@example.org", "pt"), ("boris@example.org", "de"), ("Amal@example.org", "en")]
WHY = "You get this mail as a contact of a member."


@pytest.fixture
def carla() -> User:
    return User.objects.create_user("carla@example.org")


@pytest.fixture
def bells(monkeypatch) -> list[tuple]:
    rung: list[tuple] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args=(), **options: rung.append((name, *args)))
    return rung


def circular(by, words=WORDS, to=TO) -> Issue:
    return Issue.objects.get(pk=circulars.send(words, to, why=WHY, by=by, now=timezone.now()))


def send_all(issue) -> None:
    for edition in issue.editions.all():
        sending.send_edition(edition.pk)


def mails(relay) -> dict:
    return {letter.recipient: letter.message for letter in relay.received}


def states(issue) -> dict[str, str]:
    rows = Delivery.objects.filter(issue=issue).order_by("pk")
    return {row.recipient.address if row.recipient else "nobody": f"{row.state} {row.why}".strip() for row in rows}


# --- what arrives ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_everybody_gets_it_once_and_in_their_language(relay, carla, bells):
    issue = circular(carla)
    assert [bell[0] for bell in bells] == ["newsletter.send_edition"] * 2
    send_all(issue)
    arrived = mails(relay)
    assert {to: mail["Subject"] for to, mail in arrived.items()} == {
        "amal@example.org": "A assembleia em maio",
        "boris@example.org": "The assembly in May",
    }
    assert {edition.language: edition.state for edition in issue.editions.all()} == {"en": "sent", "pt": "sent"}
    assert states(issue) == {"amal@example.org": "accepted", "boris@example.org": "accepted"}
    line = AuditEntry.objects.get(action="circular.send")
    assert (line.actor, line.data) == (carla, {"number": 2, "languages": ["en", "pt"]})


@pytest.mark.django_db(transaction=True)
def test_it_is_a_letter_and_not_a_list(relay, carla, settings):
    send_all(circular(carla))
    mail = mails(relay)["boris@example.org"]
    names = {name for name in mail if name.startswith("List-") or name == "Precedence"}
    assert (names, mail["From"], mail["Content-Language"]) == (set(), settings.DEFAULT_FROM_EMAIL, "en")
    html = mail.get_body(("html",)).get_content()
    text = mail.get_body(("plain",)).get_content()
    assert "&lt;b&gt;" in html  # what staff write is text, whatever is in it
    assert 'href="https://example.org/assembly"' in html
    assert (WHY in html, WHY in text, "please come: https://example.org/assembly <b>" in text) == (True, True, True)


@pytest.mark.django_db(transaction=True)
def test_who_left_the_newsletter_gets_it_and_who_was_stopped_otherwise_does_not(relay, carla):
    people = {reason: f"{reason.value}@example.org" for reason in Suppression.Reason}
    for reason, address in people.items():
        Suppression.objects.create(address_key=address_key(address), reason=reason)
    issue = circular(carla, to=[(address, "en") for address in people.values()])
    send_all(issue)
    assert states(issue) == {
        "unsubscribed@example.org": "accepted",
        "bounced@example.org": "skipped suppressed",
        "complained@example.org": "skipped suppressed",
        "erased@example.org": "skipped suppressed",
        "staff@example.org": "skipped suppressed",
    }
    assert set(mails(relay)) == {"unsubscribed@example.org"}


@pytest.mark.django_db(transaction=True)
def test_a_pause_holds_it_as_it_holds_an_issue(relay, carla):
    issue = circular(carla)
    for edition in issue.editions.all():
        enqueue.pause(edition, by=carla)
    send_all(issue)
    assert not relay.received
    for edition in issue.editions.all():
        enqueue.resume(edition, by=carla)
    send_all(issue)
    assert set(mails(relay)) == {"amal@example.org", "boris@example.org"}


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_nobody_heard_is_rung_again(carla, bells):
    circular(carla)
    bells.clear()
    reconcile()
    assert [bell[0] for bell in bells if "edition" in bell[0]] == ["newsletter.send_edition"] * 2


# --- whom it never reaches -------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_no_reader_gets_a_circular_whatever_is_done_with_it(carla):
    make_subscriber("reader@example.org")
    issue = circular(carla)
    with pytest.raises(routing.FreezeFailed):
        routing.deliver(Issue.objects.with_contents().get(pk=issue.pk), now=timezone.now())
    with pytest.raises(enqueue.NotReady):
        enqueue.give_up(issue, ["de"], by=carla)
    assert set(states(issue)) == {"amal@example.org", "boris@example.org"}


@pytest.mark.django_db
def test_the_archive_does_not_know_it(carla, client):
    issue = circular(carla)
    assert archive.newest("en", on=timezone.now()) is None
    assert client.get(f"/en/newsletter/{issue.slug}/").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "to", "message"),
    [
        ({}, TO, "Write a subject and a text in at least one language."),
        ({"en": circulars.Words("Only a subject", " ")}, TO, "Write a subject and a text in at least one language."),
        (WORDS, [], "Nobody was chosen."),
    ],
)
def test_what_is_not_whole_is_not_sent(carla, words, to, message):
    with pytest.raises(circulars.NotSent, match=message):
        circular(carla, words, to)
    assert not Issue.objects.exists()


# --- afterwards ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_how_far_it_is_is_told_in_three_queries(relay, carla, django_assert_num_queries):
    issue = circular(carla)
    with django_assert_num_queries(3):
        (before,) = circulars.progress()
    assert (before.number, before.total, before.accepted, before.open) == (issue.pk, 2, 0, 2)
    send_all(issue)
    (after,) = circulars.progress([issue.pk])
    assert (after.total, after.accepted, after.open) == (2, 2, 0)


@pytest.mark.django_db(transaction=True)
def test_after_ninety_days_nobody_knows_any_more_who_got_it(relay, carla):
    issue = circular(carla)
    send_all(issue)
    retention.tally_deliveries(now=timezone.now() + retention.DELIVERIES + enqueue.OVERDUE)
    assert (Recipient.objects.count(), Delivery.objects.count()) == (0, 0)
    assert IssueTotal.objects.filter(issue=issue).count() == 2


@pytest.mark.django_db(transaction=True)
def test_who_is_erased_before_it_goes_out_does_not_get_it(relay, carla, settings):
    issue = circular(carla)
    erasing.erase(address_key("amal@example.org"), how="staff", now=timezone.now())
    send_all(issue)
    assert set(mails(relay)) == {"boris@example.org"}
    assert states(issue) == {"nobody": "skipped erased", "boris@example.org": "accepted"}


@pytest.mark.django_db
def test_the_desk_shows_it_under_no_issue_and_watches_it_go_out(carla, client):
    issue = circular(carla)
    boss = User.objects.create_superuser("boss@example.org", "x")
    client.force_login(boss)
    assert "Circular" not in client.get("/en/desk/newsletter/issue/").content.decode()
    page = client.get(f"/en/desk/newsletter/issue/{issue.pk}/progress/")
    assert page.status_code == 200
    assert "Circular" in page.content.decode()
    assert Edition.objects.filter(issue=issue).count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    ["board/", "board/outdated/", "problems/", "problems/pt/", "exchange/pt/", "translate/pt/around/", "preview/pt/",
     "preview/pt/html/", "history/pt/around/", "trial/"],
)  # fmt: skip
def test_the_pages_for_writing_a_newsletter_know_no_circulars(carla, address):
    issue, newsletter = circular(carla), make_issue("a-newsletter")
    desk = at_the_desk(staff("view_issue", "change_issue", "change_item", "send_issue"))
    shown = page("issue_board", issue.pk).removesuffix("board/")
    assert desk.get(shown + address).status_code == 404
    shown = page("issue_board", newsletter.pk).removesuffix("board/")
    assert desk.get(shown + address).status_code == 200
