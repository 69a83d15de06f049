"""`expire_readers`: what the beat does every hour, by hand."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from newsletter import upkeep


class Command(BaseCommand):
    help = "Delete readers ninety days after they left; only the fingerprint of their address stays."

    def handle(self, **options):
        self.stdout.write(upkeep.expire_readers(now=timezone.now()).words)
