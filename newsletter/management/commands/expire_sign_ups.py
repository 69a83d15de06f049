"""`expire_sign_ups`: what the beat does every hour, by hand."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from newsletter import upkeep


class Command(BaseCommand):
    help = (
        "Delete sign-ups and changes of address seven days after they were asked for, and confirmed ones seven days "
        "after that, with their mails."
    )

    def handle(self, **options):
        self.stdout.write(upkeep.expire_sign_ups(now=timezone.now()).words)
