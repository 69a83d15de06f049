"""`expire_system_mails`: what the beat does every hour, by hand."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from newsletter import upkeep


class Command(BaseCommand):
    help = (
        "Delete system mails thirty days after they were sent or given up, links held back for seven days, and what no "
        "limit counts any more."
    )

    def handle(self, **options):
        self.stdout.write(upkeep.expire_system_mails(now=timezone.now()).words)
