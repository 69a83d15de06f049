"""A provider's event, as Anymail reads it, in our own words: which letter, whose, and what kind of news.

Anymail tells a bounce from a delivery, but not a mailbox that does not exist from one that is full, nor from a mail
that was taken for spam. That is said in different words by each provider, and in the codes of RFC 3463.
"""

import datetime
import re
from collections.abc import Callable, Mapping

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason

from newsletter.models import DeliveryEvent
from newsletter.tracking import Event

Kind = DeliveryEvent.Kind
_TOKEN = re.compile(r"(?<![\w-])[1-9][0-9]{0,17}-[0-9a-f]{20}(?![\w-])", re.ASCII)
_CODE = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])", re.ASCII)
_SPAM = re.compile(
    r"spam|unsolicited|black ?list|block ?list|\bblocked\b|reputation|\bdmarc\b|\bspf\b|\bdkim\b|polic(?:y|ies)|"
    r"unauthenticated|virus",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"(?:user|mailbox|recipient|address|account)\b.{0,30}\b(?:unknown|not found|not exist|invalid|disabled)|"
    r"(?:unknown|no such|invalid) (?:user|recipient|mailbox|address|local part)",
    re.IGNORECASE,
)
# Bad *sender* addresses: RFC 3463 puts them among the addresses, but they say nothing of the reader's.
_ABOUT_US = {"5.1.7", "5.1.8", "5.1.9"}
_REJECTED = {
    RejectReason.INVALID: "invalid",
    RejectReason.BOUNCED: "bounced",
    RejectReason.UNSUBSCRIBED: "unsubscribed",
    RejectReason.BLOCKED: "blocked",
}
News = tuple[str, str]  # a kind and its code


def event_of(source: str, said: AnymailTrackingEvent, *, received_at: datetime.datetime) -> Event | None:
    """The event; None for what is no news of a delivery: opens, clicks, delays, and what is not about our letters."""
    news = _news(source, said)
    if news is None:
        return None
    happened_at = said.timestamp or received_at
    if happened_at.tzinfo is None:
        happened_at = happened_at.replace(tzinfo=datetime.UTC)
    # Where neither number nor time is given, there is one such event in a letter's life.
    key = _own_number(source, said) or (happened_at.isoformat() if said.timestamp else "once")
    kind, code = news
    return Event(
        kind=kind,
        token=_token(said),
        address=str(said.recipient or "").strip(),
        happened_at=min(happened_at, received_at),
        source=source,
        key=key,
        code=code,
        detail=_words(said),
    )


def verdict(words: str, *, permanent: bool | None, code: str = "") -> News:
    """A bounce as hard, soft or policy. `permanent` is what its messenger thinks; None when it does not say.

    Hard are 5.1.x (the sender's own codes apart) and 5.2.1; what is permanent without any code; and words that say
    there is nobody. What was refused as spam, by policy, or for missing authentication says nothing of the reader.
    """
    code = code or next(iter(_CODE.findall(words)), "")
    if code in _ABOUT_US or code.startswith("5.7."):
        return Kind.POLICY, code
    if code.startswith("5.1.") or code == "5.2.1":
        return Kind.HARD, code
    if _SPAM.search(words):
        return Kind.POLICY, code
    if code.startswith("4.") or permanent is False:
        return Kind.SOFT, code
    if code.startswith(("5.2.", "5.3.", "5.6.")):  # full, too large, a form it cannot take
        return Kind.SOFT, code
    return (Kind.HARD if permanent or _NOBODY.search(words) else Kind.SOFT), code


def _news(source: str, said: AnymailTrackingEvent) -> News | None:
    raw = said.esp_event if isinstance(said.esp_event, Mapping) else {}
    dialect = DIALECTS.get(source)
    if dialect and (told := dialect(raw, said)):
        return told
    match said.event_type:
        case EventType.DELIVERED | EventType.COMPLAINED | EventType.UNSUBSCRIBED:
            return said.event_type, ""
        case EventType.REJECTED:
            return Kind.REJECTED, _REJECTED.get(said.reject_reason, "other")
        case EventType.FAILED:
            return Kind.REJECTED, "other"
        case EventType.BOUNCED if said.reject_reason in {RejectReason.BLOCKED, RejectReason.SPAM}:
            return Kind.POLICY, verdict(_words(said), permanent=None)[1]
        case EventType.BOUNCED:
            return verdict(_words(said), permanent=True if said.reject_reason == RejectReason.INVALID else None)
        case _:
            return None


# --- each provider's own words ---------------------------------------------------------------------------------------


def _amazon_ses(raw: Mapping, said: AnymailTrackingEvent) -> News | None:
    if raw.get("eventType") == "Subscription":
        wanted = (raw.get("subscription") or {}).get("newTopicPreferences") or {}
        return (Kind.UNSUBSCRIBED, "") if wanted.get("unsubscribeAll") else None
    if said.event_type != EventType.BOUNCED:
        return None
    bounce = raw.get("bounce") or {}
    sub_type = bounce.get("bounceSubType")
    if sub_type in {"Suppressed", "OnAccountSuppressionList"}:
        return Kind.REJECTED, "bounced"
    if sub_type in {"ContentRejected", "AttachmentRejected"}:
        return Kind.POLICY, ""
    recipients = bounce.get("bouncedRecipients") or []
    status = next((to.get("status", "") for to in recipients if to.get("emailAddress") == said.recipient), "")
    permanent = {"Permanent": True, "Transient": False}.get(bounce.get("bounceType"))
    return verdict(_words(said), permanent=permanent, code=status if _CODE.fullmatch(status or "") else "")


def _brevo(raw: Mapping, said: AnymailTrackingEvent) -> News | None:
    permanent = {"hard_bounce": True, "invalid_email": True, "soft_bounce": False}.get(raw.get("event"))
    return None if permanent is None else verdict(_words(said), permanent=permanent)


def _mailersend(raw: Mapping, said: AnymailTrackingEvent) -> News | None:
    permanent = {"hard_bounced": True, "soft_bounced": False}.get((raw.get("data") or {}).get("type"))
    return None if permanent is None else verdict(_words(said), permanent=permanent)


def _mailgun(raw: Mapping, said: AnymailTrackingEvent) -> News | None:
    data = raw.get("event-data") or {}
    if said.event_type != EventType.BOUNCED or not data:
        return None
    reason = str(data.get("reason", ""))
    known = {"suppress-bounce": "bounced", "suppress-complaint": "complained", "suppress-unsubscribe": "unsubscribed"}
    if reason in known:
        return Kind.REJECTED, known[reason]
    if reason == "espblock":
        return Kind.POLICY, ""
    return verdict(_words(said), permanent={"bounce": True, "old": False}.get(reason))


def _mailjet(raw: Mapping, said: AnymailTrackingEvent) -> News | None:
    error = raw.get("error", "")
    if said.event_type == EventType.REJECTED:
        known = {"spam reporter": "complained", "quota exceeded": "other", "relay/access denied": "other"}
        return (Kind.REJECTED, known[error]) if error in known else None
    if said.event_type != EventType.BOUNCED or said.reject_reason in {RejectReason.BLOCKED, RejectReason.SPAM}:
        return None
    return verdict(f"{_words(said)} {error}", permanent=bool(raw.get("hard_bounce")) and error != "quota exceeded")


def _mailtrap(raw: Mapping, said: AnymailTrackingEvent) -> News | None:
    if raw.get("event") == "bounce":
        return verdict(f"{_words(said)} {raw.get('bounce_category') or ''}", permanent=True)
    return None


def _mandrill(raw: Mapping, said: AnymailTrackingEvent) -> News | None:
    message = raw.get("msg") or {}
    if raw.get("event") == "delivered":  # younger than Anymail's table
        return Kind.DELIVERED, ""
    permanent = {"hard_bounce": True, "soft_bounce": False}.get(raw.get("event"))
    if permanent is not None:
        return verdict(f"{_words(said)} {message.get('bounce_description') or ''}", permanent=permanent)
    if raw.get("event") == "reject":
        reject = raw.get("reject") or message.get("reject") or {}
        reason = reject.get("reason") if isinstance(reject, Mapping) else reject
        known = {"hard-bounce": "bounced", "invalid": "invalid", "spam": "complained", "unsub": "unsubscribed"}
        return Kind.REJECTED, known.get(reason, "other")
    return None


def _postal(raw: Mapping, said: AnymailTrackingEvent) -> News | None:
    if said.event_type == EventType.FAILED:  # "HardFail": the recipient's server said so, or Postal's own list
        held = "suppress" in _words(said).lower()
        return (Kind.REJECTED, "bounced") if held else verdict(_words(said), permanent=None)
    return None


def _postmark(raw: Mapping, said: AnymailTrackingEvent) -> News | None:
    kind = raw.get("Type") or raw.get("SuppressionReason")
    if kind in {"SpamNotification", "VirusNotification"}:  # a filter's word, not the reader's complaint
        return Kind.POLICY, ""
    if kind in {"HardBounce", "SoftBounce"} and said.event_type == EventType.BOUNCED:
        return verdict(_words(said), permanent=kind == "HardBounce")
    return None


def _resend(raw: Mapping, said: AnymailTrackingEvent) -> News | None:
    data = raw.get("data") or {}
    if raw.get("type") in {"email.failed", "email.suppressed"}:
        return Kind.REJECTED, "other"
    if said.event_type != EventType.BOUNCED:
        return None
    bounce = data.get("bounce") or {}
    if bounce.get("subType") in {"Suppressed", "OnAccountSuppressionList"}:
        return Kind.REJECTED, "bounced"
    hard = "hard bounce" in _words(said)
    permanent = {"Permanent": True, "Transient": False}.get(bounce.get("type"), True if hard else None)
    return verdict(_words(said), permanent=permanent)


def _sendgrid(raw: Mapping, said: AnymailTrackingEvent) -> News | None:
    if raw.get("event") == "bounce":
        return verdict(_words(said), permanent=raw.get("type") != "blocked", code=_status(raw))
    if raw.get("event") == "dropped" and "spam report" in str(raw.get("reason", "")).lower():
        return Kind.REJECTED, "complained"
    return None


def _sparkpost(raw: Mapping, said: AnymailTrackingEvent) -> News | None:
    if said.event_type != EventType.BOUNCED:
        return None
    event = next(iter((raw.get("msys") or {}).values()), {})
    bounce_class = str(event.get("bounce_class", ""))
    if bounce_class in {"25", "50", "51", "52", "53", "54"}:
        return Kind.POLICY, verdict(_words(said), permanent=None)[1]
    hard, soft = {"10", "30", "90"}, {"20", "21", "22", "23", "24", "40", "70", "100"}
    return verdict(_words(said), permanent=True if bounce_class in hard else False if bounce_class in soft else None)


def _unisender_go(raw: Mapping, said: AnymailTrackingEvent) -> News | None:
    if said.event_type != EventType.BOUNCED:
        return None
    status = (raw.get("delivery_info") or {}).get("delivery_status", "")
    if status in {"err_spam_rejected", "err_blacklisted"}:
        return Kind.POLICY, ""
    if status in {"err_unsubscribed", "err_spam_skipped", "err_skip_letter"}:
        return Kind.REJECTED, "unsubscribed" if status == "err_unsubscribed" else "other"
    nobody = {"err_user_unknown", "err_user_inactive", "err_mailbox_discarded", "err_domain_inactive"}
    return verdict(said.mta_response or "", permanent=status in nobody)


DIALECTS: dict[str, Callable[[Mapping, AnymailTrackingEvent], News | None]] = {
    "amazon-ses": _amazon_ses, "brevo": _brevo, "mailersend": _mailersend, "mailgun": _mailgun, "mailjet": _mailjet,
    "mailtrap": _mailtrap, "mandrill": _mandrill, "postal": _postal, "postmark": _postmark, "resend": _resend,
    "sendgrid": _sendgrid, "sparkpost": _sparkpost, "unisender-go": _unisender_go,
}  # fmt: skip


def _status(raw: Mapping) -> str:
    status = str(raw.get("status") or "")
    return status if _CODE.fullmatch(status) else ""


def _words(said: AnymailTrackingEvent) -> str:
    return str(said.mta_response or said.description or "")


def _token(said: AnymailTrackingEvent) -> str:
    """Our delivery's token, from wherever this provider carries it back: metadata, a tag, or the Message-ID."""
    metadata = said.metadata if isinstance(said.metadata, Mapping) else {}
    tags = [said.tags] if isinstance(said.tags, str) else list(said.tags or [])
    for text in (metadata.get("delivery"), *tags, said.message_id):
        if isinstance(text, str) and (found := _TOKEN.search(text)):
            return found[0]
    return ""


def _own_number(source: str, said: AnymailTrackingEvent) -> str:
    if source == "mailgun" and isinstance(said.esp_event, Mapping):
        # Anymail gives the signature's token, which is new with each repetition of the post.
        number = (said.esp_event.get("event-data") or {}).get("id")
        return str(number or said.event_id or "")
    return str(said.event_id or "")
