"""`count_readers`: what the beat does after midnight, by hand; and the days before it was ever done."""

import datetime

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from newsletter import upkeep


class Command(BaseCommand):
    help = (
        "Count yesterday's readers by their first language, and those of the days since the last count. A day that has "
        "been counted stays as it is."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--since",
            metavar="DAY",
            help="reckon the days from here on too, such as 2024-01-31, from what is known of the readers now",
        )

    def handle(self, *, since: str | None, **options):
        self.stdout.write(upkeep.count_readers(now=timezone.now(), since=_day(since) if since else None).words)


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"“{text}” is not a day such as 2024-01-31.") from None
