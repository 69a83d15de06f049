"""The mails that `manage.py run` has caught, and the links in them."""

import email
import re
import time
from email.message import EmailMessage
from email.policy import default

from picum.mailbox import store
from tests.browser.program import Run

LINK = re.compile(r"https?://[^\s<>\"]+")
TAKEN: set[tuple[str, int]] = set()  # the terminal's log, which is another for each run, and the number of the mail


def letter_to(address: str, run: Run, header: str) -> EmailMessage:
    """The newest mail to an address that has this header and was not taken before, as soon as it is there."""
    end = time.monotonic() + 60  # seconds: after the first start the worker is at other things too
    while time.monotonic() < end:
        with store.opened(run.folder / "mailbox.sqlite3") as box:
            for mail in store.page(box, store.Filter(words=address)):
                message = email.message_from_bytes(store.raw(box, mail.id), policy=default)
                if header in message and (str(run.log), mail.id) not in TAKEN:
                    TAKEN.add((str(run.log), mail.id))
                    return message
        time.sleep(0.1)
    raise AssertionError(f"No mail with {header} came. {run.said}")


def link_in(message: EmailMessage, part: str) -> str:
    """The one address in the text of the mail that has this in its path."""
    text = message.get_body(("plain",)).get_content()
    found = {link for link in LINK.findall(text) if part in link}
    assert len(found) == 1, (part, found)
    return found.pop()
