"""The account to which fees are paid, and the QR code by which banking apps fill in the transfer."""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from segno import QRCode
from segno.helpers import make_epc_qr

from members import structured


@dataclass(frozen=True)
class Account:
    """Whose account it is, its number without spaces, and its bank's code, which may be ""."""

    name: str
    iban: str
    bic: str

    @property
    def iban_written(self) -> str:
        """In groups of four, as it is printed."""
        return " ".join(self.iban[start : start + 4] for start in range(0, len(self.iban), 4))


def ours() -> Account | None:
    """The network's account; None while the settings name none."""
    if not settings.MEMBERS_IBAN:
        return None
    return Account(settings.MEMBERS_ACCOUNT_NAME, settings.MEMBERS_IBAN, settings.MEMBERS_BIC)


def qr_code(account: Account, *, amount: Decimal, communication: str) -> QRCode:
    """The code of EPC069-12, version 002, for a transfer in euro; `communication` are the twelve digits.

    They stand in the field for free text, as they are printed. The structured field is for the creditor reference of
    ISO 11649: banks in some thirty countries check it for that and may refuse a Belgian number there, and our members
    are in all of them. Belgian banks pass +++…+++ on from free text too, and we find it in whichever field it comes.
    """
    return make_epc_qr(
        account.name, account.iban, amount, text=structured.written(communication), bic=account.bic, encoding="utf-8"
    )
