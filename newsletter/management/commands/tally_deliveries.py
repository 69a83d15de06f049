"""`tally_deliveries`: what the beat does every hour, by hand."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from newsletter import upkeep


class Command(BaseCommand):
    help = (
        "Ninety days after an issue's last edition ended, keep its totals by language and delete its deliveries with "
        "their events. Ctrl-C does no harm: called again, it goes on."
    )

    def handle(self, **options):
        self.stdout.write(upkeep.tally_deliveries(now=timezone.now()).words)
