"""Two people at one thing: each saves what they changed, and nobody replaces another's words unknowingly.

A form carries along, unseen, a fingerprint of every field as it was when the form was made (`AS_READ`). When it comes
back, three states are compared field by field: as read, as stored now, as posted. What only others changed stays as
it is stored, whatever an old tab says; what both changed differently is refused in words, and nothing is lost. The
form then carries the fingerprints of what it has shown, so that saving once more replaces it knowingly.

The fingerprints protect from mistakes, not from malice: who may save may also overwrite. A form without them (posted
by a program) counts as made just now.
"""

import datetime
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from django.core.exceptions import ValidationError
from django.db import models
from django.forms.models import BaseInlineFormSet
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

AS_READ = "as_read"


def fingerprint(value: object) -> str:
    """The same for a value as stored, as cleaned by a form, and as posted; 16 hexadecimal digits."""
    return hashlib.sha256(_plain(value).encode()).hexdigest()[:16]


def written(prints: Mapping[str, str]) -> str:
    """Fingerprints as a hidden field carries them."""
    return json.dumps(prints, separators=(",", ":"))


def read(text: str | None) -> dict[str, str] | None:
    """What `written` wrote; None when there is nothing of that kind."""
    try:
        prints = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return prints if isinstance(prints, dict) else None


def sentence() -> str:
    """What a person reads whose words were not saved."""
    return _(
        "Somebody else, or you in another window, saved this meanwhile. Your text is still here: compare it with what "
        "is stored, which is shown beside it. If you save again, yours replaces it."
    )


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").strip()
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Iterable):
        return " ".join(sorted(_plain(part) for part in value))
    return str(value)


class RowsFormSet(BaseInlineFormSet):
    """Rows of an inline, compared as a whole: whoever did not touch them leaves them as they are stored.

    `shown`: the fields by which a stored row is told to a person.
    """

    shown: Sequence[str] = ()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.as_found = read(self.data.get(f"{self.prefix}-{AS_READ}")) if self.is_bound else None
        self.untouched = self.conflict = False
        # At once: validating writes what was posted into the same rows.
        rows = [row for row in self.get_queryset() if row.pk]
        self.stored = {str(row.pk): self._print({name: getattr(row, name) for name in self._names}) for row in rows}
        self.stored_in_words = [self._in_words(row) for row in rows]
        if self.as_found is None or not self.management_form.is_valid():
            return
        if not self._touched():
            self._show_stored()
        elif self.stored != self.as_found:
            self.conflict = True
            self._renumber_lost_rows()

    @property
    def as_read(self) -> str:
        keep = self.as_found is not None and not self.untouched and not self.conflict
        return written(self.as_found if keep else self.stored)

    def is_valid(self):
        return self.untouched or super().is_valid()

    def clean(self):
        super().clean()
        if self.conflict:
            rows = format_html_join("", "<li>{}</li>", ((words,) for words in self.stored_in_words or [_("nothing")]))
            raise ValidationError([sentence(), format_html("{} <ul>{}</ul>", _("Stored now:"), rows)])

    def save(self, commit=True):
        if not self.untouched:
            return super().save(commit)
        self.new_objects, self.changed_objects, self.deleted_objects = [], [], []
        return []

    @property
    def _names(self) -> list[str]:
        return list(self.form.base_fields)

    def _print(self, values: Mapping[str, object]) -> str:
        return fingerprint([f"{name}={_plain(value)}" for name, value in values.items()])

    def _posted(self, number: int, name: str) -> str:
        return _plain(self.data.get(f"{self.add_prefix(number)}-{name}"))

    def _touched(self) -> bool:
        return any(self._row_touched(number) for number in range(self.total_form_count()))

    def _row_touched(self, number: int) -> bool:
        if self._posted(number, "DELETE"):
            return True
        posted = {name: self._posted(number, name) for name in self._names}
        if not any(f"{self.add_prefix(number)}-{name}" in self.data for name in posted):
            return False  # shown to somebody who may only read it
        if pk := self._posted(number, self.model._meta.pk.name):
            return self._print(posted) != self.as_found.get(pk)
        return any(value != _plain(self.form.base_fields[name].initial) for name, value in posted.items() if value)

    def _show_stored(self) -> None:
        self.untouched = True
        self.is_bound, self.data, self.files = False, {}, {}
        del self.management_form  # made from what was posted

    def _renumber_lost_rows(self) -> None:
        """Rows that others deleted become new ones, behind those that there are: else they could never be saved."""
        key = self.model._meta.pk.name
        numbers = range(self.total_form_count())
        there = [number for number in numbers if self._posted(number, key) in self.stored]
        order = there + [number for number in numbers if number not in there]
        data = {name: self.data.get(name) for name in self.data if not name.startswith(f"{self.prefix}-")}
        data |= {f"{self.prefix}-TOTAL_FORMS": str(len(order)), f"{self.prefix}-INITIAL_FORMS": str(len(there))}
        for new, old in enumerate(order):
            for name in [*self._names, self.fk.name, "DELETE", key]:
                value = self.data.get(f"{self.add_prefix(old)}-{name}")
                if value is not None:
                    data[f"{self.add_prefix(new)}-{name}"] = "" if name == key and old not in there else value
        self.data = data
        del self.management_form

    def _in_words(self, row: models.Model) -> str:
        return " · ".join(_plain(getattr(row, name)) for name in self.shown if getattr(row, name))
