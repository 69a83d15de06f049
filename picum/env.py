"""The environment, read by typed readers that complain early and in one sentence.

Every variable can also be given as a file: `NAME_FILE=/run/secrets/name` is read when `NAME` is not set
(the way of Docker and systemd secrets). What stands in `.env` counts only where the environment is silent.
An empty variable counts as not set: `.env.example` has lines that wait to be filled in, and an empty key is no key.
"""

import datetime
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import idna
from django.core.exceptions import ImproperlyConfigured

_REQUIRED = object()
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def load(path: Path) -> None:
    """Take over the `NAME=value` lines of a file, without overriding what the environment already says."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value.strip().strip("'\""))


def text(name: str, default: object = _REQUIRED, *, why: str = "") -> str:
    """The variable's text. Raises ImproperlyConfigured with one sentence when it is needed and missing."""
    value, path = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if path and not value:
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from None
    if value:
        return value
    if default is _REQUIRED:
        raise ImproperlyConfigured(f"{name} is not set{': ' + why if why else ''}. See .env.example.")
    return default  # type: ignore[return-value]  # the caller's own default


def site(name: str, default: object = _REQUIRED, *, why: str = "") -> str:
    """The address of a site, `https://host` or `http://host:port`, without a slash at its end."""
    value = text(name, default, why=why).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme in {"http", "https"} and parts.hostname and value == f"{parts.scheme}://{parts.netloc}":
        return value
    raise ImproperlyConfigured(f"{name} must be like https://newsletter.example.org, without a path, not {value!r}.")


def flag(name: str, default: bool) -> bool:
    value = text(name, "true" if default else "false").strip().lower()
    if value in TRUE | FALSE:
        return value in TRUE
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")


def number(name: str, default: float, *, least: float = 0) -> float:
    value = text(name, str(default))
    try:
        result = float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number, not {value!r}.") from None
    if not least <= result < float("inf"):  # "nan" is not at least anything
        raise ImproperlyConfigured(f"{name} must be at least {least:g}, not {value}.")
    return result


def whole(name: str, default: int, *, least: int = 0) -> int:
    return int(number(name, default, least=least))


def zone(name: str, default: str) -> str:
    """A time zone by its name in the IANA database."""
    value = text(name, default)
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        raise ImproperlyConfigured(f"{name} must be a time zone such as Europe/Brussels, not {value!r}.") from None
    return value


def words(name: str, default: str = "") -> list[str]:
    """A list separated by commas or spaces."""
    return text(name, default).replace(",", " ").split()


def domain_rates(name: str) -> dict[str, float]:
    """Messages a second by recipient domain, from "gmail.com=20 outlook.com=5 *=50"; "*" is every other domain.

    Domains are in lower case and ASCII (IDNA), as `ascii_domain` gives them.
    """
    rates: dict[str, float] = {}
    for word in words(name):
        domain, _equals, value = word.rpartition("=")
        domain = domain if domain == "*" else ascii_domain(domain)
        try:
            rate = float(value)
        except ValueError:
            rate = 0
        if (domain != "*" and "." not in domain) or not 0 < rate < float("inf"):
            raise ImproperlyConfigured(
                f"{name} must be pairs of a domain and its messages a second, such as gmail.com=20 *=50, not {word!r}."
            )
        if domain in rates:
            raise ImproperlyConfigured(f"{name} names {domain} twice.")
        rates[domain] = rate
    return rates


def ascii_domain(domain: str) -> str:
    """A domain in the one form in which it is compared: "Münster.DE" → "xn--mnster-3ya.de"; "" when it is none."""
    try:
        return idna.encode(domain.removesuffix("."), uts46=True).decode()
    except idna.IDNAError:
        return ""


def iban(name: str, default: str = "") -> str:
    """An account's number (ISO 13616) without spaces, its check digits right; "" when there is none."""
    value = re.sub(r"\s", "", text(name, default)).upper()
    if not value:
        return ""
    if re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", value):
        digits = "".join(str(int(character, 36)) for character in value[4:] + value[:4])
        if int(digits) % 97 == 1:
            return value
    raise ImproperlyConfigured(f"{name} must be an IBAN such as BE68 5390 0754 7034, not {text(name, default)!r}.")


def bic(name: str, default: str = "") -> str:
    """A bank's code (ISO 9362) of 8 or 11 characters; "" when there is none."""
    value = text(name, default).replace(" ", "").upper()
    if not value or re.fullmatch(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", value):
        return value
    raise ImproperlyConfigured(f"{name} must be a BIC of 8 or 11 characters such as GKCCBEBB, not {value!r}.")


class WarmUp(NamedTuple):
    """How many messages a new sending domain may send on the first day, the second and so on; then no limit."""

    start: datetime.date
    days: tuple[int, ...]

    def allowance(self, day: datetime.date) -> int | None:
        """Messages on a day; None is no limit: before the plan and after it."""
        number = (day - self.start).days
        return self.days[number] if 0 <= number < len(self.days) else None


def warm_up(name: str) -> WarmUp | None:
    """The plan written as "2026-12-01 50 100 500": its first day, then messages a day."""
    first, *counts = words(name) or [""]
    if not first:
        return None
    try:
        plan = WarmUp(datetime.date.fromisoformat(first), tuple(int(count) for count in counts))
    except ValueError:
        plan = None
    if plan is None or not plan.days or min(plan.days) < 1:
        raise ImproperlyConfigured(
            f"{name} must be a day and messages a day from then on, such as 2026-12-01 50 100 500, not {text(name)!r}."
        )
    return plan


# What EMAIL_URL may name besides smtp, smtps and console: the modules of anymail.backends.
PROVIDERS = {
    "amazon-ses": "amazon_ses",
    "brevo": "brevo",
    "mailersend": "mailersend",
    "mailgun": "mailgun",
    "mailjet": "mailjet",
    "mailtrap": "mailtrap",
    "mandrill": "mandrill",
    "postal": "postal",
    "postmark": "postmark",
    "resend": "resend",
    "scaleway": "scaleway",
    "sendgrid": "sendgrid",
    "sparkpost": "sparkpost",
    "unisender-go": "unisender_go",
}


def mail_settings(url: str) -> dict[str, object]:
    """Django's EMAIL_* settings, and NEWSLETTER_TRANSPORT, from one address.

    `smtp://user:password@host:587?tls=required`: STARTTLS `required`, `offered` (used when the relay offers it,
    the default) or `never`; `smtps://` speaks TLS from the first byte; `mailgun://` and the other names of
    PROVIDERS send through Anymail, whose own settings carry the keys.
    """
    parts = urlsplit(url)
    if parts.scheme in PROVIDERS:
        return {
            "EMAIL_BACKEND": f"anymail.backends.{PROVIDERS[parts.scheme]}.EmailBackend",
            "NEWSLETTER_TRANSPORT": "provider",
            "EMAIL_PROVIDER": parts.scheme,
        }
    if parts.scheme not in {"smtp", "smtps"}:
        known = ", ".join(["smtp", "smtps", *PROVIDERS])
        raise ImproperlyConfigured(f"EMAIL_URL must start with one of {known}; it starts with {parts.scheme!r}.")
    try:
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured("EMAIL_URL: the port must be a number up to 65535.") from None
    tls = parse_qs(parts.query).get("tls", ["offered"])[0]
    if tls not in {"required", "offered", "never"}:
        raise ImproperlyConfigured(f"EMAIL_URL: tls must be required, offered or never, not {tls!r}.")
    return {
        "EMAIL_BACKEND": "picum.smtp.EmailBackend",
        "NEWSLETTER_TRANSPORT": "smtp",
        "EMAIL_PROVIDER": "",
        "EMAIL_HOST": parts.hostname or "127.0.0.1",
        "EMAIL_PORT": port or (465 if parts.scheme == "smtps" else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": tls == "required" and parts.scheme == "smtp",
        "EMAIL_STARTTLS": "never" if parts.scheme == "smtps" else tls,
        "EMAIL_TIMEOUT": 30,
    }


@dataclass(frozen=True)
class Mailbox:
    """Where mail is fetched. `protocol` is imap or pop3; `tls` immediate, starttls, or never (the loopback only)."""

    protocol: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str
    tls: str


MAILBOX_PORTS = {"imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995}


def mailbox(name: str) -> Mailbox | None:
    """A mailbox as `imaps://user:password@host/folder`, or imap:// with STARTTLS, pop3s://, pop3:// with STLS.

    None when the variable is empty, or `pipe:` because the mail server hands the mails over itself.
    """
    url = text(name, "")
    if url in {"", "pipe:"}:
        return None
    parts = urlsplit(url)
    if parts.scheme not in MAILBOX_PORTS or not parts.hostname or not parts.username or parts.password is None:
        raise ImproperlyConfigured(f"{name} must be like imaps://user:password@host/INBOX or pop3s://…, or pipe:.")
    try:
        port = parts.port or MAILBOX_PORTS[parts.scheme]
    except ValueError:
        raise ImproperlyConfigured(f"{name}: the port must be a number up to 65535.") from None
    near = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    return Mailbox(
        protocol=parts.scheme.removesuffix("s"),
        host=parts.hostname,
        port=port,
        user=unquote(parts.username),
        password=unquote(parts.password),
        folder=unquote(parts.path.strip("/")) or "INBOX",
        tls="immediate" if parts.scheme.endswith("s") else "never" if near else "starttls",
    )


def provider_settings() -> dict[str, str | bool]:
    """Anymail's settings under Anymail's own names: every variable `ANYMAIL_…`, without that prefix."""
    names = {name.removesuffix("_FILE") for name in os.environ if name.startswith("ANYMAIL_")}
    values = {name.removeprefix("ANYMAIL_"): text(name) for name in sorted(names)}
    return {name: {"true": True, "false": False}.get(value.lower(), value) for name, value in values.items()}


# With what providers sign their posts, where they do: Anymail's names. The others know the shared secret alone.
SIGNING_KEYS = {
    "mailersend": "MAILERSEND_SIGNING_SECRET",
    "mailgun": "MAILGUN_WEBHOOK_SIGNING_KEY",
    "mailtrap": "MAILTRAP_TRACKING_SECRET",
    "mandrill": "MANDRILL_WEBHOOK_KEY",
    "postal": "POSTAL_WEBHOOK_KEY",
    "resend": "RESEND_SIGNING_SECRET",
    "sendgrid": "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY",
    "unisender-go": "UNISENDER_GO_API_KEY",
}
WITHOUT_WEBHOOKS = {"scaleway"}


def has_webhook_secret(provider: str, given: Mapping[str, object]) -> bool:
    """Whether Anymail's settings tell this provider's posts from a stranger's: docs/tracking.md."""
    return bool(given.get("WEBHOOK_SECRET") or given.get(SIGNING_KEYS.get(provider, "")))


def require_webhook_secret(provider: str, given: Mapping[str, object]) -> None:
    """Raises ImproperlyConfigured when anybody could tell us that readers have complained."""
    if provider not in {"", *WITHOUT_WEBHOOKS} and not has_webhook_secret(provider, given):
        key = SIGNING_KEYS.get(provider)
        names = "ANYMAIL_WEBHOOK_SECRET" + (f" or ANYMAIL_{key}" if key else "")
        raise ImproperlyConfigured(f"{names} is not set: what {provider}'s posts are known by. See .env.example.")
