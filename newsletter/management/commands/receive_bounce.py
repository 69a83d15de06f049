"""`receive_bounce < mail`: the end of a mail server's pipe."""

import os
import sys

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from newsletter import bounces

CHUNK = 65_536


class Command(BaseCommand):
    help = (
        "Read one mail to the bounce address from standard input and record what it says. Exit 0: done, or no bounce "
        "of ours. Exit 75 (EX_TEMPFAIL): the database is away, the mail server shall try again."
    )
    requires_system_checks = []  # a mail each, perhaps hundreds a minute

    def handle(self, **options):
        message = _all_of(sys.stdin.buffer)
        try:
            done, counts = bounces.take(message, now=timezone.now())
        except Exception as error:  # Whatever it is: the mail server keeps the mail, and a person can repair us.
            # Without the error's words: a database may quote the row in them, and mail servers return what they read.
            raise CommandError(f"Not now: {type(error).__name__}.", returncode=os.EX_TEMPFAIL) from None
        if options["verbosity"] > 1:
            self.stdout.write(bounces.told(counts) if done else "This is no bounce of ours.")


def _all_of(stream) -> bytes:
    """The beginning of the mail. The rest is read too: a mail server takes a broken pipe for a failure."""
    message = stream.read(bounces.LARGEST)
    while stream.read(CHUNK):
        pass
    return message
