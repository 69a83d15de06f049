"""What must be true of the newsletter's data and settings."""

from django.core.checks import Error, Tags, register

from newsletter.addresses import address_key
from newsletter.transports.provider import check_provider


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
