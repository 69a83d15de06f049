"""What the name servers tell the world of the domains that we send from: SPF (RFC 7208), DKIM (RFC 6376), DMARC
(RFC 7489), and where bounces would go. Looked up in the background, and kept.
"""

import datetime
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from email.utils import parseaddr

import dns.exception
import dns.resolver
from django.conf import settings
from django.db.models import Q

from newsletter.models import SenderCheck
from picum.doorbell import ring_on_commit

log = logging.getLogger(__name__)
SECONDS = 5  # for one question
AT_ONCE, NOW_AND_THEN = datetime.timedelta(minutes=1), datetime.timedelta(days=7)
FORGET = datetime.timedelta(days=90)  # a domain that is no longer ours
# For examples and for homes (RFC 2606, 6761, 6762): nobody is asked about them.
_EXAMPLES = ("example", "test", "invalid", "localhost", "local", "internal")
_EXAMPLES += ("example.com", "example.net", "example.org")


@dataclass(frozen=True)
class Answer:
    """What came of a question: records, none for sure, or (`records` None) nobody knows."""

    records: list[str] | None

    @property
    def is_known(self) -> bool:
        return self.records is not None


@dataclass(frozen=True)
class Facts:
    """Of one domain. `dmarc_at`: where the policy stands, the domain's own or one above it, "" if nowhere; `dkim`: by
    selector; `mail`: hosts that take its mail."""

    spf: Answer
    dmarc: Answer
    dmarc_at: str
    mail: Answer
    dkim: dict[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """The facts of a domain, and when they were looked up; None each before that."""

    domain: str
    facts: Facts | None
    at: datetime.datetime | None


def shown() -> str:
    """The domain that readers see: of From, and so of DMARC."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2].lower()


def returned_to() -> str:
    """The domain to which bounces go: of the envelope, and so of SPF."""
    return settings.NEWSLETTER_MAIL_DOMAIN.lower()


def is_example(domain: str) -> bool:
    return "." not in domain or any(domain == name or domain.endswith(f".{name}") for name in _EXAMPLES)


def known() -> dict[str, Checked]:
    """What is known of our domains, by domain. One query."""
    rows = {row.domain: row for row in SenderCheck.objects.filter(domain__in=_ours())}
    return {domain: _checked(domain, rows.get(domain)) for domain in _ours()}


def ask(*, now: datetime.datetime, older_than: datetime.timedelta) -> bool:
    """Have our domains looked up if they were not within this time; whether any is due. Rings on commit."""
    ours = [domain for domain in _ours() if not is_example(domain)]
    SenderCheck.objects.bulk_create([SenderCheck(domain=domain, due_at=now) for domain in ours], ignore_conflicts=True)
    rows = SenderCheck.objects.filter(domain__in=ours)
    rows.filter(Q(checked_at=None) | Q(checked_at__lte=now - older_than), due_at=None).update(due_at=now)
    is_due = rows.filter(due_at__lte=now).exists()
    if is_due:
        ring_on_commit("newsletter.check_sender")
    return is_due


def check(*, now: datetime.datetime) -> int:
    """Look up what is due; how many domains that were. Those that are no longer ours are forgotten."""
    SenderCheck.objects.exclude(domain__in=_ours()).filter(
        Q(checked_at__lte=now - FORGET) | Q(checked_at=None, due_at__lte=now - FORGET)
    ).delete()
    due = SenderCheck.objects.filter(domain__in=_ours(), due_at__lte=now)
    for row in due:
        facts = look_up(row.domain)
        SenderCheck.objects.filter(pk=row.pk).update(facts=asdict(facts), checked_at=now, due_at=None)
    return len(due)


def look_up(domain: str) -> Facts:
    """Ask the name servers that this machine uses. Raises nothing."""
    dmarc, at = _dmarc(domain)
    mail = _asked(domain, "MX", lambda record: str(record.exchange).rstrip("."))
    if mail.records == []:  # then the host of that name takes the mail (RFC 5321, 5.1)
        mail = _asked(domain, "A", lambda record: domain)
    return Facts(
        spf=_texts(domain, "v=spf1"),
        dmarc=dmarc,
        dmarc_at=at,
        mail=mail,
        dkim={
            selector: _texts(f"{selector}._domainkey.{domain}", "") for selector in settings.NEWSLETTER_DKIM_SELECTORS
        },
    )


def tags(record: str) -> dict[str, str]:
    """The tags of a DKIM or DMARC record: "v=DMARC1; p=none" → {"v": "DMARC1", "p": "none"}."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, _is, value in pairs if name.strip()}


def _dmarc(domain: str) -> tuple[Answer, str]:
    """The policy of a domain or of the nearest one above it, but for the top level; and where it stands."""
    labels = domain.split(".")
    answer = Answer([])
    for start in range(max(1, len(labels) - 1)):
        at = ".".join(labels[start:])
        answer = _texts(f"_dmarc.{at}", "v=dmarc1")
        if answer.records != []:
            return answer, at if answer.is_known else ""
    return answer, ""


def _texts(name: str, begins: str) -> Answer:
    """TXT records that begin with this word, whatever its case."""
    answer = _asked(name, "TXT", lambda record: b"".join(record.strings).decode("utf-8", "replace"))
    if answer.records is None:
        return answer
    word = re.compile(rf"\s*{begins}(?!\w)" if begins else "", re.IGNORECASE)
    return Answer([text for text in answer.records if word.match(text)])


def _asked(name: str, kind: str, read: Callable) -> Answer:
    try:
        return Answer([read(record) for record in dns.resolver.resolve(name, kind, lifetime=SECONDS)])
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return Answer([])
    except (dns.exception.DNSException, OSError, UnicodeError) as error:
        log.warning("The name servers did not answer about the sender's domain (%s).", type(error).__name__)
        return Answer(None)


def _ours() -> Iterable[str]:
    return dict.fromkeys(filter(None, [shown(), returned_to()]))


def _checked(domain: str, row: SenderCheck | None) -> Checked:
    if row is None or row.facts is None:
        return Checked(domain, None, None)
    said = row.facts
    facts = Facts(
        spf=Answer(**said["spf"]),
        dmarc=Answer(**said["dmarc"]),
        dmarc_at=said["dmarc_at"],
        mail=Answer(**said["mail"]),
        dkim={selector: Answer(**answer) for selector, answer in said["dkim"].items()},
    )
    return Checked(domain, facts, row.checked_at)
