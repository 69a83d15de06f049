"""Statements of account as banks hand them out (CAMT.053), written for tests."""

from io import BytesIO

OURS = "BE68539007547034"
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.{}"


def entry(
    amount="100.00",
    *,
    words="",
    ref="",
    payer="R. ABERTA",
    direction="CRDT",
    day="2026-01-20",
    bank_ref="",
    end_to_end="NOTPROVIDED",
    status="BOOK",
    reversal="",
    currency="EUR",
    version="02",
    details="",
    more="",
) -> str:
    """An entry for one transfer; `details` are its transfers as `transfer` writes them, if it is for several."""
    state = f"<Sts>{status}</Sts>" if version == "02" else f"<Sts><Cd>{status}</Cd></Sts>"
    reversed_ = f"<RvslInd>{reversal}</RvslInd>" if reversal else ""
    own = f"<AcctSvcrRef>{bank_ref}</AcctSvcrRef>" if bank_ref else ""
    details = details or transfer(words=words, ref=ref, payer=payer, end_to_end=end_to_end, version=version)
    return (
        f'<Ntry><NtryRef>1</NtryRef><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{reversed_}'
        f"{state}<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>{own}"
        f"<NtryDtls>{details}</NtryDtls>{more}</Ntry>"
    )


def transfer(
    amount="", *, words="", ref="", payer="R. ABERTA", end_to_end="NOTPROVIDED", version="02", bank_ref=""
) -> str:
    sums = (
        (
            f'<AmtDtls><TxAmt><Amt Ccy="EUR">{amount}</Amt></TxAmt></AmtDtls>'
            if version == "02"
            else f'<Amt Ccy="EUR">{amount}</Amt>'
        )
        if amount
        else ""
    )
    name = f"<Nm>{payer}</Nm>" if version != "08" else f"<Pty><Nm>{payer}</Nm></Pty>"
    strd = (
        f"<Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry><Issr>BBA</Issr></Tp><Ref>{ref}</Ref></CdtrRefInf></Strd>"
        if ref
        else ""
    )
    ustrd = "".join(f"<Ustrd>{line}</Ustrd>" for line in words.split("|")) if words else ""
    own = f"<AcctSvcrRef>{bank_ref}</AcctSvcrRef>" if bank_ref else ""
    return (
        f"<TxDtls><Refs>{own}<EndToEndId>{end_to_end}</EndToEndId></Refs>{sums}<RltdPties><Dbtr>{name}</Dbtr>"
        f"<DbtrAcct><Id><IBAN>PT50000201231234567890154</IBAN></Id></DbtrAcct></RltdPties>"
        f"<RmtInf>{ustrd}{strd}</RmtInf></TxDtls>"
    )


def document(*entries: str, iban=OURS, version="02", number="1") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE.format(version)}"><BkToCstmrStmt><GrpHdr>'
        f"<MsgId>M{number}</MsgId><CreDtTm>2026-01-21T06:00:00</CreDtTm></GrpHdr><Stmt><Id>{number}</Id>"
        f"<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f'<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">5000.00</Amt></Bal>'
        f"{''.join(entries)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def file(*entries: str, **fields) -> BytesIO:
    return BytesIO(document(*entries, **fields))
