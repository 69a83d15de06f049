"""System check: do bounces find their way back?"""

from django.conf import settings
from django.core.checks import Warning


def bounces_come_back(app_configs, **kwargs) -> list[Warning]:
    if settings.NEWSLETTER_TRANSPORT != "smtp" or settings.BOUNCE_MAILBOX or settings.BOUNCE_PIPE:
        return []
    hint = (
        f"Let a mailbox receive bounce+…@{settings.NEWSLETTER_MAIL_DOMAIN} and set BOUNCE_URL=imaps://…, or let the "
        "mail server hand them to `manage.py receive_bounce` and set BOUNCE_URL=pipe: (docs/bounces.md)."
    )
    return [Warning("Nobody reads the newsletter's bounces.", hint=hint, id="newsletter.W031")]
