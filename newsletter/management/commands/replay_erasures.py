"""`replay_erasures`: after a restore, whoever was erased since the backup is erased again."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from newsletter import erasing, erasure_ledger
from newsletter.erasure_ledger import Erasure, Fault

LACKS = {
    "genuine": "was not written by us, or was changed; it is not followed",
    "complete": "does not follow the line before it: lines are missing there",
}


class Command(BaseCommand):
    help = (
        "Erase again whom a restored database has brought back, as VAR_DIR/erasures/ledger.jsonl tells. Run it before "
        "anything is sent; a second time it finds nobody. Exit 1: some lines cannot be trusted; the rest was done."
    )

    def add_arguments(self, parser):
        parser.add_argument("--file", type=Path, help="a ledger that lies elsewhere")
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *, file, dry_run, **options):
        file = file or erasure_ledger.path()
        try:
            lines = list(erasure_ledger.read(file))
        except FileNotFoundError:
            raise CommandError(f"There is no {file}: nobody was erased, or it was lost.") from None
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        faults = [line for line in lines if isinstance(line, Fault)]
        for fault in faults:
            self.stderr.write(f"Line {fault.number} {LACKS[fault.lacks]}.")
        found = erasing.replay(
            (line for line in lines if isinstance(line, Erasure)), now=timezone.now(), dry_run=dry_run
        )
        done = "Would be erased again" if dry_run else "Erased again"
        self.stdout.write(f"In the ledger: {found.known}. {done}: {found.erased}.")
        if faults:
            raise CommandError(f"Lines that cannot be trusted: {len(faults)}.")
