"""System checks: do bounces find their way back, and the mails of those who leave?"""

from django.conf import settings
from django.core.checks import Warning


def bounces_come_back(app_configs, **kwargs) -> list[Warning]:
    if settings.NEWSLETTER_TRANSPORT != "smtp" or settings.BOUNCE_MAILBOX or settings.BOUNCE_PIPE:
        return []
    hint = (
        f"Let a mailbox receive bounce+…@ and unsubscribe@{settings.NEWSLETTER_MAIL_DOMAIN} and set "
        "BOUNCE_URL=imaps://…, or let the mail server hand them to `manage.py receive_bounce` and set BOUNCE_URL=pipe: "
        "(docs/bounces.md)."
    )
    return [Warning("Nobody reads the newsletter's bounces.", hint=hint, id="newsletter.W031")]


def wishes_to_leave_are_read(app_configs, **kwargs) -> list[Warning]:
    """A provider reports bounces, but each letter names an address for leaving too (RFC 2369)."""
    if settings.NEWSLETTER_TRANSPORT == "smtp" or settings.BOUNCE_MAILBOX or settings.BOUNCE_PIPE:
        return []
    hint = (
        f"Let a mailbox receive unsubscribe@{settings.NEWSLETTER_MAIL_DOMAIN} and set BOUNCE_URL=imaps://…, or let the "
        "mail server hand its mails to `manage.py receive_bounce` and set BOUNCE_URL=pipe: (docs/bounces.md)."
    )
    return [Warning("Nobody reads the mails of readers who leave.", hint=hint, id="newsletter.W032")]
