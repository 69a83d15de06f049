"""Handing single mails to the mail server, over one connection, and what its answers mean.

Log lines name a mail by its number, never an address; the server's own words are left out, for they may name one.
"""

import logging
from contextlib import suppress
from enum import Enum
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPResponseException

from anymail.exceptions import AnymailError, AnymailInvalidAddress, AnymailRecipientsRefused
from django.core.mail import EmailMessage, get_connection

log = logging.getLogger(__name__)


class Answer(Enum):
    """What a mail server, or a provider, made of a mail."""

    TAKEN = "taken"
    REFUSED = "refused"  # this address, for ever
    LATER = "later"  # this mail, not now
    AWAY = "away"  # nothing was sent, and nothing else would be: no mail's fault
    BROKEN = "broken"  # in the middle of a mail: perhaps it was taken


class Wire:
    """Our connection to the mail server. `is_well` until something other than a mail is the matter with it."""

    def __init__(self):
        self.connection, self.is_well = get_connection(), True

    def __enter__(self) -> "Wire":
        try:
            self.connection.open()
        except (OSError, AnymailError) as error:
            log.warning("The mail server does not take single mails (%s).", type(error).__name__)
            self.is_well = False
        return self

    def __exit__(self, *exc) -> None:
        with suppress(OSError, AnymailError):
            self.connection.close()

    def send(self, message: EmailMessage, number: int) -> Answer:
        try:
            self.connection.send_messages([message])
        except (OSError, AnymailError, ValueError) as error:
            answer = answer_of(error)
            # Its words are left out: they may name the address.
            log.warning("Single mail %s: %s (%s).", number, answer.value, type(error).__name__)
            self.is_well = answer not in {Answer.AWAY, Answer.BROKEN}
            return answer
        return Answer.TAKEN


def answer_of(error: Exception) -> Answer:
    match error:
        case SMTPRecipientsRefused():
            return _reply(*next(iter(error.recipients.values())))
        case SMTPDataError():
            return _reply(error.smtp_code, error.smtp_error)
        case SMTPResponseException():  # to MAIL or EHLO: said of us
            return Answer.AWAY
        case AnymailRecipientsRefused() | AnymailInvalidAddress():
            return Answer.REFUSED
        case AnymailError(status_code=400 | 422):
            return Answer.REFUSED
        case AnymailError(status_code=None | 401 | 402 | 403 | 429) if not isinstance(error, OSError):
            return Answer.AWAY
        case OSError() | AnymailError():
            return Answer.BROKEN
        case _:  # a ValueError: no mail can be made of this address
            return Answer.REFUSED


def _reply(code: int, words: bytes) -> Answer:
    if code == 421:  # RFC 5321 §3.8: the server closes the connection
        return Answer.AWAY
    # 5.7 is a matter of policy (RFC 3463): of a relay that does not let us in, say. That is set right in an hour.
    return Answer.REFUSED if code >= 500 and not words.startswith(b"5.7.") else Answer.LATER
