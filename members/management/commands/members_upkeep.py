from django.core.management.base import BaseCommand
from django.utils import timezone

from members.upkeep import DEEDS


class Command(BaseCommand):
    help = "Do what the beat does every hour for the members' part: reminders that are due, rows whose time is over."

    def handle(self, **options):
        for name, deed in DEEDS.items():
            self.stdout.write(f"{name}: {deed(now=timezone.now())}")
