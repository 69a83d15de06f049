"""What a refusal means: its status (RFC 3463) and its words become a kind. The table stands in docs/bounces.md.

Two mistakes are weighed against each other: to go on writing to a mailbox that is gone costs reputation, to stop
writing to a reader who is there loses the reader. So "gone" must be said plainly; what blames the sender never
stops a reader; and all that is left counts as "not now", which stops only who is silent for months.
"""

import re

from newsletter.models import DeliveryEvent

Kind = DeliveryEvent.Kind
LONGEST = 2000  # characters of a server's words that are looked at

# Subjects go up to 7, which keeps most version numbers and all IP addresses out.
_STATUS = re.compile(r"(?<![\d.])[245]\.[0-7]\.\d{1,3}(?![\d.])")
_AFTER_REPLY = re.compile(r"(?<![\d.])[45]\d\d[ -]+#?([245]\.[0-7]\.\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.])[45]\d\d(?=[ -])")
_VAGUE = re.compile(r"(?:5\.[035]\.\d+|5\.4\.[01]|5\d\d|)")
_ADDRESS = re.compile(r"(?:\"[^\"\n]{1,64}\"|[^\s<>()\[\]:;,\"]{1,128})@[^\s<>()\[\]:;,\"]{1,255}")

_GONE_STATUS = re.compile(r"5\.1\.(?![59]$)\d+|5\.2\.1")
_FULL_STATUS = re.compile(r"[45]\.2\.(?:[234]|122)")
_OUR_FAULT_STATUS = re.compile(r"5\.7\.\d+|5\.1\.(?:7|8|90)")
# Exchange: this mailbox or group takes no mail from outside. That is its owner's wish, nobody's fault.
_CLOSED = re.compile(r"5\.7\.1[23]\d")

_OUR_FAULT = re.compile(
    r"\bspam|unsolicited|\b(?:rbl|dnsbl|spf|dkim|dmarc|ptr|rdns)\b|reputation|(?:black|block|deny) ?list|banned"
    r"|\bpolic(?:y|ies)\b|unauthenticated|reverse dns|\bvirus|bulk mail|content (?:filter|reject)"
    r"|listed (?:in|at|by|on)"
    r"|(?<!mailbox )(?<!account )\b(?:is|been|was|are) (?:temporarily )?blocked"
    r"|blocked (?:using|by|due|because|for|from)"
    r"|\bsender\b.{0,40}(?:rejected|denied|failed|unknown|invalid|not (?:exist|found))",
    re.IGNORECASE,
)
_FULL = re.compile(
    r"(?:mailbox|account|inbox|postfach)\b.{0,30}\b(?:full|voll)|quota|out of storage"
    r"|storage (?:space|allocation|limit)|insufficient (?:disk|storage|system)"
    r"|too quickly|too many (?:messages|mails)|at a rate|rate.limit|size limit",
    re.IGNORECASE,
)
_GONE = re.compile(
    r"\b(?:user|recipient|mailbox|account|address|person)\b.{0,60}\b(?:not found|does(?: not|n'?t) exist|not exist"
    r"|unknown|disabled|inactive|deactivated|unavailable|not available|no longer|invalid|closed)"
    r"|(?:unknown|no such|invalid|not a valid|not a known) (?:local )?"
    r"(?:user|recipient|mailbox|address|account|person)"
    r"|no mailbox here|doesn't have an? .{1,60} account|unrouteable address|nosuchuser"
    r"|recipient address rejected: access denied"
    r"|(?:benutzer|empfänger|postfach|konto)\b.{0,60}\b(?:unbekannt|nicht gefunden|existiert nicht|nicht vorhanden)",
    re.IGNORECASE | re.DOTALL,
)


def classify(status: str, words: str) -> tuple[str, str]:
    """The kind, and the code that led to it: an enhanced status, an SMTP reply code or "".

    `status` is what the report states, "" or 5.0.0 when it does not know; `words` what the server said.
    """
    words = without_addresses(" ".join(words[:LONGEST].split()))
    said = _stated(words)
    code = said or _first(_REPLY, words) if status[1:] in {"", ".0.0"} else status
    return _kind({status, said}, code or status, words), code or status


def without_addresses(words: str) -> str:
    """The words with "…" for each address: "policy@example.org is unknown" speaks of no policy."""
    return _ADDRESS.sub("…", words)


def has_code(words: str) -> bool:
    return bool(_REPLY.search(words) or _STATUS.search(words))


def _kind(statuses: set[str], code: str, words: str) -> str:
    ours = any(_OUR_FAULT_STATUS.fullmatch(status) for status in statuses)
    if any(_CLOSED.fullmatch(status) for status in statuses):
        return Kind.SOFT
    if _OUR_FAULT.search(words):
        return Kind.POLICY
    if _FULL_STATUS.fullmatch(code) or _FULL.search(words):
        return Kind.SOFT
    gone = _GONE.search(words)
    if ours:
        return Kind.SOFT if gone else Kind.POLICY  # "5.7.1 user unknown" contradicts itself: nobody pays for it
    if _GONE_STATUS.fullmatch(code) or (gone and _VAGUE.fullmatch(code)):
        return Kind.HARD
    return Kind.SOFT


def _stated(words: str) -> str:
    after_reply = _AFTER_REPLY.search(words)
    return after_reply[1] if after_reply else _first(_STATUS, words)


def _first(pattern: re.Pattern[str], words: str) -> str:
    found = pattern.search(words)
    return found[0] if found else ""
