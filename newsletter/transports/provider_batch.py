"""What each provider can carry, and how letters become one call to it: one letter, or several of one pressing.

The table holds what Anymail 15.2 sends and what the providers' manuals say; docs/providers.md explains it.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from anymail.exceptions import AnymailInvalidAddress
from anymail.utils import parse_single_address
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.urls import NoReverseMatch

from newsletter.mime import HEADER_NAMES, Letter, Pressing, delivery_token
from picum import links
from picum.addresses import wire_address

MOST_BYTES = 40_000_000  # of a call in which each letter has its own copy of the bodies; providers allow 40 to 50 MB
_NOT_HEADERS = {"From", "Subject", "Reply-To"}  # fields of their own in every API
_CURLY = re.compile(r"\{(?=\{)")


@dataclass(frozen=True)
class Provider:
    """One provider's abilities.

    `most`: letters one call may carry, each with its own headers; 1 where that is not possible.
    `stand_in`: what a batch's bodies carry where the reader's token belongs ("{marker}" is the pressing's marker),
    to be filled in by the provider from the merge field `merge_field`; "" where bodies are the same for all.
    `own_syntax`: the first character of what the provider itself would replace.
    `lacks`: headers it refuses. `adds`: headers that are instructions to it.
    `whole_headers`: a recipient's headers replace the shared ones instead of adding to them.
    `repeats`: each letter of a batch has its own copy of the bodies. `unsubscribes`: carries List-Unsubscribe.
    `metadata`: without it the delivery's token travels as a tag, of which there may be `tags`.
    `idempotency`: for how many seconds it remembers the key of a call, and takes the same call only once; 0: it knows
    no keys. The key travels as HTTP's Idempotency-Key, or as `key_field` among the headers of the mail.
    """

    name: str
    most: int = 1
    stand_in: str = ""
    merge_field: str = "token"
    own_syntax: re.Pattern | None = None
    lacks: frozenset[str] = frozenset()
    adds: dict[str, str] = field(default_factory=dict)
    whole_headers: bool = False
    repeats: bool = False
    unsubscribes: bool = True
    metadata: bool = True
    tags: int = 1
    idempotency: int = 0
    key_field: str = ""

    def carried(self, headers: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in headers.items() if name not in self.lacks}


PROVIDERS = {
    provider.name: provider
    for provider in (
        Provider("amazon-ses"),
        Provider(
            "brevo",
            most=1000,
            own_syntax=_CURLY,
            whole_headers=True,
            idempotency=15 * 60,  # its guide says 30 minutes, its changelog 15
            key_field="idempotencyKey",
        ),
        Provider(
            "mailersend",
            own_syntax=re.compile(r"\{(?=[{$])"),
            lacks=frozenset(HEADER_NAMES - {"Precedence"}),  # any other needs a Professional plan, else the call fails
            unsubscribes=False,
            metadata=False,
            tags=2,
        ),
        Provider(
            "mailgun",
            most=1000,
            stand_in="%recipient.token%",
            own_syntax=re.compile(r"%(?=recipient|(?:tag_|mailing_list_)?unsubscribe_)", re.IGNORECASE),
        ),
        Provider(
            "mailjet",
            most=50,
            own_syntax=re.compile(r"\[(?=\[(?:var|data):)"),
            lacks=frozenset({"Message-ID", "List-Id", "Feedback-ID"}),
            whole_headers=True,
        ),
        Provider("mailtrap", most=500),
        Provider("mandrill", own_syntax=re.compile(r"\*(?=\|)")),
        Provider("postal", metadata=False),
        Provider("postmark", most=500, adds={"X-PM-KeepID": "true"}, repeats=True),
        Provider("resend", most=100, repeats=True, idempotency=24 * 3600),
        Provider("scaleway"),
        Provider("sendgrid", most=1000, stand_in="{marker}", merge_field="{marker}", whole_headers=True),
        Provider("sparkpost", own_syntax=_CURLY, unsubscribes=False),
        Provider("unisender-go", own_syntax=_CURLY),
    )
}


class Desk:
    """Prepares a provider's calls; keeps the variants of the pressings it has seen."""

    def __init__(self, provider: Provider, batch: int):
        self.provider, self.batch = provider, batch
        self._disarmed: dict[Pressing, Pressing] = {}
        self._shared: dict[Pressing, Pressing | None] = {}
        self._sizes: dict[Pressing, int] = {}

    def groups(self, letters: Sequence[Letter]) -> Iterator[list[Letter]]:
        """Letters that may travel in one call: of one pressing, each address once, within the provider's limits."""
        open_groups: dict[Pressing, dict[str, Letter]] = {}
        for letter in letters:
            key = form(letter.address)
            size = self._size(letter.pressing) if key.isascii() else 1
            if size == 1:
                yield [letter]
                continue
            group = open_groups.setdefault(letter.pressing, {})
            if key in group:
                yield list(group.values())
                group.clear()
            group[key] = letter
            if len(group) >= size:
                yield list(group.values())
                group.clear()
        yield from (list(group.values()) for group in open_groups.values() if group)

    def message(self, letters: Sequence[Letter], *, key: str = "") -> EmailMessage:
        """The one message of a call. `key`: its idempotency key."""
        message = self._single(letters[0]) if len(letters) == 1 else self._together(letters)
        if key and self.provider.key_field:
            message.extra_headers[self.provider.key_field] = key
        return message

    def _single(self, letter: Letter) -> EmailMessage:
        message = self._harmless(letter.pressing).email(letter)
        message.extra_headers = self.provider.carried(message.extra_headers) | self.provider.adds
        token = delivery_token(letter.delivery_id)
        if self.provider.metadata:
            message.metadata, message.tags = {"delivery": token}, ["newsletter"]
        else:
            message.tags = [token, "newsletter"][: self.provider.tags]
        return message

    def _together(self, letters: Sequence[Letter]) -> EmailMessage:
        provider, pressing = self.provider, self._batchable(letters[0].pressing)
        shared = {name: value for name, value in pressing.headers.items() if name not in _NOT_HEADERS}
        shared = provider.carried(shared) | provider.adds
        message = EmailMultiAlternatives(
            subject=pressing.subject,
            body=pressing.text,
            from_email=pressing.headers["From"],
            to=[letter.to for letter in letters],
            reply_to=[settings.NEWSLETTER_REPLY_TO] if settings.NEWSLETTER_REPLY_TO else None,
            headers={} if provider.whole_headers else shared,
        )
        message.attach_alternative(pressing.html, "text/html")
        by_address = {parse_single_address(letter.to).addr_spec: letter for letter in letters}
        message.tags = ["newsletter"]
        # Always: without it Anymail's Postmark backend gives every recipient one id.
        message.merge_metadata = {
            address: {"delivery": delivery_token(letter.delivery_id)} for address, letter in by_address.items()
        }
        message.merge_headers = {
            address: (shared if provider.whole_headers else {}) | provider.carried(letter.personal_headers())
            for address, letter in by_address.items()
        }
        if provider.stand_in:
            name = provider.merge_field.format(marker=pressing.marker)
            message.merge_data = {address: {name: letter.token} for address, letter in by_address.items()}
        if provider.name == "sendgrid":
            message.esp_extra = {"merge_field_format": "{}"}  # the marker is its own delimiter
        return message

    def _size(self, pressing: Pressing) -> int:
        """How many letters of a pressing one call may carry."""
        if self.batch == 1:
            return 1
        if pressing not in self._sizes:
            batchable = self._batchable(pressing)
            size = self.batch if batchable else 1
            if batchable and self.provider.repeats:
                copy = len(json.dumps([batchable.subject, batchable.html, batchable.text])) + 3000
                size = max(1, min(size, MOST_BYTES // copy))
            self._sizes[pressing] = size
        return self._sizes[pressing]

    def _batchable(self, pressing: Pressing) -> Pressing | None:
        """The variant that all readers of a call share; None where one call would not be right for all."""
        if pressing not in self._shared:
            self._shared[pressing] = self._shared_variant(pressing)
        return self._shared[pressing]

    def _shared_variant(self, pressing: Pressing) -> Pressing | None:
        syntax = self.provider.own_syntax
        if syntax and any(syntax.search(words) for words in (pressing.subject, pressing.html, pressing.text)):
            return None
        if self.provider.stand_in:
            stand_in = self.provider.stand_in.format(marker=pressing.marker)
            return _variant(pressing, lambda words: words.replace(pressing.marker, stand_in))
        link = re.compile(rf"[a-z]+:[^\s\"'<>]*{re.escape(pressing.marker)}[^\s\"'<>]*")
        address = public_address(pressing)
        variant = _variant(pressing, lambda words: link.sub(address, words))
        return None if pressing.marker in variant.html + variant.text else variant

    def _harmless(self, pressing: Pressing) -> Pressing:
        """The pressing in which nothing an editor wrote looks like the provider's own placeholders: an invisible
        word joiner in the text, a character reference in the html."""
        syntax = self.provider.own_syntax
        if syntax is None:
            return pressing
        if pressing not in self._disarmed:
            variant = _variant(pressing, lambda words: syntax.sub(lambda found: f"{found[0]}\u2060", words))
            variant.html = syntax.sub(lambda found: f"&#{ord(found[0])};", pressing.html)
            self._disarmed[pressing] = variant
        return self._disarmed[pressing]


def public_address(pressing: Pressing) -> str:
    """Where the edition stands on the web, without a token; the archive when its label is no issue's."""
    try:
        return links.page("newsletter:edition", pressing.label, language=pressing.language)
    except NoReverseMatch:
        return links.page("newsletter:archive", language=pressing.language)


def is_addressable(letter: Letter) -> bool:
    """Whether the address can be put into a call at all."""
    try:
        parse_single_address(letter.to)
    except (AnymailInvalidAddress, UnicodeError):
        return False
    return True


def form(address: str) -> str:
    """The form in which addresses are compared: providers answer with the typed one or with the ASCII one."""
    try:
        return wire_address(address).casefold()
    except UnicodeError:
        return address.casefold()


def _variant(pressing: Pressing, change) -> Pressing:
    return Pressing(
        language=pressing.language,
        label=pressing.label,
        subject=change(pressing.subject),
        html=change(pressing.html),
        text=change(pressing.text),
        marker=pressing.marker,
        is_circular=pressing.is_circular,
    )
