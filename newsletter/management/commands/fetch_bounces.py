"""`fetch_bounces`: what the beat does each few minutes, by hand."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from newsletter import bounces


class Command(BaseCommand):
    help = "Read the mailbox of BOUNCE_URL, record the bounces and delete them; other mails stay."

    def handle(self, **options):
        if settings.BOUNCE_MAILBOX is None:
            raise CommandError("BOUNCE_URL names no mailbox: imaps://user:password@host/INBOX or pop3s://…")
        try:
            counts = bounces.collect(settings.BOUNCE_MAILBOX, now=timezone.now())
        except bounces.Unreachable as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Bounces: {bounces.told(counts)}.")
