"""Mails to single people. What goes to all readers goes through `newsletter.sending`."""

import datetime
import hashlib
import hmac
import uuid
from collections.abc import Sequence
from smtplib import SMTPAuthenticationError, SMTPException, SMTPRecipientsRefused

from anymail.exceptions import AnymailError
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from django.utils.translation import gettext as _

from newsletter import rendering
from newsletter.mime import Pressing, sender
from newsletter.models import Consent, Edition, Move, SignUp, Subscriber
from newsletter.rendering.mail import NETWORK
from picum import links, localising, mail
from picum.accounts import audit
from picum.accounts.models import User
from picum.addresses import wire_address

TOKEN = "preview"  # noqa: S105  # stands where a reader's own token would; it opens nothing


class NotSent(Exception):
    """The test mail did not go out; the message says why in one sentence."""


def send_test(edition: Edition, *, to: str, by: User, languages: Sequence[str] = ()) -> None:
    """Mail an edition to one person, as a reader with this order of languages would get it, "[Test]" before the
    subject. Through Django's mail backend, not through the ledger: no delivery, no way out for the list.

    Wants `edition.issue` from `Issue.objects.with_contents()`. Leaves an audit line. Raises NotSent.
    """
    message = build_test(edition, to=to, languages=languages)
    try:
        message.send()
    except (OSError, AnymailError) as error:  # smtplib's own are OSErrors
        raise NotSent(_why(error)) from error
    audit.record("edition.test", by=by, on=edition)


def build_test(
    edition: Edition, *, to: str, languages: Sequence[str] = (), names_language: bool = False
) -> EmailMultiAlternatives:
    """The mail of `send_test`, not yet sent; with `names_language` its subject begins as "[Test de]"."""
    words = rendering.render_mail(rendering.compose(edition.issue, edition.language, languages), token=TOKEN)
    shared = Pressing(
        language=edition.language, label=edition.issue.slug, subject="", html="", text="", marker=TOKEN
    ).headers
    message = EmailMultiAlternatives(
        subject=f"[Test {edition.language}] {words.subject}" if names_language else _("[Test] %s") % words.subject,
        body=words.text,
        from_email=shared["From"],
        to=[to],
        headers={"Content-Language": edition.language, "X-Auto-Response-Suppress": "All"},
    )
    message.attach_alternative(words.html, "text/html")
    return message


def _why(error: Exception) -> str:
    relay = (
        f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
        if settings.NEWSLETTER_TRANSPORT == "smtp"
        else settings.EMAIL_PROVIDER
    )
    if isinstance(error, SMTPAuthenticationError):
        return _("The mail server %s does not accept our name and password; nothing was sent.") % relay
    if isinstance(error, SMTPRecipientsRefused):
        return _("The mail server %s refused your address; nothing was sent.") % relay
    if isinstance(error, SMTPException | AnymailError):
        said = " ".join(str(error).split())[:200]
        return _("The mail server refused the test mail: %s") % said
    return _("The mail server %s cannot be reached; nothing was sent. Is it running?") % relay


# --- mails that people asked for: built here, sent by `newsletter.outbox` ---------------------------------------------

VALID = datetime.timedelta(hours=72)  # so long a link works that changes something, or shows what we know


def confirm(sign_up: SignUp, *, number: int, until: datetime.datetime) -> EmailMultiAlternatives:
    """To an address that somebody entered in a form, or that came with an import: its owner is asked whether they want
    the newsletter. Nothing in it was typed by that somebody, not even a name."""
    return _mail(
        "confirm",
        to=sign_up.address,
        language=sign_up.language,
        number=number,
        token=links.sign_until(sign_up.handle, purpose="confirm", until=until),
        in_a_form=sign_up.how in {Consent.How.FORM, Consent.How.EMBED, Consent.How.MEMBER},
        until=until,
    )


def already(reader: Subscriber, *, number: int, language: str) -> EmailMultiAlternatives:
    """To a reader whose address was entered in a form: they are one already, and nothing has changed."""
    token = links.sign(reader.handle, purpose="reader")
    return _mail("already", to=reader.address, language=_own(reader, language), number=number, token=token)


def link(reader: Subscriber, *, number: int, language: str, now: datetime.datetime) -> EmailMultiAlternatives:
    """To somebody whose address we know: what they can change and see. Whoever has left can only see, and erase."""
    until = now + VALID
    return _mail(
        "link",
        to=reader.address,
        language=_own(reader, language),
        number=number,
        token=links.sign(reader.handle, purpose="reader"),
        data_token=links.sign_until(reader.handle, purpose="data", until=until),
        has_left=reader.state != Subscriber.State.SUBSCRIBED,
        until=until,
    )


def move_old(move: Move, *, number: int, to: str, language: str) -> EmailMultiAlternatives:
    """To the address that the newsletter comes to: shall it go to another one? It does not say which."""
    return _move("move_old", move, move.old_handle, number=number, to=to, language=language)


def move_new(move: Move, *, number: int, to: str, language: str) -> EmailMultiAlternatives:
    """To the address that the newsletter shall come to. It does not say from where."""
    return _move("move_new", move, move.new_handle, number=number, to=to, language=language)


def _move(name: str, move: Move, handle: uuid.UUID, **fields) -> EmailMultiAlternatives:
    until = move.created_at + VALID
    return _mail(name, token=links.sign_until(handle, purpose="move", until=until), until=until, **fields)


def _own(reader: Subscriber, language: str) -> str:
    """The language in which somebody asked, if the reader has it among theirs: it may have been somebody else."""
    return language if language in reader.languages.split() else reader.language


def _mail(
    name: str, *, to: str, language: str, number: int, until: datetime.datetime | None = None, **context
) -> EmailMultiAlternatives:
    """`number` of the row, so that a mail that is sent twice is one mail to programs that look for such."""
    if until:
        local = timezone.localtime(until, timezone.get_default_timezone())
        context["until"] = f"{localising.moment(local, language)} {local:%Z}"
    context |= {"direction": localising.direction(language), "network": NETWORK}
    mac = hmac.digest(settings.ADDRESS_KEY.encode(), b"system mail:%d" % number, hashlib.sha256)
    headers = {"Message-ID": f"<asked.{mac[:16].hex()}@{settings.NEWSLETTER_MAIL_DOMAIN}>"}
    if settings.NEWSLETTER_REPLY_TO:
        headers["Reply-To"] = settings.NEWSLETTER_REPLY_TO
    return mail.build(
        f"newsletter/{name}",
        to=wire_address(to),
        language=language,
        context=context,
        sender=sender(language),
        headers=headers,
    )
