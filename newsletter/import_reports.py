"""What became of each line of a list, as a CSV file: number and reason, and no word of the list itself."""

import csv
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from newsletter.importing import Fate, What
from picum import csvfile

Note = Callable[[Sequence[Fate]], None]


@contextmanager
def writing(path: Path, *, after: int = 0) -> Iterator[Note]:
    """Write the fates that the function is given, in the language now active, each batch on the disk before the next.

    `after`: go on where a report was broken off. What it says of lines up to this one is kept, the rest is not: the
    report is written before the lines are committed. Raises OSError.
    """
    if not after:
        path.unlink(missing_ok=True)
    kept = _kept(path, after) if after else 0
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8", newline="") as file:
        file.truncate(kept)
        file.seek(kept)
        writer = csv.writer(file, delimiter=csvfile.delimiter())
        if not kept:
            file.write("\ufeff")
            writer.writerow([_("line"), pgettext("column of a report", "what"), _("why")])

        def note(fates: Sequence[Fate]) -> None:
            words = {
                What.ADDED: _("added"),
                What.ASKED: _("asked to confirm"),
                What.ALREADY_THERE: _("already there"),
                What.REFUSED: pgettext("a line", "refused"),
            }
            writer.writerows([fate.line, words[fate.what], fate.unquoted or fate.why] for fate in fates)
            file.flush()
            os.fsync(file.fileno())

        yield note


def _kept(path: Path, after: int) -> int:
    """How many octets of a report are about lines up to a number, and whole."""
    kept = 0
    try:
        with path.open("rb") as file:
            for line in file:
                number = re.match(rb"\d+", line)
                if not line.endswith(b"\n") or (number and int(number[0]) > after):
                    break
                kept += len(line)
    except FileNotFoundError:
        pass  # on another machine, or deleted: it begins anew, with the lines that follow
    return kept
