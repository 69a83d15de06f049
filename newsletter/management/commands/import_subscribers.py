"""`manage.py import_subscribers readers.csv`: a CSV list of addresses and languages becomes readers."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter import csvfile, importing


class Command(BaseCommand):
    help = (
        "Subscribe the readers of a CSV file with the columns email,languages[,name], such as "
        "“amal@example.org,pt es en”. Nobody who left the newsletter or is on the stop list is added again."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", help="Where the addresses come from; by default the file's name.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would happen, and change nothing.")

    def handle(self, *, file: Path, source: str | None, dry_run: bool, **options):
        source = self._plain(file.name)[: importing.SOURCE] if source is None else self._plain(source)
        if len(source) > importing.SOURCE:
            raise CommandError(_("--source may have %(limit)d characters at most.") % {"limit": importing.SOURCE})
        try:
            report = importing.import_rows(csvfile.read(file), source=source, dry_run=dry_run, tell=self._tell)
        except csvfile.Unreadable as error:
            raise CommandError(self._plain(str(error))) from None
        self._sum_up(report, dry_run)

    def _tell(self, refusal: csvfile.Refused) -> None:
        self.stdout.write(_("line %(line)d: %(reason)s") % {"line": refusal.line, "reason": refusal.reason.rstrip(".")})

    def _sum_up(self, report: importing.Report, dry_run: bool) -> None:
        if dry_run:
            self.stdout.write(_("A dry run: nothing has been changed."))
        for text, number in (
            (ngettext("%(number)d reader added", "%(number)d readers added", report.added), report.added),
            (_("%(number)d already there"), report.already_there),
            (ngettext("%(number)d line refused", "%(number)d lines refused", report.refused), report.refused),
        ):
            self.stdout.write(text % {"number": number})

    def _plain(self, text: str) -> str:
        """A name of a file may hold bytes that are no text; a database may not."""
        return text.encode("utf-8", "replace").decode()
