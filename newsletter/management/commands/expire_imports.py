"""`expire_imports`: what the beat does every hour, by hand."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from newsletter import upkeep


class Command(BaseCommand):
    help = (
        "Delete the reports of imports thirty days after their end, and uploads with which nobody went on for a week."
    )

    def handle(self, **options):
        self.stdout.write(upkeep.expire_imports(now=timezone.now()).words)
