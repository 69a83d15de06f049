"""Fetching bounces from a mailbox, over IMAP and POP3, on real sockets."""

import io
import logging
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from django.utils import timezone

from newsletter import bounces, tasks, tracking
from newsletter.models import DeliveryEvent, Suppression
from picum import env
from tests.newsletter.factories import make_subscriber
from tests.newsletter.mailservers import PASSWORD, ImapServer, PopServer
from tests.newsletter.sent import sent_issue
from tests.newsletter.test_bounces_reading import mail

SERVERS = [ImapServer, PopServer]


@pytest.fixture
def delivery(db):
    return sent_issue(make_subscriber("amal@example.org"))[0]


def mailbox(monkeypatch, url: str) -> env.Mailbox:
    monkeypatch.setenv("BOUNCE_URL", url)
    return env.mailbox("BOUNCE_URL")


def fetch(monkeypatch, server, **limits) -> dict[str, int]:
    return dict(bounces.collect(mailbox(monkeypatch, server.url), now=timezone.now(), **limits))


def subjects(server) -> list[str]:
    return [mail.partition(b"Subject: ")[2].split(b"\r\n")[0].decode() for _n, mail in sorted(server.mails.items())]


@pytest.mark.parametrize("kind", SERVERS)
def test_bounces_are_recorded_and_deleted_and_a_letter_stays(monkeypatch, delivery, kind):
    about = {"delivery": delivery.pk}
    mails = [
        mail("human-reply", **about),
        mail("postfix-mailbox-full", **about),
        mail("vacation-sieve", **about),
        mail("postfix-unknown-user", token="1-00000000000000000000"),
        mail("postfix-unknown-user", **about),
    ]
    with kind(mails) as server:
        assert fetch(monkeypatch, server) == {"read": 3, "left": 1, "not ours": 1, "hard": 1, "soft": 1}
    assert list(server.mails) == [1, 4]
    assert Suppression.objects.count() == 1
    if kind is ImapServer:
        assert server.flags[1] == server.flags[4] == {"\\Seen"}
        with server.__class__(mails[:1]) as again:
            again.flags[1] = {"\\Seen"}
            assert fetch(monkeypatch, again) == {}


@pytest.mark.parametrize("kind", SERVERS)
def test_lines_that_begin_with_a_dot_and_long_lines_arrive_whole(monkeypatch, delivery, kind):
    """poplib by itself gives up at two kilobytes."""
    message = mail("postfix-unknown-user", delivery=delivery.pk).replace(
        b"This is the mail system", b".dot\n..\n" + b"x" * 50_000 + b"\nThis is the mail system"
    )
    with kind([message]) as server:
        assert fetch(monkeypatch, server) == {"read": 1, "hard": 1}
    assert server.mails == {}


def test_a_huge_mail_is_read_in_part_over_imap_and_left_alone_over_pop(monkeypatch, delivery):
    message = mail("postfix-unknown-user", delivery=delivery.pk) + b"x\n" * 700_000
    with PopServer([message]) as server:
        assert fetch(monkeypatch, server) == {}
    assert list(server.mails) == [1]
    with ImapServer([message]) as server:
        assert fetch(monkeypatch, server) == {"read": 1, "hard": 1}
    assert server.mails == {}


@pytest.mark.parametrize("kind", SERVERS)
def test_a_run_has_an_end_and_the_newest_go_first(monkeypatch, delivery, kind):
    mails = [mail("human-reply", delivery=delivery.pk)] * 3 + [mail("vacation-sieve", delivery=delivery.pk)] * 2
    with kind(mails) as server:
        assert fetch(monkeypatch, server, most=3) == {"read": 2, "left": 1}
        assert list(server.mails) == [1, 2, 3]


@pytest.mark.parametrize("kind", SERVERS)
def test_a_mail_that_comes_again_changes_nothing(monkeypatch, delivery, kind):
    """The worker died, or the connection, between the commit and the deletion."""
    with kind([mail("postfix-unknown-user", delivery=delivery.pk)]) as server:
        server.hangs_up_at = "STORE" if kind is ImapServer else "DELE"
        with pytest.raises(bounces.Unreachable):
            fetch(monkeypatch, server)
        assert DeliveryEvent.objects.count() == 1
        server.hangs_up_at = ""
        assert fetch(monkeypatch, server) == {"read": 1, "repeated": 1}
    assert server.mails == {}
    assert DeliveryEvent.objects.count() == 1


@pytest.mark.parametrize("kind", SERVERS)
def test_a_mail_stays_while_the_database_is_away(monkeypatch, delivery, kind):
    """Those before it are done with; it will be read again."""
    names = ["vacation-sieve", "postfix-unknown-user", "vacation-notes"]

    def away(events, *, now):
        raise OperationalError("gone")

    with kind([mail(name, delivery=delivery.pk) for name in names]) as server:
        with monkeypatch.context() as patched:
            patched.setattr(tracking, "apply", away)
            with pytest.raises(OperationalError):
                fetch(monkeypatch, server)
        assert list(server.mails) == [1, 2]
        assert fetch(monkeypatch, server) == {"read": 2, "hard": 1}
    assert server.mails == {}


def test_what_others_marked_for_deletion_stays_where_the_server_can_tell(monkeypatch, delivery):
    mails = [mail("vacation-sieve", delivery=delivery.pk), mail("human-reply", delivery=delivery.pk)]
    with ImapServer(mails) as server:
        server.flags[2] = {"\\Deleted"}
        assert fetch(monkeypatch, server) == {"read": 1}
        assert list(server.mails) == [2]
    with ImapServer(mails) as server:
        server.uidplus = False
        assert fetch(monkeypatch, server) == {"read": 1, "left": 1}
    assert list(server.mails) == [2]


# --- what can go wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SERVERS)
def test_a_wrong_password_is_said_and_never_written_down(monkeypatch, settings, caplog, kind):
    with kind() as server, caplog.at_level(logging.DEBUG):
        settings.BOUNCE_MAILBOX = mailbox(monkeypatch, server.url.replace("correct", "another"))
        with pytest.raises(CommandError, match=r"The mailbox at 127.0.0.1 cannot be read: .*(?i:wrong password)\.$"):
            call_command("fetch_bounces")
        tasks.fetch_bounces()
    assert [record.name for record in caplog.records if record.levelname == "WARNING"] == ["newsletter.tasks"]
    assert "another" not in caplog.text


@pytest.mark.parametrize("scheme", ["imap", "pop3", "imaps", "pop3s"])
def test_a_server_that_is_away_is_said_in_one_sentence(monkeypatch, scheme):
    box = mailbox(monkeypatch, f"{scheme}://u:p@127.0.0.1:1")
    with pytest.raises(bounces.Unreachable) as error:
        bounces.collect(box, now=timezone.now())
    assert str(error.value) == "The mailbox at 127.0.0.1 cannot be read: Connection refused."


def test_a_password_that_imap_cannot_carry_is_said(monkeypatch):
    with ImapServer() as server, pytest.raises(bounces.Unreachable, match=r"must be ASCII\.$"):
        bounces.collect(mailbox(monkeypatch, server.url.replace("correct", "gr%C3%BC%C3%9Fe")), now=timezone.now())


def test_a_folder_that_is_not_there_is_said(monkeypatch):
    with ImapServer() as server, pytest.raises(bounces.Unreachable, match="No such folder"):
        bounces.collect(mailbox(monkeypatch, f"{server.url}Elsewhere"), now=timezone.now())


def test_the_command_and_the_task_read_the_mailbox(monkeypatch, settings, caplog, delivery):
    mails = [mail("postfix-unknown-user", delivery=delivery.pk)]
    said = io.StringIO()
    with PopServer(mails) as server:
        settings.BOUNCE_MAILBOX = mailbox(monkeypatch, server.url)
        call_command("fetch_bounces", stdout=said)
        call_command("fetch_bounces", stdout=said)
    assert said.getvalue() == "Bounces: read 1, hard 1.\nBounces: no mails.\n"
    with ImapServer(mails) as server, caplog.at_level(logging.INFO):
        settings.BOUNCE_MAILBOX = mailbox(monkeypatch, server.url)
        tasks.fetch_bounces()
    assert "Bounces: read 1, repeated 1." in caplog.messages
    settings.BOUNCE_MAILBOX = None
    tasks.fetch_bounces()
    assert caplog.messages[-1] == "There is no mailbox to fetch bounces from: BOUNCE_URL."


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file."""
    assert shutil.which("openssl"), "These tests make a certificate with the openssl program; install openssl."
    path = tmp_path_factory.mktemp("tls") / "mail.pem"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    words = [*made.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", f"{path}.crt"]
    subprocess.run(words, check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def context(certificate: Path) -> ssl.SSLContext:
    """The server's side."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def over_tls(server) -> env.Mailbox:
    """As for a server that is not on this machine, where the password must not travel in the clear."""
    tls = "immediate" if server.immediate else "starttls"
    user = "bounce@picum.example"
    return env.Mailbox(server.scheme, "127.0.0.1", server.port, user, PASSWORD, "INBOX", tls)


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("immediate", [True, False], ids=["immediate", "STARTTLS"])
def test_mail_is_read_under_tls(monkeypatch, certificate, delivery, kind, immediate):
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    mails = [mail("postfix-unknown-user", delivery=delivery.pk)]
    with kind(mails, tls=context(certificate), immediate=immediate) as server:
        assert dict(bounces.collect(over_tls(server), now=timezone.now())) == {"read": 1, "hard": 1}
    assert server.mails == {}


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("immediate", [True, False], ids=["immediate", "STARTTLS"])
def test_a_stranger_s_certificate_is_told_nothing(certificate, kind, immediate):
    refused = pytest.raises(bounces.Unreachable, match=r"certificate|CERTIFICATE")
    with kind(tls=context(certificate), immediate=immediate) as server, refused:
        bounces.collect(over_tls(server), now=timezone.now())
    assert {"LOGIN", "PASS"}.isdisjoint(server.said)


@pytest.mark.parametrize("kind", SERVERS)
def test_a_server_without_starttls_is_told_nothing(kind):
    with kind() as server, pytest.raises(bounces.Unreachable):
        bounces.collect(over_tls(server), now=timezone.now())
    assert {"LOGIN", "PASS"}.isdisjoint(server.said)
