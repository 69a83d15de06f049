"""`manage.py import_subscribers readers.csv`: a list of addresses and languages, CSV or XLSX, becomes readers."""

import errno
import os
from contextlib import nullcontext
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter import import_reports, importing, lists


class Command(BaseCommand):
    help = (
        "Subscribe the readers of a CSV or XLSX file with the columns email,languages[,name], such as "
        "“amal@example.org,pt es en”. Nobody who left the newsletter or is on the stop list is added again."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", help="Where the addresses come from; by default the file's name.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would happen, and change nothing.")
        parser.add_argument(
            "--without-proof",
            action="store_true",
            help="There is no proof of consent: send everybody a mail, and subscribe who confirms it.",
        )
        parser.add_argument("--language", choices=importing.LANGUAGES, help="Of rows that name none.")
        parser.add_argument(
            "--columns",
            help="Which column is which, by its name or its number: email=Adresse,languages=Sprache or email=1.",
        )
        parser.add_argument("--report", type=Path, help="Write what became of each line into this CSV file.")

    def handle(self, *, file, source=None, dry_run=False, without_proof=False, language=None, columns=None, report=None,
               **options):  # fmt: skip
        source = self._plain(file.name)[: importing.SOURCE] if source is None else self._plain(source)
        if len(source) > importing.SOURCE:
            raise CommandError(_("--source may have %(limit)d characters at most.") % {"limit": importing.SOURCE})
        if "@" in source:
            raise CommandError(_("--source is kept for ever: it may not hold an address."))
        try:
            if report and report.exists() and report.samefile(file):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            rows = lists.read(file, columns and self._columns(columns, file), language=language or "")
            with import_reports.writing(report) if report else nullcontext(lambda fates: None) as note:
                done = importing.import_rows(
                    rows, source=source, dry_run=dry_run, with_proof=not without_proof, tell=self._tell, note=note
                )
        except lists.Unreadable as error:
            raise CommandError(self._plain(str(error))) from None
        except OSError as error:
            raise CommandError(f"{self._plain(str(report))}: {error.strerror}") from None
        self._sum_up(done, dry_run, without_proof)

    def _columns(self, text: str, file: Path) -> dict[str, int]:
        """ "email=Adresse,languages=3" → {"email": 0, "languages": 2}."""
        sample = lists.sample(file)
        called = [name.casefold() for name in sample.names]
        columns = {}
        for name, _equals, column in (part.strip().partition("=") for part in text.split(",")):
            if name not in lists.NAMES:
                raise CommandError(_("--columns names email, languages and name."))
            if called.count(column.casefold()) == 1:
                columns[name] = called.index(column.casefold())
            elif column.isdecimal() and 1 <= int(column) <= len(called):
                columns[name] = int(column) - 1
            else:
                raise CommandError(_("There is no column “%s”, or more than one.") % self._plain(column))
        return columns

    def _tell(self, refusal: lists.Refused) -> None:
        self.stdout.write(_("line %(line)d: %(reason)s") % {"line": refusal.line, "reason": refusal.reason.rstrip(".")})

    def _sum_up(self, report: importing.Report, dry_run: bool, without_proof: bool) -> None:
        if dry_run:
            self.stdout.write(_("A dry run: nothing has been changed."))
        added = ngettext("%(number)d reader added", "%(number)d readers added", report.added), report.added
        asked = ngettext("%(number)d asked to confirm", "%(number)d asked to confirm", report.asked), report.asked
        for text, number in (
            asked if without_proof else added,
            (_("%(number)d already there"), report.already_there),
            (ngettext("%(number)d line refused", "%(number)d lines refused", report.refused), report.refused),
        ):
            self.stdout.write(text % {"number": number})

    def _plain(self, text: str) -> str:
        """A name of a file may hold bytes that are no text; a database may not."""
        return text.encode("utf-8", "replace").decode()
