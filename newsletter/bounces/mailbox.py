"""The mailbox in which bounces gather, over IMAP or POP3.

What was read is deleted. What is not understood, or not ours, stays for a person: over IMAP marked as seen, so that
it is not read again; POP3 has no such mark. A deletion follows the commit, so a worker that dies between the two
leaves a mail that is read once more and changes nothing. That two workers come at once is as harmless.
"""

import datetime
import imaplib
import logging
import poplib
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Protocol

from newsletter.bounces.intake import take
from newsletter.bounces.reading import LARGEST
from picum.env import Mailbox

log = logging.getLogger(__name__)

MOST = 500  # mails in one run
RUN_SECONDS = 120  # well within the broker's visibility timeout
ANSWER_SECONDS = 30
# poplib gives up on a line of 2 KB and with it on the whole box. Mails larger than LARGEST are not asked for.
poplib._MAXLINE = max(poplib._MAXLINE, LARGEST + 2)


class Unreachable(Exception):
    """The mailbox cannot be read now; says why, without the password."""


class Box(Protocol):
    """An open mailbox. `mails` gives a name and the octets, newest first; a mail is then `remove`d or `keep`t."""

    def mails(self) -> Iterator[tuple[str, bytes]]: ...
    def remove(self, name: str) -> None: ...
    def keep(self, name: str) -> None: ...
    def close(self) -> None: ...


def collect(mailbox: Mailbox, *, now: datetime.datetime, most: int = MOST) -> Counter:
    """Read up to `most` mails and delete those that are done with. Returns the counts of `take`.

    Raises Unreachable, and what the database raises; what was read until then stays read.
    """
    counts: Counter = Counter()
    until = time.monotonic() + RUN_SECONDS
    try:
        with closing(_open(mailbox)) as box:
            for number, (name, message) in enumerate(box.mails(), 1):
                done, found = take(message, now=now)
                counts += found
                if done:
                    box.remove(name)
                else:
                    box.keep(name)
                if number >= most or time.monotonic() > until:
                    break
    except (OSError, imaplib.IMAP4.error, poplib.error_proto) as error:
        raise Unreachable(f"The mailbox at {mailbox.host} cannot be read: {_said(error)}.") from None
    return counts


def _open(mailbox: Mailbox) -> Box:
    return ImapBox(mailbox) if mailbox.protocol == "imap" else PopBox(mailbox)


class ImapBox:
    """A folder on an IMAP server (RFC 3501). Mails go by their UID."""

    def __init__(self, mailbox: Mailbox):
        where = {"host": mailbox.host, "port": mailbox.port, "timeout": ANSWER_SECONDS}
        if mailbox.tls == "immediate":
            self.server = imaplib.IMAP4_SSL(**where, ssl_context=ssl.create_default_context())
        else:
            self.server = imaplib.IMAP4(**where)
        self.removed: list[str] = []
        try:
            if mailbox.tls == "starttls":
                self.server.starttls(ssl.create_default_context())
            if not (mailbox.user + mailbox.password).isascii():
                raise imaplib.IMAP4.error("user name and password must be ASCII")
            self.server.login(mailbox.user, mailbox.password)
            folder = mailbox.folder.replace("\\", "\\\\").replace('"', '\\"')
            self._ask(self.server.select, f'"{folder}"')
        except BaseException:
            with suppress(OSError):  # a failed handshake has taken the socket away
                self.server.shutdown()
            raise

    def mails(self) -> Iterator[tuple[str, bytes]]:
        found = self._ask(self.server.uid, "SEARCH", "UNSEEN", "UNDELETED")
        for uid in reversed((found[0] or b"").decode("ascii").split()):
            # PEEK: a mail is seen when it was understood to be none of ours, not when the database was away.
            answer = self._ask(self.server.uid, "FETCH", uid, f"(BODY.PEEK[]<0.{LARGEST}>)")
            for piece in answer:
                if isinstance(piece, tuple):
                    yield uid, piece[1]
                    break  # otherwise somebody else has deleted it meanwhile

    def remove(self, name: str) -> None:
        self._ask(self.server.uid, "STORE", name, "+FLAGS.SILENT", "(\\Deleted)")
        self.removed.append(name)

    def keep(self, name: str) -> None:
        self._ask(self.server.uid, "STORE", name, "+FLAGS.SILENT", "(\\Seen)")

    def close(self) -> None:
        """Deleted is deleted, also when the run ends in an error. UIDPLUS (RFC 4315) leaves alone what others have
        marked."""
        with suppress(OSError, imaplib.IMAP4.error):
            if self.removed and "UIDPLUS" in self.server.capabilities:
                self.server.uid("EXPUNGE", ",".join(self.removed))
            elif self.removed:
                self.server.expunge()
            self.server.logout()
        with suppress(OSError):
            self.server.shutdown()

    def _ask(self, command, *arguments: str) -> list:
        kind, answer = command(*arguments)
        if kind != "OK":
            raise imaplib.IMAP4.error(*answer)
        return answer


class PopBox:
    """A POP3 maildrop (RFC 1939). It is locked while we look; deletions are done by QUIT."""

    def __init__(self, mailbox: Mailbox):
        if mailbox.tls == "immediate":
            self.server: poplib.POP3 = poplib.POP3_SSL(
                mailbox.host, mailbox.port, timeout=ANSWER_SECONDS, context=ssl.create_default_context()
            )
        else:
            self.server = poplib.POP3(mailbox.host, mailbox.port, timeout=ANSWER_SECONDS)
        try:
            if mailbox.tls == "starttls":
                self.server.stls(ssl.create_default_context())
            self.server.user(mailbox.user)
            self.server.pass_(mailbox.password)
        except BaseException:
            with suppress(OSError):
                self.server.close()
            raise

    def mails(self) -> Iterator[tuple[str, bytes]]:
        """The newest first, so that those that stay do not keep the new ones from being read."""
        for line in reversed(self.server.list()[1]):
            number, size = line.split()[:2]
            if int(size) <= LARGEST:
                yield number.decode("ascii"), b"\r\n".join(self.server.retr(int(number))[1])

    def remove(self, name: str) -> None:
        self.server.dele(name)

    def keep(self, name: str) -> None:
        """It simply stays."""

    def close(self) -> None:
        with suppress(OSError, poplib.error_proto):
            self.server.quit()
        with suppress(OSError):
            self.server.close()


def _said(error: BaseException) -> str:
    """What a person needs to know: the server's answer, or what the network said."""
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    said = error.args[0] if error.args else type(error).__name__
    return (said.decode("ascii", "replace") if isinstance(said, bytes) else str(said)).removeprefix("-ERR ").rstrip(".")
