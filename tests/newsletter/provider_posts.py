"""The posts of each provider as they come over the wire: bodies after the providers' manuals, headers, signatures."""

import base64
import datetime
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

SECRET = "hooks:a-long-random-word"
KEY = "c2lnbmluZy1rZXktb2YtdGhlLXRlc3Rz"
HAPPENED = datetime.datetime(2026, 11, 3, 9, 30, tzinfo=datetime.UTC)
STAMP = int(HAPPENED.timestamp())
WHEN = "2026-11-03T09:30:00.000Z"
BASIC = {"Authorization": "Basic " + base64.b64encode(SECRET.encode()).decode()}
NOBODY = "smtp; 550 5.1.1 <{address}>: Recipient address rejected: User unknown"
FULL = "smtp; 452 4.2.2 The mailbox of {address} is full"


@dataclass(frozen=True)
class Post:
    """One post, ready for the wire."""

    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Said:
    """What the provider has to say: `what` is delivered, bounced, soft, complained, unsubscribed, rejected, opened."""

    what: str
    token: str
    address: str
    number: str = "1"

    @property
    def words(self) -> str:
        told = {"bounced": NOBODY, "soft": FULL}.get(self.what, "250 2.0.0 OK")
        return told.format(address=self.address)


def settings_for(provider: str) -> dict[str, str]:
    """Anymail's settings under which the posts of `post` are genuine."""
    keys = {
        "mailersend": {"MAILERSEND_SIGNING_SECRET": KEY},
        "mailgun": {"MAILGUN_WEBHOOK_SIGNING_KEY": KEY},
        "mailtrap": {"MAILTRAP_TRACKING_SECRET": KEY},
        "mandrill": {"MANDRILL_WEBHOOK_KEY": KEY, "MANDRILL_WEBHOOK_URL": "https://news.example.org/hooks/mandrill/"},
        "postal": {"POSTAL_WEBHOOK_KEY": _public(_rsa())},
        "resend": {"RESEND_SIGNING_SECRET": f"whsec_{KEY}"},
        "sendgrid": {"SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY": _public(_ec())},
        "unisender-go": {"UNISENDER_GO_API_KEY": KEY},
    }
    return {"WEBHOOK_SECRET": SECRET} | keys.get(provider, {})


def post(provider: str, *said: Said) -> Post:
    """The provider's post of these events: all of them in one where it gathers them, else the only one."""
    return _BODIES[provider](said)


def _json(data: object, headers: dict[str, str] | None = None) -> Post:
    return Post(json.dumps(data).encode(), headers=BASIC | (headers or {}))


def _amazon_ses(said) -> Post:
    (one,) = said
    names = {
        "delivered": "Delivery", "bounced": "Bounce", "soft": "Bounce", "complained": "Complaint", "rejected": "Reject",
        "opened": "Open", "unsubscribed": "Subscription",
    }  # fmt: skip
    headers = [{"name": "X-Metadata", "value": json.dumps({"delivery": one.token})}]
    event = {"eventType": names[one.what], "mail": {"messageId": "0102", "destination": [one.address]}}
    event["mail"]["headers"] = headers
    to = {"emailAddress": one.address, "diagnosticCode": one.words}
    if one.what == "delivered":
        event["delivery"] = {"recipients": [one.address], "smtpResponse": one.words}
    elif one.what == "complained":
        event["complaint"] = {"complainedRecipients": [to], "complaintFeedbackType": "abuse"}
    elif one.what == "unsubscribed":
        event["subscription"] = {"contactList": "readers", "newTopicPreferences": {"unsubscribeAll": True}}
    elif one.what == "rejected":
        event["reject"] = {"reason": "Bad content"}
    elif names[one.what] == "Bounce":
        kind, sub = {"bounced": ("Permanent", "NoEmail"), "soft": ("Transient", "MailboxFull")}[one.what]
        event["bounce"] = {"bounceType": kind, "bounceSubType": sub, "bouncedRecipients": [to]}
    return sns(event, number=one.number)


def sns(event: object, *, number: str, kind: str = "Notification") -> Post:
    """An SNS message; `event` is a dictionary, or the text of a message."""
    message = event if isinstance(event, str) else json.dumps(event)
    data = {"Type": kind, "MessageId": number, "Timestamp": WHEN, "Message": message}
    data |= {"TopicArn": "arn:aws:sns:eu-west-1:1234:newsletter", "Token": "token-of-sns"}
    headers = {"X-Amz-Sns-Message-Type": kind, "X-Amz-Sns-Message-Id": number}
    posted = _json(data, headers)
    return Post(posted.body, "text/plain; charset=UTF-8", posted.headers)


def _brevo(said) -> Post:
    (one,) = said
    names = {"bounced": "hard_bounce", "soft": "soft_bounce", "complained": "spam", "unsubscribed": "unsubscribe"}
    names |= {"rejected": "blocked", "opened": "unique_opened"}
    data = {"event": names.get(one.what, one.what), "email": one.address, "ts_epoch": STAMP * 1000, "id": 26224}
    data |= {"X-Mailin-custom": json.dumps({"delivery": one.token}), "message-id": "<x@y>", "tags": ["newsletter"]}
    return _json(data | {"reason": one.words})


def _mailersend(said) -> Post:
    (one,) = said
    names = {"bounced": "hard_bounced", "soft": "soft_bounced", "complained": "spam_complaint"}
    data = {"type": names.get(one.what, one.what), "id": f"ms-{one.number}", "created_at": WHEN}
    data["email"] = {"recipient": {"email": one.address}, "tags": [one.token, "newsletter"], "message": {"id": "m"}}
    data["morph"] = {"object": "recipient_bounce", "reason": one.words} if one.what in {"bounced", "soft"} else None
    posted = _json({"type": f"activity.{one.what}", "data": data})
    return Post(posted.body, headers=BASIC | {"Signature": _hmac(posted.body)})


def _mailgun(said) -> Post:
    (one,) = said
    data = {"event": one.what, "id": f"mg-{one.number}", "recipient": one.address, "timestamp": STAMP + 0.25}
    data |= {"user-variables": {"delivery": one.token}, "message": {"headers": {"message-id": "x@y"}}}
    if one.what == "bounced":
        data |= {"event": "failed", "severity": "permanent", "reason": "bounce"}
        data["delivery-status"] = {"code": 550, "message": one.words}
    elif one.what == "soft":
        data |= {"event": "failed", "severity": "permanent", "reason": "old"}
        data["delivery-status"] = {"code": 452, "message": one.words}
    elif one.what == "rejected":
        data |= {"reject": {"reason": "Sandbox subdomains"}}
    token, stamp = uuid.uuid4().hex, str(int(time.time()))
    signature = {"token": token, "timestamp": stamp, "signature": _hmac(f"{stamp}{token}".encode())}
    return _json({"signature": signature, "event-data": data})


def _mailjet(said) -> Post:
    names = {"delivered": "sent", "bounced": "bounce", "soft": "bounce", "complained": "spam", "rejected": "blocked"}
    names |= {"unsubscribed": "unsub", "opened": "open"}
    more = {
        "bounced": {"hard_bounce": True, "error_related_to": "recipient", "error": "user unknown"},
        "soft": {"hard_bounce": False, "error_related_to": "recipient", "error": "quota exceeded"},
        "rejected": {"error_related_to": "mailjet", "error": "preblocked"},
    }
    events = [
        {"event": names[one.what], "time": STAMP, "MessageID": 195, "email": one.address, "smtp_reply": one.words}
        | {"Payload": json.dumps({"delivery": one.token})}
        | more.get(one.what, {})
        for one in said
    ]
    return _json(events)


def _mailtrap(said) -> Post:
    names = {"delivered": "delivery", "bounced": "bounce", "soft": "bounce", "complained": "spam", "opened": "open"}
    names |= {"unsubscribed": "unsubscribe", "rejected": "reject"}
    events = [
        {"event": names[one.what], "event_id": f"mt-{one.number}", "email": one.address, "timestamp": STAMP}
        | {"message_id": "1", "custom_variables": {"delivery": one.token}, "response": one.words}
        for one in said
    ]
    body = json.dumps({"events": events}).encode()
    return Post(body, headers=BASIC | {"Mailtrap-Signature": _hmac(body)})


def _mandrill(said) -> Post:
    names = {"delivered": "delivered", "bounced": "hard_bounce", "soft": "soft_bounce", "complained": "spam"}
    names |= {"unsubscribed": "unsub", "rejected": "reject", "opened": "open"}
    events = [
        {
            "event": names[one.what], "ts": STAMP, "_id": f"mandrill-{one.number}",
            "msg": {"email": one.address, "metadata": {"delivery": one.token}, "tags": [], "diag": one.words},
        }
        for one in said
    ]  # fmt: skip
    text = json.dumps(events)
    signed = ("https://news.example.org/hooks/mandrill/mandrill_events" + text).encode()
    signature = base64.b64encode(hmac.digest(KEY.encode(), signed, hashlib.sha1)).decode()
    body = urlencode({"mandrill_events": text}).encode()
    headers = BASIC | {"X-Mandrill-Signature": signature}
    return Post(body, "application/x-www-form-urlencoded", headers)


def _postal(said) -> Post:
    (one,) = said
    message = {"id": 12345, "direction": "outgoing", "to": one.address, "tag": one.token}
    statuses = {"delivered": "Sent", "bounced": "HardFail", "rejected": "HardFail"}
    payload = {"message": message, "output": one.words, "details": one.words}
    if one.what == "soft":
        payload = {"original_message": message, "bounce": {"id": 9}, "output": one.words}
    elif one.what == "opened":
        payload = {"message": message, "ip_address": "192.0.2.1"}
    else:
        payload["status"] = statuses[one.what]
    if one.what == "rejected":
        payload |= {"output": "", "details": "Recipient is on the suppression list"}
    body = json.dumps({"event": "x", "timestamp": STAMP, "uuid": f"postal-{one.number}", "payload": payload}).encode()
    signature = _rsa().sign(body, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  # Postal's choice
    return Post(body, headers=BASIC | {"X-Postal-Signature": base64.b64encode(signature).decode()})


def _postmark(said) -> Post:
    (one,) = said
    data = {"MessageID": "m", "Metadata": {"delivery": one.token}, "Tag": "newsletter", "Details": one.words}
    told = {
        "delivered": {"RecordType": "Delivery", "Recipient": one.address, "DeliveredAt": WHEN},
        "bounced": {"RecordType": "Bounce", "Type": "HardBounce", "Email": one.address, "BouncedAt": WHEN, "ID": 7},
        "soft": {"RecordType": "Bounce", "Type": "SoftBounce", "Email": one.address, "BouncedAt": WHEN, "ID": 8},
        "rejected": {"RecordType": "Bounce", "Type": "Blocked", "Email": one.address, "BouncedAt": WHEN, "ID": 9},
        "complained": {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": one.address, "BouncedAt": WHEN},
        "unsubscribed": {
            "RecordType": "SubscriptionChange", "Recipient": one.address, "ChangedAt": WHEN, "SuppressSending": True,
            "SuppressionReason": "ManualSuppression", "Origin": "Recipient",
        },
        "opened": {"RecordType": "Open", "Recipient": one.address, "ReceivedAt": WHEN, "UserAgent": "x"},
    }  # fmt: skip
    return _json(data | told[one.what])


def _resend(said) -> Post:
    (one,) = said
    names = {"bounced": "bounced", "soft": "bounced", "rejected": "failed"}
    headers = [{"name": "X-Metadata", "value": json.dumps({"delivery": one.token})}]
    data = {"email_id": "e", "to": [one.address], "headers": headers}
    if one.what in {"bounced", "soft"}:
        data["bounce"] = {"type": "Permanent" if one.what == "bounced" else "Transient", "message": one.words}
    event = {"type": f"email.{names.get(one.what, one.what)}", "created_at": WHEN, "data": data}
    body = json.dumps(event).encode()
    return Post(body, headers=svix(body, number=f"msg_{one.number}") | BASIC)


def svix(body: bytes, *, number: str, moment: int | None = None) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    stamp = str(int(time.time()) if moment is None else moment)
    signed = f"{number}.{stamp}.".encode() + body
    right = base64.b64encode(hmac.digest(base64.b64decode(KEY), signed, hashlib.sha256)).decode()
    return {"Svix-Id": number, "Svix-Timestamp": stamp, "Svix-Signature": f"v1,bm90IHRoaXM= v1,{right}"}


def _sendgrid(said) -> Post:
    names = {"bounced": "bounce", "soft": "bounce", "complained": "spamreport", "unsubscribed": "unsubscribe"}
    names |= {"rejected": "dropped", "opened": "open"}
    more = {
        "bounced": {"type": "bounce", "status": "5.1.1"}, "soft": {"type": "blocked", "status": "4.2.2"},
        "rejected": {"reason": "Unsubscribed Address"},
    }  # fmt: skip
    events = [
        {"email": one.address, "timestamp": STAMP, "event": names.get(one.what, one.what), "category": ["newsletter"]}
        | {"sg_event_id": f"sg-{one.number}", "sg_message_id": "m", "delivery": one.token, "reason": one.words}
        | more.get(one.what, {})
        for one in said
    ]
    body = json.dumps(events).encode()
    signature = _ec().sign(str(STAMP).encode() + body, ec.ECDSA(hashes.SHA256()))
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": str(STAMP),
    }
    return Post(body, headers=BASIC | headers)


def _sparkpost(said) -> Post:
    names = {"delivered": ("message_event", "delivery"), "complained": ("message_event", "spam_complaint")}
    names |= {"unsubscribed": ("unsubscribe_event", "list_unsubscribe"), "opened": ("track_event", "open")}
    names |= {"rejected": ("message_event", "policy_rejection")}
    classes = {"bounced": {"bounce_class": "10"}, "soft": {"bounce_class": "22"}, "rejected": {"bounce_class": "25"}}
    events = []
    for one in said:
        group, name = names.get(one.what, ("message_event", "bounce"))
        event = {"type": name, "event_id": f"sp-{one.number}", "timestamp": str(STAMP), "raw_rcpt_to": one.address}
        event |= {"rcpt_meta": {"delivery": one.token}, "raw_reason": one.words, "transmission_id": "t"}
        events.append({"msys": {group: event | classes.get(one.what, {})}})
    return _json(events)


def _unisender_go(said) -> Post:
    names = {"bounced": "hard_bounced", "soft": "hard_bounced", "complained": "spam", "rejected": "hard_bounced"}
    statuses = {"bounced": "err_user_unknown", "soft": "err_mailbox_full", "rejected": "err_skip_letter"}
    events = [
        {
            "event_name": "transactional_email_status",
            "event_data": {
                "job_id": "j", "metadata": {"delivery": one.token}, "email": one.address,
                "status": names.get(one.what, one.what), "event_time": "2026-11-03 09:30:00",
                "delivery_info": {
                    "delivery_status": statuses.get(one.what, "ok_sent"), "destination_response": one.words,
                },
            },
        }
        for one in said
    ]  # fmt: skip
    data = {"auth": KEY, "events_by_user": [{"user_id": 1, "project_id": "p", "events": events}]}
    body = json.dumps(data)
    auth = hashlib.md5(body.encode()).hexdigest()  # noqa: S324  # Unisender Go's choice
    return Post(body.replace(KEY, auth).encode(), headers=BASIC)


_BODIES = {
    "amazon-ses": _amazon_ses, "brevo": _brevo, "mailersend": _mailersend, "mailgun": _mailgun, "mailjet": _mailjet,
    "mailtrap": _mailtrap, "mandrill": _mandrill, "postal": _postal, "postmark": _postmark, "resend": _resend,
    "sendgrid": _sendgrid, "sparkpost": _sparkpost, "unisender-go": _unisender_go,
}  # fmt: skip
PROVIDERS = sorted(_BODIES)
# What a provider has no word for, or says only while it still tries.
LACKS = {"mailersend": {"rejected"}, "mailtrap": {"soft"}, "postal": {"complained", "unsubscribed"}}
LACKS |= {"resend": {"unsubscribed"}}
TOGETHER = ["mailjet", "mailtrap", "mandrill", "sendgrid", "sparkpost", "unisender-go"]


def _hmac(signed: bytes) -> str:
    return hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()


@cache
def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def _ec() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _public(key) -> str:
    """A public key as providers show it: the PEM without its first and last line."""
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "".join(pem.decode().splitlines()[1:-1])
