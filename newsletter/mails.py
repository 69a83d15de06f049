"""Mails to single people. What goes to all readers goes through `newsletter.sending`."""

from collections.abc import Sequence
from smtplib import SMTPAuthenticationError, SMTPException, SMTPRecipientsRefused

from anymail.exceptions import AnymailError
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.translation import gettext as _

from newsletter import rendering
from newsletter.mime import Pressing
from newsletter.models import Edition
from picum.accounts import audit
from picum.accounts.models import User

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


def build_test(edition: Edition, *, to: str, languages: Sequence[str] = ()) -> EmailMultiAlternatives:
    """The mail of `send_test`, not yet sent."""
    words = rendering.render_mail(rendering.compose(edition.issue, edition.language, languages), token=TOKEN)
    shared = Pressing(
        language=edition.language, label=edition.issue.slug, subject="", html="", text="", marker=TOKEN
    ).headers
    message = EmailMultiAlternatives(
        subject=_("[Test] %s") % words.subject,
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
