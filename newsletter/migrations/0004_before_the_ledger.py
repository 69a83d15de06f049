"""Readers from before there was a consent ledger: what is known of their consent goes into it.

Until then every reader came by an import, with the list's name as where the proof is, and left for good. It was not
written down by which road; a line says so. Who had been left unconfirmed was never asked, and cannot be any more.
"""

import logging

from django.db import migrations
from django.db.models import CharField, Exists, F, OuterRef, Value

from newsletter import consents
from picum import addresses

BATCH = 2_000
UNTOLD = "from before the ledger: it is not known by which road"
log = logging.getLogger(__name__)


def carry_over(apps, schema_editor):
    def rows(model):
        return apps.get_model("newsletter", model).objects.using(schema_editor.connection.alias)

    _delete_unconfirmed(rows)
    _find_again(rows)
    _fill_ledger(rows)


def _delete_unconfirmed(rows):
    """A state that is no more: nothing would ever make them readers, or delete them."""
    deleted = rows("Subscriber").filter(state="pending").delete()[1].get("newsletter.Subscriber", 0)
    if deleted:
        log.info("Deleted %s unconfirmed readers of whom no consent is known.", deleted)


def _find_again(rows):
    """The key of an address has come to tell ß from ss. Under the old one nobody would be recognised."""
    issues = list(rows("Issue").values_list("pk", flat=True))
    for pk, address, old in rows("Subscriber").values_list("pk", "address", "address_key").iterator():
        if address.isascii() or (new := addresses.address_key(address)) == old:
            continue
        rows("Subscriber").filter(pk=pk).update(address_key=new)
        rows("Delivery").filter(issue__in=issues, address_key=old).update(address_key=new)
        rows("Suppression").filter(address_key=old).update(address_key=new)


def _fill_ledger(rows):
    lines = rows("Consent")
    silent = rows("Subscriber").filter(~Exists(lines.filter(address_key=OuterRef("address_key"))))
    came = _told(silent.exclude(subscribed_at=None), F("subscribed_at"), "given", F("source"))
    left = silent.filter(state="unsubscribed").exclude(unsubscribed_at=None)
    left = _told(left, F("unsubscribed_at"), "withdrawn", Value(UNTOLD, CharField()))
    number, previous = lines.order_by("-number").values_list("number", "digest").first() or (0, consents.BEGINNING)
    some = []
    for moment, _pk, kind, key, detail in came.union(left, all=True).order_by("moment", "pk").iterator(BATCH):
        number += 1
        # What is kept for ever holds no address; a file's name may.
        told = {"kind": kind, "how": "import", "detail": "" if "@" in detail else detail, "at": moment}
        line = lines.model(number=number, address_key=key, previous=previous, **told)
        line.digest = previous = consents.digest(line, ())
        some.append(line)
        if len(some) == BATCH:
            lines.bulk_create(some)
            some = []
    lines.bulk_create(some)


def _told(readers, moment, kind, detail):
    told = readers.order_by().annotate(moment=moment, what=Value(kind, CharField()), told=detail)
    return told.values_list("moment", "pk", "what", "address_key", "told")


class Migration(migrations.Migration):
    dependencies = [("newsletter", "0003_readers")]
    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop, elidable=True)]
