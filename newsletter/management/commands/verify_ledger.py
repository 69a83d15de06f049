"""`verify_ledger`: is the consent ledger as it was written?"""

from django.core.management.base import BaseCommand, CommandError

from newsletter import consents
from newsletter.models import Consent

WHAT = {
    "missing": "does not follow the line before it; what stood between is gone",
    "changed": "was changed, or slipped in",
    "text": "refers to a consent text that was changed",
}


class Command(BaseCommand):
    help = (
        "Walk the whole consent ledger and name each line that was changed, slipped in or follows a gap. Note the last "
        "number and digest elsewhere: with --expect they show later that no newer lines were cut off. Exit 1: faults."
    )

    def add_arguments(self, parser):
        parser.add_argument("--expect", metavar="NUMBER:DIGEST", help="a line that was once the last one")

    def handle(self, *, expect, **options):
        number, digest = consents.head()
        faults = [f"Line {fault.number} {WHAT[fault.what]}." for fault in consents.verify()]
        if expect and not _is_there(expect):
            faults.append(
                f"Line {expect.partition(':')[0]} is not there as it was noted: lines were cut off, or changed."
            )
        for fault in faults:
            self.stdout.write(fault)
        self.stdout.write(f"{Consent.objects.count()} lines, the last one {number}:{digest}")
        if faults:
            raise CommandError(f"Faults in the ledger: {len(faults)}.")


def _is_there(expected: str) -> bool:
    number, _colon, digest = expected.partition(":")
    try:
        number = int(number)
    except ValueError:
        raise CommandError("--expect wants a number and a digest, as this command prints them.") from None
    if (number, digest) == (0, consents.BEGINNING):
        return True
    return Consent.objects.filter(number=number, digest=digest).exists()
