"""`count_figures`: what the beat does every quarter of an hour, by hand."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from newsletter import upkeep


class Command(BaseCommand):
    help = "Count what became of each issue whose deliveries are there, by language, if there may be anything new."

    def handle(self, **options):
        self.stdout.write(upkeep.count_figures(now=timezone.now()).words)
