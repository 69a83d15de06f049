import socket

import pytest

from newsletter.models import Delivery
from picum.accounts.models import AuditEntry
from tests.newsletter.desk import at_the_desk, boris, page, said
from tests.newsletter.factories import make_issue, make_item, make_subscriber, make_texts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def smtp(settings):
    settings.EMAIL_BACKEND = "picum.smtp.EmailBackend"  # pytest-django puts a box in its place


@pytest.fixture
def issue():
    issue = make_issue()
    make_texts(issue, "pt", subject="Boletim de outubro")
    make_item(issue, es="Noticia", en="In English")
    make_subscriber("reader@example.org", "pt")
    return issue


def test_a_test_mail_goes_to_the_person_who_asks_and_to_nobody_else(issue, relay):
    answer = at_the_desk(boris()).post(page("issue_test_mail", issue.pk, "pt"), follow=True)
    assert said(answer) == ["A test mail of the Portuguese edition went to boris@example.org."]
    (mail,) = relay.received
    assert mail.recipient == "boris@example.org"
    assert mail.message["Subject"] == "[Test] Boletim de outubro"
    assert mail.message["To"] == "boris@example.org"
    assert mail.message["Content-Language"] == "pt"
    assert [part.get_content_type() for part in mail.message.iter_parts()] == ["text/plain", "text/html"]
    assert Delivery.objects.count() == 0


def test_a_test_mail_is_on_the_audit_trail_without_an_address(issue, relay):
    person = boris()
    at_the_desk(person).post(page("issue_test_mail", issue.pk, "pt"))
    line = AuditEntry.objects.get()
    assert (line.action, line.actor, line.object_label, line.data) == (
        "edition.test",
        person,
        "outubro de 2026 (pt)",
        {},
    )


def test_a_test_mail_follows_the_order_of_the_preview_it_was_asked_from(issue, relay):
    data = {"stay": "1", "then": ["es", "xx"]}
    answer = at_the_desk(boris()).post(page("issue_test_mail", issue.pk, "pt"), data)
    assert answer.url == page("issue_preview", issue.pk, "pt") + "?then=es"
    text = relay.received[0].message.get_body(("plain",)).get_content()
    assert "Noticia" in text
    assert "In English" not in text


def test_an_unreachable_relay_is_one_clear_sentence(issue, settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", taken.getsockname()[1]
        answer = at_the_desk(boris()).post(page("issue_test_mail", issue.pk, "pt"), follow=True)
    words = f"The mail server 127.0.0.1:{settings.EMAIL_PORT} cannot be reached; nothing was sent. Is it running?"
    assert said(answer) == [words]
    assert AuditEntry.objects.count() == 0


@pytest.mark.parametrize(
    ("step", "reply", "words"),
    [
        ("RCPT", "550 5.1.1 no such user", "refused your address; nothing was sent."),
        ("dot", "554 5.7.1 looks like spam", "The mail server refused the test mail: "),
        ("connect", "421 4.3.2 too busy", "The mail server refused the test mail: "),
    ],
)
def test_a_refusal_is_told_in_words(issue, relay, step, reply, words):
    relay.script = lambda at, argument: reply if at == step else None
    (sentence,) = said(at_the_desk(boris()).post(page("issue_test_mail", issue.pk, "pt"), follow=True))
    assert words in sentence
    assert "Traceback" not in sentence
