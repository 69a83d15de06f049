"""`expire_raw_events`: what the beat does every hour, by hand."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from newsletter import upkeep


class Command(BaseCommand):
    help = "Delete the posts of providers fourteen days after they were read."

    def handle(self, **options):
        self.stdout.write(upkeep.expire_raw_events(now=timezone.now()).words)
