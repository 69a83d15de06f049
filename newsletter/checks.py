"""What must be true of the newsletter's data and settings."""

import os

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from newsletter import erasure_ledger
from newsletter.bounces.checks import bounces_come_back, wishes_to_leave_are_read
from newsletter.hook_views import VIEWS, view_for
from newsletter.translation import machine_wire
from newsletter.transports.provider import check_provider
from picum import env
from picum.addresses import address_key


@register(Tags.database)
def address_key_is_still_the_same(app_configs, databases, **kwargs) -> list[Error]:
    """Under another key nobody on the stop list would be recognised; one known reader shows it."""
    from django.db import connections

    from newsletter.models import Subscriber

    found = []
    for alias in databases or []:
        if Subscriber._meta.db_table not in connections[alias].introspection.table_names():
            continue
        reader = Subscriber.objects.using(alias).only("address", "address_key").first()
        if reader and reader.address_key != address_key(reader.address):
            hint = "Set ADDRESS_KEY to its former value (or, if it was never set, to the SECRET_KEY of that time)."
            found.append(Error("The key of the address hashes has changed.", hint=hint, id="newsletter.E001"))
    return found


register(check_provider, Tags.compatibility)
register(machine_wire.check, Tags.compatibility)
register(bounces_come_back, Tags.compatibility, deploy=True)
register(wishes_to_leave_are_read, Tags.compatibility, deploy=True)


@register(Tags.compatibility, deploy=True)
def erasures_can_be_written(app_configs, **kwargs) -> list[Error]:
    """Or every reader who wants to be erased is told that it does not work."""
    folder = erasure_ledger.path().parent
    if os.access(folder if folder.exists() else folder.parent, os.W_OK | os.X_OK):
        return []
    hint = f"Let the web processes write to {folder}, and keep it on a volume: docs/readers.md."
    return [Error("The ledger of erasures cannot be written.", hint=hint, id="newsletter.E040")]


@register(Tags.security, deploy=True)
def webhooks_are_guarded(app_configs, **kwargs) -> list[Error]:
    """Whoever may post events can put any reader on the stop list whose mail they have seen."""
    provider = settings.EMAIL_PROVIDER
    if provider not in VIEWS:
        return []
    try:
        env.require_webhook_secret(provider, settings.ANYMAIL)
        # Anymail's views for Mailgun, Postal and others cannot be without their own key.
        view_for(provider)
        if provider == "mandrill" and not settings.ANYMAIL.get("MANDRILL_WEBHOOK_KEY"):
            raise ImproperlyConfigured("ANYMAIL_MANDRILL_WEBHOOK_KEY is not set.")
    except ImproperlyConfigured as error:
        hint = "docs/tracking.md says what each provider is known by, and where that is set."
        return [Error(str(error).strip().partition("\n")[0], hint=hint, id="newsletter.E030")]
    return []
