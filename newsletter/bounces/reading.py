"""What a mail to the bounce address says: which delivery it is about, and what became of that.

Which delivery: the token of `newsletter.mime.delivery_token` stands in the envelope sender of each letter and in its
Message-ID, so it is in what a bounce is addressed to, or in what it returns. Only we can make one; a mail without
one is not ours to judge. But whoever gets a reader's answer sees one: that it is about this reader, the mail must say
by their address, or by the reader's own token, which the returned letter has in its List-Unsubscribe.
What became of it: RFC 3464 first, then flufl.bounce, then the words alone.

Everything here comes from strangers: nothing raises, and nothing takes more than some seconds.
"""

import datetime
import hashlib
import logging
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from itertools import chain, islice

from flufl.bounce import all_failures

from newsletter import tracking
from newsletter.bounces import structure
from newsletter.bounces.classifying import LONGEST, Kind, classify, has_code, without_addresses
from newsletter.bounces.structure import Recipient
from picum import links

log = logging.getLogger(__name__)

SOURCE = "dsn"
LARGEST = 1_000_000  # octets of a mail that are looked at; our letters end at 100 KB
MOST_TOKENS = 50
MOST_BOUNDARIES = 20  # the parser's time grows with their depth times the length
OLDEST = datetime.timedelta(days=30)
ARRIVED = {"delivered", "relayed", "expanded"}
# "other", "virus", "not-spam" and "auth-failure" are no wish to be left alone.
COMPLAINTS = {"abuse", "fraud", "opt-out", "opt-out-list"}

_TOKEN = re.compile(r"(?<![0-9a-z])(\d{1,19}-[0-9a-f]{20})(?![0-9a-z])", re.IGNORECASE)
# A token of `picum.links`: 16 octets and their signature.
_READER = re.compile(r"(?<![\w-])[\w-]{22}\.[\w-]{43}(?![\w-])", re.ASCII)
_BOUNDARY = re.compile(rb"\bboundary[*\d]*\s*=", re.IGNORECASE)
_DAEMON = re.compile(
    r"mailer-?daemon|mail-?daemon|mdaemon|postmaster|mail delivery (?:sub)?system|microsoftexchange\w*|mail-?system",
    re.IGNORECASE,
)
_ABSENCE = re.compile(
    r"(?:re: ?|aw: ?)?(?:out of (?:the )?office|auto(?:matic|mated)?[- ]?(?:reply|response)|automatische antwort"
    r"|abwesenheit|abwesend|réponse automatique|absence du bureau|absent du bureau|respuesta automática"
    r"|fuera de la oficina|risposta automatica|fuori sede|resposta automática|fora do escritório|automatisch antwoord"
    r"|afwezig)",
    re.IGNORECASE,
)
# Where the returned letter begins: its words, perhaps about policies and blocked borders, are not the server's.
_REST = re.compile(
    r"[-=_* ]*(?:this is a copy|below (?:this|the next) line|the headers? of the original|original message"
    r"|returned message|a copy of (?:the|your) message|(?:return-path|received|message-id|from|subject): )",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reading:
    """`ours`: the mail carries a valid token. `handled`: it is understood, so nobody needs to look at it; it may
    mean nothing, such as "I am on holiday" or "I shall try again". `readers`: the handles of those whose own tokens
    it carries; an event without an address counts for none but them."""

    events: list[tracking.Event] = field(default_factory=list)
    ours: bool = False
    handled: bool = False
    readers: frozenset[uuid.UUID] = frozenset()


def read(message: bytes, *, now: datetime.datetime) -> Reading:
    """What the mail says. Never raises; of an overlong mail the beginning is read."""
    message = message[:LARGEST]
    try:
        token = _token([message.decode("latin-1")])
        if len(_BOUNDARY.findall(message)) > MOST_BOUNDARIES:
            return Reading(ours=bool(token))
        parsed = message_from_bytes(message)
        token = token or _token(structure.encoded_texts(parsed))
        return _Mail(message, parsed, token, now).reading() if token else Reading()
    except Exception as error:  # The parsers of mails have their own bugs; the next mail shall be read all the same.
        log.warning("A mail to the bounce address cannot be read: %s.", type(error).__name__)
        return Reading()


class _Mail:
    """A mail that carries a token of ours."""

    def __init__(self, octets: bytes, message: Message, token: str, now: datetime.datetime):
        self.octets, self.message, self.token, self.now = octets, message, token, now

    def reading(self) -> Reading:
        fields = structure.feedback(self.message)
        if fields is not None:
            events = self._complained(fields)
        elif recipients := structure.recipients(self.message):
            events = self._reported(recipients)
        elif self.message.get_param("report-type") == "disposition-notification" or self._is_absence():
            events = []
        elif (found := self._told() if self._is_from_a_machine() else None) is not None:
            events = found
        else:
            return Reading(ours=True)
        return Reading(events, ours=True, handled=True, readers=self._readers() if events else frozenset())

    def _complained(self, fields: dict[str, str]) -> list[tracking.Event]:
        """RFC 5965. Whom it is about is often blacked out (RFC 6590)."""
        kind = fields.get("feedback-type", "").lower()
        reader = structure.address(fields.get("original-rcpt-to", "")) or structure.returned_to(self.message)
        return [self._event(0, Kind.COMPLAINED, code=kind, address=reader)] if kind in COMPLAINTS else []

    def _reported(self, recipients: list[Recipient]) -> list[tracking.Event]:
        """RFC 3464: the report says it. "Delayed" is no event: the same server will speak again."""
        events = []
        for number, recipient in enumerate(recipients):
            reader = recipient.original or structure.returned_to(self.message) or recipient.final
            if recipient.action in ARRIVED:
                events.append(self._event(number, Kind.DELIVERED, code=recipient.status, address=reader))
            elif recipient.action.startswith(("fail", "error")):  # OpenSMTPD says "error"
                vague = recipient.status[1:] in {"", ".0.0"}
                words = recipient.diagnostic or (self._words_about(recipient.final or reader) if vague else "")
                kind, code = classify(recipient.status, words)
                if kind == Kind.HARD and recipient.final and recipient.final.casefold() != reader.casefold():
                    # The reader's address passes mail on, perhaps to several people, of whom one is gone.
                    kind = Kind.SOFT
                words = _without(words, recipient.final)
                events.append(self._event(number, kind, code=code, address=reader, words=words))
        return events

    def _told(self) -> list[tracking.Event] | None:
        """What a machine says in words of its own; None when that is not understood."""
        later, failed = _by_flufl(self.octets)
        if failed:
            return [self._failure(number, address) for number, address in enumerate(failed)]
        if later:
            return []
        words = self._words_about("")
        if not has_code(words):
            return None
        kind, code = classify("", words)
        # Nobody is stopped at once when not even the address could be found.
        return [self._event(0, Kind.SOFT if kind == Kind.HARD else kind, code=code, words=words)]

    def _failure(self, number: int, address: str) -> tracking.Event:
        words = self._words_about(address)
        kind, code = classify("", words)
        return self._event(number, kind, code=code, address=address, words=words)

    def _readers(self) -> frozenset[uuid.UUID]:
        """Whose own token comes back with their letter."""
        texts = chain([self.octets.decode("latin-1")], structure.encoded_texts(self.message))
        tokens = {match[0] for match in islice(_tokens(texts), MOST_TOKENS)}
        return frozenset(handle for token in tokens if (handle := _handle(token)))

    def _words_about(self, address: str) -> str:
        """What the human-readable part says, from the address on and without the returned letter."""
        text = structure.text(self.message, most=20_000)
        words: list[str] = []
        for line in (text.partition(address)[2] if address else "").splitlines() or text.splitlines():
            if _REST.match(line.strip()) and words:
                break
            words.append(line.strip())
        return " ".join(words).lstrip(">: ")[:LONGEST]

    def _is_absence(self) -> bool:
        """Somebody's mail program answers in their place (RFC 3834)."""
        if _DAEMON.search(self._header("From")):
            return False
        automatic = self._header("Auto-Submitted").lower().startswith("auto-")
        marked = any(name in self.message for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Vacation"))
        reply = self._header("Precedence").lower() in {"auto_reply", "auto-reply"}
        return automatic or marked or reply or bool(_ABSENCE.match(self._header("Subject").strip()))

    def _is_from_a_machine(self) -> bool:
        """Bounces have no sender (RFC 5321 §4.5.5; Postfix' pipe calls it MAILER-DAEMON) or a server's own address."""
        senders = self._header("Return-Path").strip(), self._header("From")
        return senders[0] == "<>" or any(_DAEMON.search(sender) for sender in senders)

    def _header(self, name: str) -> str:
        return str(self.message.get(name, ""))

    def _event(self, number: int, kind: str, *, code: str = "", address: str = "", words: str = "") -> tracking.Event:
        return tracking.Event(
            kind=kind,
            token=self.token,
            address=address,
            happened_at=self._date(),
            source=SOURCE,
            key=self._key(number),
            code=code,
            detail=without_addresses(words)[:300],
        )

    def _key(self, number: int) -> str:
        """The same for the same mail, though another server has added header fields or changed line ends."""
        body = self.octets.replace(b"\r\n", b"\n").partition(b"\n\n")[2].strip()
        return hashlib.sha256(f"{self.token} {number} ".encode() + body).hexdigest()

    def _date(self) -> datetime.datetime:
        """When the mail says it was written, unless that cannot be."""
        try:
            date = parsedate_to_datetime(self._header("Date"))
            date = date if date.tzinfo else date.replace(tzinfo=datetime.UTC)
            return date if self.now - OLDEST <= date <= self.now else self.now
        except (ValueError, TypeError, OverflowError):
            return self.now


def _tokens(texts: Iterable[str]) -> Iterator[re.Match[str]]:
    return (match for text in texts for match in _READER.finditer(text))


def _handle(token: str) -> uuid.UUID | None:
    try:
        return links.unsign(token, purpose="reader")
    except links.BadToken:
        return None


def _token(texts: Iterable[str]) -> str:
    """The first token of ours. The header with the envelope's recipient comes before what is returned; relays
    may have put it into lower or upper case, or into another address (SRS, BATV)."""
    candidates = (match[1].lower() for text in texts for match in _TOKEN.finditer(text))
    return next((token for token in islice(candidates, MOST_TOKENS) if tracking.read_token(token) is not None), "")


def _by_flufl(octets: bytes) -> tuple[list[str], list[str]]:
    """Who is failing for now and who for good, by the hundred dialects that flufl.bounce knows.

    Its patterns take their time with long lines, so it gets the beginning, in lines as long as mail may have them.
    """
    lines = octets[:64_000].splitlines(keepends=True)
    message = message_from_bytes(b"".join(line if len(line) <= 1000 else line[:998] + b"\n" for line in lines))
    sender = parseaddr(str(message.get("From", "")))[1]
    del message["From"]
    message["From"] = sender or "unknown"  # without one its detectors raise
    try:
        later, failed = all_failures(message)
    except Exception as error:  # A dialect's detector stumbled over a strange mail; the words are still there.
        log.info("A bounce's dialect could not be read: %s", type(error).__name__)
        return [], []
    return _texts(later), _texts(failed)


def _texts(addresses: Iterable[bytes]) -> list[str]:
    return sorted(address.decode("ascii", "replace") for address in addresses)[: structure.MOST_RECIPIENTS]


def _without(words: str, address: str) -> str:
    """The words without the person: "user amal unknown" names her as well as her address does."""
    local = address.rpartition("@")[0]
    return re.sub(rf"(?<!\w){re.escape(local)}(?!\w)", "…", words, flags=re.IGNORECASE) if len(local) > 2 else words
