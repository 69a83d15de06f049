"""`learn_translations`: what the beat does every hour, and after each approval, by hand."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from newsletter import upkeep


class Command(BaseCommand):
    help = (
        "Let the memory of translations learn the sentences of all texts that are approved or went out, and forget "
        "those that were sent back. May be stopped at any time, and goes on where it was."
    )

    def handle(self, **options):
        self.stdout.write(upkeep.learn_translations(now=timezone.now()).words)
