"""What the demo's members owe and paid: this year and three back, as the secretariat would have done it.

Through the functions of the desk, but for the debit notes and reminders of the years back: some thousand letters that
nobody would read are not written; these rows are set in a few statements.
"""

import datetime
import io
import random
from decimal import Decimal
from xml.sax.saxutils import escape

from members import account, bank, fees, payments, reminding, structured
from members.models import Contact, ContactRole, Fee, Kind, Payment, Reminder
from picum.accounts.models import User
from picum.pages.demo.organisations import read
from picum.pages.demo.timeline import done_on

Role = ContactRole.Role
AMOUNTS = [0, 50, 100, 150, 250, 400]  # euro
HOW_MANY = [3, 18, 48, 17, 10, 4]


def tell(*, by: User, dice: random.Random, today: datetime.date) -> None:
    """Fees of the year of `today` and three back. Without an account in the settings, nobody is asked for anything."""
    for year in fees.years(today):
        _run(year, by=by, dice=dice, today=today)
        if account.ours():
            _ask(year, by=by, today=today)
            _spring(year, by=by, dice=dice, today=today)
    if account.ours():
        _by_hand(by=by, today=today)


def _run(year: int, *, by: User, dice: random.Random, today: datetime.date) -> None:
    """In January, for those who belong then. A few are let off."""
    day = datetime.date(year, 1, 12)
    if day > today:
        return
    with done_on(day) as moment:
        proposed = [one for one in fees.propose(year) if one.member.memberships.current(on=day).exists()]
        fees.run(year, amounts={one.member.pk: _amount(one, dice) for one in proposed}, by=by, now=moment)
        rows = list(Fee.objects.filter(year=year, amount__gt=0).exclude(member__name__in=_first()).order_by("pk"))
        for fee in dice.sample(rows, min(len(rows), 3)):
            fees.waive(fee, why=dice.choice(read("dues")["waived"]), by=by, now=moment)


def _amount(one: fees.Proposal, dice: random.Random) -> Decimal:
    """As last year; an organisation's first one depends on its size."""
    is_first = one.last_year is None and one.member.kind == Kind.ORGANISATION and one.member.name not in _first()
    return Decimal(dice.choices(AMOUNTS, HOW_MANY)[0]) if is_first else one.amount


def _first() -> list[str]:
    """Those of the accounts: they have a usual fee, and this year's is open."""
    return read("organisations")["stories"]["first"]


def _ask(year: int, *, by: User, today: datetime.date) -> None:
    """The debit notes go out to whoever has somebody to get one."""
    day = datetime.date(year, 1, 15)
    reached = Contact.objects.filter(roles__role__in=[Role.CONTACT, Role.TREASURER]).values("member")
    asked = Fee.objects.filter(year=year, amount__gt=0, waived_on=None, member__in=reached)
    if day > today:
        return
    if year < today.year:
        asked.update(noted_on=day, due_on=day + fees.DUE)
        return
    with done_on(day) as moment:
        for fee in asked.select_related("member"):
            if fees.payers(fee.member):
                fees.note(fee, by=by, now=moment)


def _spring(year: int, *, by: User, dice: random.Random, today: datetime.date) -> None:
    """Two statements of account, and reminders between and after them."""
    owed = Fee.objects.owed().filter(year=year, noted_on__isnull=False).order_by("pk")
    due = list(owed.exclude(member__name__in=_first()) if year == today.year else owed)
    order = dice.sample(due, len(due))
    prompt, late = order[: round(len(order) * 0.8)], order[round(len(order) * 0.8) : round(len(order) * 0.91)]
    if year < today.year:
        late += order[round(len(order) * 0.91) : round(len(order) * 0.96)]
    _statement(datetime.date(year, 2, 26), prompt, year, by=by, dice=dice, today=today, strays=year == today.year)
    _remind(year, datetime.date(year, 3, 4), today)
    _statement(datetime.date(year, 5, 28), late, year, by=by, dice=dice, today=today, strays=False)
    _remind(year, datetime.date(year, 6, 4), today)
    _remind(year, datetime.date(year, 7, 6), today)


def _remind(year: int, day: datetime.date, today: datetime.date) -> None:
    if day > today:
        return
    if year == today.year:
        with done_on(day) as moment:
            reminding.remind_of_fees(now=moment)
        return
    late = Fee.objects.owed().filter(year=year, noted_on__isnull=False).prefetch_related("reminders")
    Reminder.objects.bulk_create(
        Reminder(fee_id=fee.pk, number=len(fee.reminders.all()) + 1, sent_on=day) for fee in late
    )


# --- statements of account --------------------------------------------------------------------------------------------


def _statement(
    day: datetime.date,
    paying: list[Fee],
    year: int,
    *,
    by: User,
    dice: random.Random,
    today: datetime.date,
    strays: bool,
) -> None:
    """A bank file with these fees, some of them in part or too much; with `strays`, money of which nobody knows."""
    if day > today:
        return
    entries = sorted(_entry(fee, day, dice) for fee in paying)
    if strays:
        entries += [(day, Decimal(one["amount"]), one["payer"], one["words"]) for one in read("dues")["strays"]]
    if not entries:
        return
    with done_on(day) as moment:
        file = io.BytesIO(_camt(entries, day))
        bank.take(file, name=f"statement-{day:%Y-%m-%d}.xml", by=by, now=moment)
        if strays:
            _set_aside(by=by)


def _entry(fee: Fee, day: datetime.date, dice: random.Random) -> tuple[datetime.date, Decimal, str, str]:
    part = dice.random()
    amount = fee.amount / 2 if part < 0.03 else fee.amount + 10 if part > 0.99 else fee.amount
    booked = max(fee.noted_on, day - datetime.timedelta(days=dice.randint(0, 40)))
    return booked, amount.quantize(Decimal("0.01")), fee.member.name, structured.written(fee.communication)


def _camt(entries: list[tuple[datetime.date, Decimal, str, str]], day: datetime.date) -> bytes:
    """As banks hand it out: CAMT.053, version 2."""
    told = "".join(
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>{booked}</Dt>'
        f"</BookgDt><AcctSvcrRef>DEMO{day:%Y%m%d}{number:04}</AcctSvcrRef><NtryDtls><TxDtls><RltdPties><Dbtr>"
        f"<Nm>{escape(payer[:70])}</Nm></Dbtr></RltdPties><RmtInf><Ustrd>{escape(words)}</Ustrd></RmtInf></TxDtls>"
        f"</NtryDtls></Ntry>"
        for number, (booked, amount, payer, words) in enumerate(entries, 1)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>DEMO{day:%Y%m%d}</MsgId></GrpHdr><Stmt><Id>{day:%Y%m%d}</Id><Acct><Id>"
        f"<IBAN>{account.ours().iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>{told}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _set_aside(*, by: User) -> None:
    """One of the strays is a donation, and somebody has seen that."""
    donation = next(one for one in read("dues")["strays"] if one.get("aside"))
    payment = Payment.objects.filter(fee=None, set_aside_why="", payer=donation["payer"]).first()
    if payment:
        payments.set_aside(payment, why=donation["aside"], by=by)


def _by_hand(*, by: User, today: datetime.date) -> None:
    """Two paid in cash, at the counter."""
    day = max(datetime.date(today.year, 1, 2), today - datetime.timedelta(days=20))
    with done_on(day) as moment:
        for fee in Fee.objects.owed().filter(noted_on__lt=day).order_by("-year", "pk")[:2]:
            payments.pay(fee, amount=fee.open_amount, received_on=day, payer=fee.member.name, by=by, now=moment)
