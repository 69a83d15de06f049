"""What the name servers say, from a name server of our own; and what is made of it."""

import datetime
import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest
from celery import current_app

from newsletter import problems, sender_domain, tasks
from newsletter.models import SenderCheck

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)
SPF = '"v=spf1 include:_spf.relay.net ~all"'
KEY = '"v=DKIM1; k=rsa; p=MIIB"'
GOOD = {
    ("network.org", "TXT"): [SPF, '"google-site-verification=x"'],
    ("network.org", "MX"): ["10 mx.network.org."],
    ("_dmarc.network.org", "TXT"): ['"v=DMARC1; p=quarantine; rua=mailto:x@network.org"'],
    ("may._domainkey.network.org", "TXT"): [KEY],
}


class NameServer:
    """A name server on UDP. `records`: by name and kind; `silent`: it answers nothing; `failing`: SERVFAIL."""

    def __init__(self, records):
        self.records, self.asked, self.silent, self.failing = dict(records), [], False, False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bell:
            bell.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self):
        while True:
            data, who = self._socket.recvfrom(4096)
            if not data:
                return
            if not self.silent:
                self._socket.sendto(self._answer(dns.message.from_wire(data)).to_wire(), who)

    def _answer(self, question):
        (asked,) = question.question
        name, kind = str(asked.name).rstrip("."), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, kind))
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        if self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif (name, kind) in self.records:
            answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *self.records[name, kind]))
        elif not any(name == known or known.endswith(f".{name}") for known, _kind in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


@pytest.fixture
def server(monkeypatch):
    with NameServer(GOOD) as there:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], there.port
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        yield there


@pytest.fixture(autouse=True)
def ours(settings):
    settings.SITE_URL = "https://newsletter.network.org"
    settings.DEFAULT_FROM_EMAIL = "PICUM <newsletter@network.org>"
    settings.NEWSLETTER_MAIL_DOMAIN = "network.org"
    settings.NEWSLETTER_DKIM_SELECTORS = ["may"]


def looked_up() -> list[str]:
    sender_domain.ask(now=NOW, older_than=sender_domain.AT_ONCE)
    sender_domain.check(now=NOW)
    return told()


def told() -> list[str]:
    found = problems.of_sender()
    assert not any(problem.blocking for problem in found)
    return [problem.text for problem in found]


# --- looking up -----------------------------------------------------------------------------------------------------


def test_a_domain_in_good_order_is_no_problem_and_its_records_are_kept(server):
    assert looked_up() == []
    checked = sender_domain.known()["network.org"]
    assert checked.at == NOW
    assert (checked.facts.spf.records, checked.facts.dmarc_at) == (
        ["v=spf1 include:_spf.relay.net ~all"],
        "network.org",
    )
    assert checked.facts.dmarc.records == ["v=DMARC1; p=quarantine; rua=mailto:x@network.org"]
    assert checked.facts.dkim["may"].records == ["v=DKIM1; k=rsa; p=MIIB"]
    assert checked.facts.mail.records == ["mx.network.org"]


def test_a_record_in_pieces_is_read_as_one(server):
    server.records["network.org", "TXT"] = ['"v=spf1 include:_spf." "relay.net -all"']
    assert looked_up() == []


def test_nobody_is_asked_while_a_page_is_shown(server):
    assert told() == ["The domain “network.org” has not been looked up yet."]
    assert (server.asked, SenderCheck.objects.count()) == ([], 0)


def test_the_bell_rings_for_what_is_due_and_then_not_for_a_while(
    server, monkeypatch, django_capture_on_commit_callbacks
):
    rung = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: rung.append(name))
    later = NOW + datetime.timedelta(days=6), NOW + datetime.timedelta(days=8)
    with django_capture_on_commit_callbacks(execute=True):
        assert sender_domain.ask(now=NOW, older_than=sender_domain.NOW_AND_THEN) is True
    assert rung == ["newsletter.check_sender"]
    assert sender_domain.check(now=NOW) == 1
    due = [sender_domain.ask(now=now, older_than=sender_domain.NOW_AND_THEN) for now in later]
    assert due == [False, True]


def test_the_bell_wakes_a_worker_who_looks_up_what_is_due_and_names_nobody(server, caplog):
    sender_domain.ask(now=NOW, older_than=sender_domain.AT_ONCE)
    with caplog.at_level("INFO", logger="newsletter"):
        tasks.check_sender()
        tasks.check_sender()
    assert [record.getMessage() for record in caplog.records if record.name.startswith("newsletter")] == [
        "Looked up 1 of the sender's domains."
    ]


def test_a_domain_that_is_no_longer_ours_is_forgotten(server, settings):
    looked_up()
    settings.DEFAULT_FROM_EMAIL, settings.NEWSLETTER_MAIL_DOMAIN = "a@other.org", "other.org"
    sender_domain.check(now=NOW + datetime.timedelta(days=89))
    assert SenderCheck.objects.count() == 1
    sender_domain.check(now=NOW + datetime.timedelta(days=91))
    assert SenderCheck.objects.count() == 0


@pytest.mark.parametrize("domain", ["picum.example", "mail.example.org", "localhost", "desk.local"])
def test_a_domain_for_trying_out_is_told_as_such_and_nobody_is_asked(server, settings, domain):
    settings.DEFAULT_FROM_EMAIL, settings.NEWSLETTER_MAIL_DOMAIN = f"a@{domain}", domain
    assert looked_up() == [
        f"“{domain}” is a domain for trying things out: nothing can be said of how its mail is received."
    ]
    assert server.asked == []


@pytest.mark.parametrize("trouble", ["silent", "failing"])
def test_name_servers_that_do_not_answer_are_not_taken_for_missing_records(server, monkeypatch, trouble):
    monkeypatch.setattr(sender_domain, "SECONDS", 0.1)
    setattr(server, trouble, True)
    assert looked_up() == [
        "The name servers gave no answer about SPF of “network.org”.",
        "The name servers gave no answer about DKIM of “may._domainkey.network.org”.",
        "The name servers gave no answer about DMARC of “network.org”.",
        "The name servers gave no answer about MX of “network.org”.",
    ]


# --- judging --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "“network.org” has no SPF record: it does not say which servers may send its mail."),
        (['"v=spf10 -all"'], "“network.org” has no SPF record: it does not say which servers may send its mail."),
        ([SPF, '"v=spf1 -all"'], "“network.org” has more than one SPF record: mail services then heed none of them."),
        (['"v=spf1 +all"'], "The SPF record of “network.org” lets everybody send in its name (“+all”)."),
        (
            ['"v=spf1 mx ?all"'],
            "The SPF record of “network.org” does not say what to do with other servers (“~all” or “-all”).",
        ),
        (['"V=SPF1 mx redirect=_spf.relay.net"'], None),
        (['"v=spf1 mx -ALL"'], None),
    ],
)
def test_spf_is_judged(server, records, words):
    server.records["network.org", "TXT"] = records or ['"nothing of the kind"']
    assert looked_up() == ([words] if words else [])


@pytest.mark.parametrize("records", [None, ['"v=DKIM1; p="'], ['"nothing"']])
def test_a_key_that_is_not_there_or_was_revoked_is_named(server, records):
    server.records.pop(("may._domainkey.network.org", "TXT"))
    if records:
        server.records["may._domainkey.network.org", "TXT"] = records
    words = "There is no DKIM key at “may._domainkey.network.org”: signatures of mails cannot be checked."
    assert looked_up() == [words]


def test_without_a_selector_it_is_said_what_cannot_be_seen(server, settings):
    settings.NEWSLETTER_DKIM_SELECTORS = []
    (words,) = looked_up()
    assert words.startswith("Whether mails are signed (DKIM) cannot be seen from here")


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (None, "“network.org” has no DMARC record: large mail services want one of whoever sends to many."),
        (['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"'], "The DMARC record of “network.org” is not valid"),
        (['"v=DMARC1"'], "The DMARC record of “network.org” is not valid"),
        (['"v=DMARC1; p=monitor"'], "The DMARC record of “network.org” is not valid"),
        (['"v=DMARC1; p=none"'], ""),
        (['"v=dmarc1; P=Reject"'], ""),
    ],
)
def test_dmarc_is_judged(server, records, words):
    server.records.pop(("_dmarc.network.org", "TXT"))
    if records:
        server.records["_dmarc.network.org", "TXT"] = records
    found = looked_up()
    assert (len(found), "".join(found).startswith(words)) == (bool(words), True)


def test_the_policy_of_the_domain_above_counts_and_that_of_a_top_level_is_not_asked(server, settings):
    settings.DEFAULT_FROM_EMAIL, settings.NEWSLETTER_MAIL_DOMAIN = "a@news.network.org", "news.network.org"
    server.records |= {
        ("news.network.org", "TXT"): [SPF],
        ("news.network.org", "MX"): ["10 mx.network.org."],
        ("may._domainkey.news.network.org", "TXT"): [KEY],
    }
    assert looked_up() == []
    assert sender_domain.known()["news.network.org"].facts.dmarc_at == "network.org"
    server.records.pop(("_dmarc.network.org", "TXT"))
    sender_domain.look_up("news.network.org")
    assert [name for name, _kind in server.asked if name == "_dmarc.org"] == []


@pytest.mark.parametrize(
    ("returned", "policy", "is_aligned"),
    [
        ("bounce.network.org", "v=DMARC1; p=none", True),
        ("bounce.network.org", "v=DMARC1; p=none; aspf=s", False),
        ("relay.net", "v=DMARC1; p=none", False),
    ],
)
def test_bounces_that_go_elsewhere_are_told_where_spf_no_longer_speaks_for_the_sender(
    server, settings, returned, policy, is_aligned
):
    settings.NEWSLETTER_MAIL_DOMAIN = returned
    server.records |= {
        (returned, "TXT"): [SPF],
        (returned, "A"): ["203.0.113.1"],  # without MX the host itself takes mail
        ("_dmarc.network.org", "TXT"): [f'"{policy}"'],
    }
    words = f"Mails come from “network.org”, bounces go to “{returned}”: SPF does not speak for the sender, only DKIM."
    assert looked_up() == ([] if is_aligned else [words])


@pytest.mark.parametrize("records", [None, ["0 ."]])
def test_a_domain_that_takes_no_mail_loses_bounces(server, records):
    server.records.pop(("network.org", "MX"))
    if records:
        server.records["network.org", "MX"] = records
    assert looked_up() == ["“network.org” takes no mail: bounces and wishes to unsubscribe get lost."]


def test_unsubscribing_wants_https(server, settings):
    settings.SITE_URL = "http://newsletter.network.org"
    assert looked_up() == [
        "The address for unsubscribing does not begin with https: mail services show no button for it."
    ]
