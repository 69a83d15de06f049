"""Rows of a list become readers, or are asked whether they want to; many at a time. Nobody who left, or who must not
be mailed, comes back this way."""

import datetime
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from itertools import islice
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from newsletter import arrays, consents, wordings
from newsletter.lists import Refused, Row
from newsletter.models import SignUp, Subscriber, Suppression, SystemMail
from newsletter.translating import LANGUAGES
from picum.accounts import audit
from picum.accounts.models import User
from picum.addresses import LOCAL, InvalidAddress, address_key, normalise, reachable
from picum.doorbell import ring_on_commit
from picum.localising import language_name

BATCH = 2_000  # rows in a transaction
NAME, SOURCE = (Subscriber._meta.get_field(name).max_length for name in ("name", "source"))
State, IMPORT = Subscriber.State, consents.How.IMPORT
_READER = {"address": "text", "address_key": "uuid", "handle": "uuid", "languages": "text", "name": "text"}
_SIGN_UP = _READER | {"wording_id": "bigint"}
_MAIL = {"address": "text", "address_key": "uuid", "language": "text", "sign_up_id": "bigint"}

# Plain addresses, of which a list has little else: on these `normalise` changes the domain's case and nothing more.
PLAIN = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*"  # capitals go the long way: some mailbox names lose theirs
    r"@((?:[a-z0-9](?:-?[a-z0-9]){0,30}\.)+[a-z]{2,24})",
    re.ASCII,
)
_RESERVED = frozenset({"arpa", "invalid", "local", "localhost", "onion", "test"})


class What(StrEnum):
    """What became of a row, or would become of it; the fields of `Report` and of `ImportJob` in which it counts."""

    ADDED = "added"
    ASKED = "asked"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"


class Fate(NamedTuple):
    """What became of a line. `why` may quote the file; `unquoted` says it without."""

    line: int
    what: What
    why: str = ""
    unquoted: str = ""


@dataclass
class Report:
    """What became of the rows: every row counts once. With `dry_run`, what would become of them."""

    added: int = 0
    asked: int = 0  # without proof: they got a mail, and are subscribed when they confirm it
    already_there: int = 0  # subscribed before, and left as they were; or asked before
    refused: int = 0
    refusals: list[Refused] = field(default_factory=list)  # unless `tell` took them

    @property
    def rows(self) -> int:
        return self.added + self.asked + self.already_there + self.refused


@dataclass(frozen=True)
class Terms:
    """`source` says where the addresses come from, and is kept as the proof's place in the consent ledger: it holds no
    address. Without proof of consent nobody is subscribed, but asked."""

    source: str
    with_proof: bool = True
    dry_run: bool = False


class UnknownLanguage(ValueError):
    """The cell names no language, or one that the newsletter does not have; says which, and says it `unquoted`."""

    def __init__(self, words: str, unquoted: str = ""):
        super().__init__(words)
        self.unquoted = unquoted


def import_rows(
    rows: Iterable[Row | Refused],
    *,
    source: str,
    by: User | None = None,
    dry_run: bool = False,
    with_proof: bool = True,
    tell: Callable[[Refused], None] | None = None,
    note: Callable[[Sequence[Fate]], None] = lambda fates: None,
) -> Report:
    """Subscribe everybody on the list who is new, with `source` as where they came from; nobody is told. Without proof
    of consent they are asked by a mail instead, and subscribed when they confirm.

    An address that is subscribed stays as it is, one that was asked is not asked again. One that left, that is on the
    stop list, or that came before in these rows is refused. Each refusal is handed to `tell` in the order of the
    lines, or kept in the report; the fates of all rows go to `note`, a batch at a time. Consents go into the ledger.
    A transaction per BATCH rows: an import that is cut short can be run again from its start. Memory: one batch, and
    some 80 bytes per row of the list. Leaves an audit line unless `dry_run`.
    """
    terms = Terms(source=source, with_proof=with_proof, dry_run=dry_run)
    report, rows, intake = Report(), iter(rows), Intake(terms)
    tell = tell or report.refusals.append
    while batch := list(islice(rows, BATCH)):
        now = timezone.now()
        with transaction.atomic():
            fates, given = intake.take(batch, now=now)
            consents.append(given, now=now)
        for what, number in Counter(fate.what for fate in fates).items():
            setattr(report, what, getattr(report, what) + number)
        for fate in fates:
            if fate.what == What.REFUSED:
                tell(Refused(fate.line, fate.why, fate.unquoted))
        note(fates)
    if not dry_run:
        record(terms, {what: getattr(report, what) for what in What}, by=by)
    return report


def record(terms: Terms, counts: dict[str, int], *, by: User | None) -> None:
    """The import's line in the audit trail."""
    possible = What.ADDED if terms.with_proof else What.ASKED
    counts = {str(what): counts[what] for what in (possible, What.ALREADY_THERE, What.REFUSED)}
    audit.record("subscriber.import", by=by, source=terms.source, **counts)


class _Wanted(NamedTuple):
    """A reader to be."""

    line: int
    address: str
    languages: str
    name: str


class Intake:
    """One list on its way in, batch after batch. It remembers which addresses it has seen."""

    def __init__(self, terms: Terms):
        self.terms = terms
        self.seen: set[int] = set()
        self.wording = cache(wordings.current)  # by language

    def look(self, batch: Iterable[Row | Refused]) -> tuple[dict[str, _Wanted], list[Fate]]:
        """Readers to be by address key in hex, as far as the rows alone tell; and what is refused."""
        wanted: dict[str, _Wanted] = {}
        refused = []
        for row in batch:
            try:
                if isinstance(row, Refused):
                    raise _No(row.reason, row.unquoted)
                key, reader = self._reader(row)
                wanted[key] = reader
            except _No as no:
                refused.append(Fate(row.line, What.REFUSED, *no.args))
        return wanted, refused

    def take(
        self, batch: Iterable[Row | Refused], *, now: datetime.datetime
    ) -> tuple[list[Fate], list[consents.Entry]]:
        """Bring a batch in, in a transaction: the fates of its rows in their order, and the consents, which the caller
        appends to the ledger as the last thing that the transaction does."""
        wanted, fates = self.look(batch)
        known = arrays.found(Subscriber, "state", wanted)
        stopped = arrays.found(Suppression, "reason", wanted)
        waiting = {} if self.terms.with_proof else arrays.found(SignUp, "how", wanted, also="confirmed_at IS NULL")
        new = {}
        for key, reader in wanted.items():
            if why := _why_not(known.get(key), key in stopped):
                fates.append(Fate(reader.line, What.REFUSED, why))
            elif key in known:
                fates.append(Fate(reader.line, What.ALREADY_THERE))
            elif key in waiting:
                fates.append(Fate(reader.line, What.ALREADY_THERE, _("the address was asked before and may confirm")))
            else:
                new[key] = reader
        what = What.ADDED if self.terms.with_proof else What.ASKED
        came = self._let_in(new, now)
        fates += [Fate(new[key].line, what if key in came else What.ALREADY_THERE) for key in new]
        given = [self._given(key) for key in came] if self.terms.with_proof and not self.terms.dry_run else []
        return sorted(fates, key=lambda fate: fate.line), given

    def _reader(self, row: Row) -> tuple[str, _Wanted]:
        try:
            address, languages = normalised(row.email), in_order(row.languages)
            if not self.terms.with_proof and not address.isascii():
                reachable(address)
        except InvalidAddress as error:
            raise _No(error.short, _("it is not an address to which a mail could be sent")) from None
        except UnknownLanguage as error:
            raise _No(str(error), error.unquoted) from None
        key = address_key(address)
        # Half of the key: two of a million addresses share one with a chance of 1 to 37 millions.
        if (half := key.int >> 64) in self.seen:
            raise _No(_("the address is further up in the file already"))
        if len(row.name) > NAME:
            raise _No(_("the name is longer than %(limit)d characters") % {"limit": NAME})
        self.seen.add(half)
        return key.hex, _Wanted(row.line, address, languages, row.name)

    def _let_in(self, new: dict[str, _Wanted], now: datetime.datetime) -> Mapping[str, _Wanted]:
        """Those who are added or asked; the others came in by another door in the meantime."""
        if self.terms.dry_run or not new:
            return new
        if self.terms.with_proof:
            return self._subscribe(new, now)
        self._ask(new, now)
        return new

    def _subscribe(self, new: dict[str, _Wanted], now: datetime.datetime) -> dict[str, _Wanted]:
        # In the order of the keys, so that two imports at once do not wait for each other.
        rows = [[one.address, key, uuid.uuid4().hex, one.languages, one.name] for key, one in sorted(new.items())]
        same = {"areas": "", "late": Subscriber.Late.WAIT, "state": State.SUBSCRIBED, "source": self.terms.source}
        same |= {"created_at": now, "subscribed_at": now}
        added = arrays.insert(Subscriber, _READER, rows, same=same, unless_known=True, returning=["address_key"])
        ours = {arrays.as_hex(key) for (key,) in added}
        return {key: one for key, one in new.items() if key in ours}

    def _ask(self, new: dict[str, _Wanted], now: datetime.datetime) -> None:
        """They get the mail of a sign-up. It is let through the brake: a person has decided this."""
        rows = [
            [one.address, key, uuid.uuid4().hex, one.languages, one.name, self.wording(one.languages[:2]).pk]
            for key, one in new.items()
        ]
        same = {"areas": "", "how": IMPORT, "source": self.terms.source, "created_at": now}
        asked = arrays.insert(SignUp, _SIGN_UP, rows, same=same, returning=["address_key", "id"])
        asked = [(arrays.as_hex(key), pk) for key, pk in asked]
        rows = [[new[key].address, key, new[key].languages[:2], pk] for key, pk in asked]
        same = {"kind": SystemMail.Kind.SIGN_UP, "state": SystemMail.State.WAITING, "why": "", "released": True}
        same |= {"attempts": 0, "due_at": now, "created_at": now, "changed_at": now}
        arrays.insert(SystemMail, _MAIL, rows, same=same)
        ring_on_commit("newsletter.send_system_mail")

    def _given(self, key: str) -> consents.Entry:
        return consents.Entry(consents.Kind.GIVEN, IMPORT, uuid.UUID(key), detail=self.terms.source)


class _No(Exception):
    """A row is refused: why, and why without quoting it."""


def _why_not(state: str | None, is_stopped: bool) -> str:
    if state == State.UNSUBSCRIBED:
        return _("this reader has left the newsletter")
    if is_stopped:
        return _("the address is on the stop list")
    return ""


def normalised(text: str) -> str:
    """The same as `addresses.normalise`, ten times as fast for a plain address. Raises InvalidAddress."""
    plain = PLAIN.fullmatch(text) if len(text) <= 200 else None
    if plain and plain.start(1) <= LOCAL + 1 and plain[1].rpartition(".")[2] not in _RESERVED:
        return text
    return normalise(text)


@lru_cache(maxsize=1_000)
def in_order(text: str) -> str:
    """ "PT, es|German" → "pt es de"; a language named twice counts where it stands first. Raises UnknownLanguage."""
    words = [word for word in re.split(r"[\s,;|/]+", text.lower()) if word]
    codes = list(dict.fromkeys(_codes().get(word, word) for word in words))
    if unknown := [code for code in codes if code not in LANGUAGES]:
        known = {"known": ", ".join(LANGUAGES)}
        raise UnknownLanguage(
            _("“%(code)s” is not one of the languages %(known)s") % ({"code": unknown[0][:40]} | known),
            _("a language is not one of %(known)s") % known,
        )
    if not codes:
        raise UnknownLanguage(_("no language is given"))
    return " ".join(codes)


@cache
def _codes() -> dict[str, str]:
    """What our languages are called in each of them."""
    return {language_name(code, language).lower(): code for code in LANGUAGES for language in LANGUAGES}
