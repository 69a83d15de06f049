"""A statement of account as banks hand it out, CAMT.053 (ISO 20022): the money that came in, read as a stream.

Versions 001.02 to 001.08; they differ in where the payer's name and a transaction's amount stand. Of an entry for
several transfers each is told, if the bank tells their amounts.

The file comes from a bank, or from anybody who says so. A document type (the home of entities) is refused, what is kept
of it at once is one entry, and depth, tags, texts and entries are limited.
"""

import datetime
import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import BinaryIO
from xml.parsers import expat

from django.utils.translation import gettext as _

from members import structured

SIZE = 20_000_000  # octets of a file
CHUNK, DEPTH, TAGS, WORDS, ENTRIES = 1 << 16, 40, 100_000, 10_000, 10_000
_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.0[2-8]")
_AMOUNT = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,5})?")


class Unreadable(ValueError):
    """The file as a whole cannot be used; the message says why in one sentence."""


@dataclass(frozen=True)
class Entry:
    """Money that came in. `communications` are the structured ones in it, as digits; `words` what the payer wrote."""

    amount: Decimal
    currency: str
    booked_on: datetime.date
    payer: str
    words: str
    communications: tuple[str, ...]
    reference: str  # the bank's, or one made of all that it tells; the same whenever the entry is read


@dataclass
class Statement:
    """What came in, and what had come in and was taken back by the payer's bank."""

    entries: list[Entry] = field(default_factory=list)
    returned: list[Entry] = field(default_factory=list)


@dataclass
class _Tag:
    name: str
    values: dict[str, str]
    words: str = ""
    tags: list["_Tag"] = field(default_factory=list)

    def all(self, path: str) -> list["_Tag"]:
        """The tags at a path below, such as "Refs/EndToEndId"."""
        found = [self]
        for name in path.split("/"):
            found = [tag for one in found for tag in one.tags if tag.name == name]
        return found

    def text(self, *paths: str) -> str:
        """What stands at the first of these paths at which something stands."""
        texts = (" ".join(tag.words.split()) for path in paths for tag in self.all(path))
        return next(filter(None, texts), "")


def read(file: BinaryIO, *, iban: str) -> Statement:
    """All that came in on the account of this number. Raises Unreadable: for a file that is none, is damaged or far too
    large, or tells of another account."""
    reader = _Reader(iban)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _damaged
    parser.StartElementHandler, parser.EndElementHandler = reader.opened, reader.closed
    parser.CharacterDataHandler = reader.text
    fed = 0
    try:
        while chunk := file.read(CHUNK):
            fed += len(chunk)
            if fed > SIZE:
                raise Unreadable(_("The file is larger than %d MB.") % (SIZE / 1e6))
            parser.Parse(chunk)
        parser.Parse(b"", True)
    except (expat.ExpatError, UnicodeError, LookupError):
        _damaged()
    return reader.statement()


def _damaged(*_args) -> None:
    raise Unreadable(_("This file is no statement of account that can be read (CAMT.053)."))


class _Reader:
    """Keeps the entry in hand as a little tree, and of everything else nothing but where we are."""

    def __init__(self, iban: str):
        self.iban = iban
        self.path: list[str] = []
        self.open: list[_Tag] = []  # within an entry: it, and the tags in which we are
        self.tags = 0  # of the entry in hand
        self.account = ""
        self.met: Counter[str] = Counter()
        self.told = Statement()

    def opened(self, name: str, values: dict[str, str]) -> None:
        namespace, _space, name = name.rpartition(" ")
        if not self.path and not (name == "Document" and _NAMESPACE.fullmatch(namespace)):
            _damaged()
        self.path.append(name)
        if len(self.path) > DEPTH:
            _damaged()
        if self.path == ["Document", "BkToCstmrStmt", "Stmt"]:
            self.account = ""
        if self.open or self.path[3:] == ["Ntry"]:
            self.tags += 1
            if self.tags > TAGS:
                raise Unreadable(_("An entry of this file holds far too many transfers to be read."))
            tag = _Tag(name, values)
            if self.open:
                self.open[-1].tags.append(tag)
            self.open.append(tag)

    def text(self, words: str) -> None:
        if self.open and len(self.open[-1].words) < WORDS:
            self.open[-1].words += words[:WORDS]
        elif self.path[3:] == ["Acct", "Id", "IBAN"]:
            self.account = (self.account + words)[:WORDS]

    def closed(self, _name: str) -> None:
        if self.path[3:] == ["Acct"]:
            self._ours()
        self.path.pop()
        if self.open:
            tag = self.open.pop()
            if not self.open:
                self._ours()
                self._keep(tag)
                self.tags = 0

    def _ours(self) -> None:
        if "".join(self.account.split()).upper() != self.iban:
            raise Unreadable(_("This file is of another account than the one to which fees are paid."))

    def _keep(self, entry: _Tag) -> None:
        if entry.text("Sts/Cd", "Sts") != "BOOK":
            return  # announced, and not yet there
        direction = entry.text("CdtDbtInd")
        is_reversal = entry.text("RvslInd") in {"true", "1"}
        # A reversed debit is our own money that comes back: no payment of anybody's.
        kept = {("CRDT", False): self.told.entries, ("DBIT", True): self.told.returned}.get((direction, is_reversal))
        if kept is None:
            return
        kept += [self._distinct(found) for found in _transfers(entry, direction)]
        if len(kept) > ENTRIES:
            raise Unreadable(_("The file has more than %d entries.") % ENTRIES)

    def _distinct(self, entry: Entry) -> Entry:
        """Two transfers of one reference in one file are two: banks repeat that of a batch, and people what they do."""
        self.met[entry.reference] += 1
        number = self.met[entry.reference]
        return entry if number == 1 else replace(entry, reference=f"{entry.reference}#{number}")

    def statement(self) -> Statement:
        return self.told


# --- an entry -----------------------------------------------------------------------------------------------------


def _transfers(entry: _Tag, direction: str) -> list[Entry]:
    """The transfers of an entry; the entry as one, unless the bank tells the amount of each and they add up."""
    amount, currency = _money(entry.all("Amt"))
    details = entry.all("NtryDtls/TxDtls")
    parts = [part for part in details if part.text("CdtDbtInd") in {"", direction}]
    if len(details) > 1:
        sums = [_money(part.all("Amt") or part.all("AmtDtls/TxAmt/Amt")) for part in parts]
        if sum(each for each, _currency in sums) == amount and {each for _sum, each in sums} == {currency}:
            return [_entry(entry, [part], each, currency) for part, (each, _c) in zip(parts, sums, strict=True) if each]
    return [_entry(entry, details, amount, currency)] if amount else []


def _entry(entry: _Tag, details: list[_Tag], amount: Decimal, currency: str) -> Entry:
    day = _day(entry)
    written = _texts(details, "RmtInf/Ustrd")
    ours = _texts(details, "RmtInf/Strd/CdtrRefInf/Ref")
    around = _texts([entry], "AddtlNtryInf") + _texts(details, "AddtlTxInf", "RmtInf/Strd/AddtlRmtInf")
    names = _texts(details, "Refs/EndToEndId")
    # What the payer's bank took for a reference goes before what the payer wrote, and that before everything else.
    tiers = ([text] for text in ours), ([" ".join(written)],), ([text] for text in around), ([text] for text in names)
    communications: list[str] = []
    for tier in tiers:
        communications += [digits for texts in tier for text in texts for digits in structured.found(text)]
        if communications:
            break
    payer = _first(details, "RltdPties/UltmtDbtr/Nm", "RltdPties/UltmtDbtr/Pty/Nm") or _first(
        details, "RltdPties/Dbtr/Nm", "RltdPties/Dbtr/Pty/Nm"
    )
    words = " ".join(written or ours or around)
    found = Entry(amount, currency, day, payer[:140], words[:280], tuple(dict.fromkeys(communications)), "")
    return replace(found, reference=_reference(entry, details, found))


def _reference(entry: _Tag, details: list[_Tag], found: Entry) -> str:
    """The bank's own for the transfer, else for the entry, else a digest of all that is known. With the day: some banks
    begin to count anew every day."""
    own = _first(details, "Refs/AcctSvcrRef") or entry.text("AcctSvcrRef")
    if own:
        return f"{found.booked_on:%Y%m%d}/{own[:60]}"
    account = _first(details, "RltdPties/DbtrAcct/Id/IBAN", "RltdPties/DbtrAcct/Id/Othr/Id")
    ends = _first(details, "Refs/EndToEndId"), _first(details, "Refs/TxId"), account
    known = [str(found.amount), found.currency, found.payer, found.words, *found.communications, *ends]
    digest = hashlib.sha256("\0".join(known).encode("utf-8", "replace")).hexdigest()
    return f"{found.booked_on:%Y%m%d}/{digest[:40]}"


def _texts(tags: list[_Tag], *paths: str) -> list[str]:
    texts = (" ".join(tag.words.split()) for one in tags for path in paths for tag in one.all(path))
    return [text for text in texts if text]


def _first(tags: list[_Tag], *paths: str) -> str:
    return next(iter(_texts(tags, *paths)), "")


def _money(tags: list[_Tag]) -> tuple[Decimal, str]:
    words = tags[0].words.strip() if tags else ""
    if tags and not _AMOUNT.fullmatch(words):
        _damaged()
    return Decimal(words or 0), tags[0].values.get("Ccy", "") if tags else ""


def _day(entry: _Tag) -> datetime.date:
    written = entry.text("BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm")
    try:
        return datetime.date.fromisoformat(written[:10])
    except ValueError:
        return _damaged()  # never returns
