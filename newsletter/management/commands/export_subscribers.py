"""`manage.py export_subscribers readers.csv --reason "…"`: the readers as a CSV file that can be imported again."""

import os
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from newsletter import exporting
from newsletter.models import Subscriber
from newsletter.translating import LANGUAGES


class Command(BaseCommand):
    help = "Write the readers into a CSV file that only you can read. That you did, and what for, stays on record."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--reason", required=True, help="What the list is for.")
        parser.add_argument("--state", choices=Subscriber.State.values, default=Subscriber.State.SUBSCRIBED)
        parser.add_argument("--everybody", action="store_true", help="Those who left, too.")
        parser.add_argument("--language", choices=LANGUAGES, default="", help="Only who prefers this one.")
        parser.add_argument("--area", default="", help="Only who named this area, by its key.")
        parser.add_argument("--source", default="", help="Only who came in this way.")

    def handle(self, *, file, reason, state, everybody, language, area, source, **options):
        filters = exporting.Filters("" if everybody else state, language, area, source)
        try:
            # Never over a file that is there: it would keep the rights that it has.
            with open(file, "x", encoding="utf-8", newline="", opener=_for_ourselves) as out:
                out.writelines(exporting.export(filters, reason=reason, by=None))
        except OSError as error:
            why = {"path": file, "reason": error.strerror}
            raise CommandError(_("%(path)s cannot be written: %(reason)s.") % why) from None


def _for_ourselves(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
