import smtplib
from collections.abc import Callable, Iterator

import pytest

from picum.mailbox import store
from picum.mailbox.catcher import Catcher

REPORT = b"From: PICUM <news@picum.example>\r\nSubject: Report\r\nContent-Language: en\r\n\r\nHello.\r\n"


@pytest.fixture
def path(tmp_path, settings):
    """Where the box of this test is; the pages read the same one."""
    settings.MAILBOX_ENABLED = True
    settings.MAILBOX_PATH = tmp_path / "mailbox.sqlite3"
    return settings.MAILBOX_PATH


@pytest.fixture
def box(path):
    with store.opened(path) as opened:
        yield opened


@pytest.fixture
def catcher(path) -> Iterator[Catcher]:
    with Catcher("127.0.0.1", 0, path) as running:
        yield running


@pytest.fixture
def smtp(catcher) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(catcher.host, catcher.port, timeout=30) as client:
        yield client


@pytest.fixture
def send(smtp) -> Callable[..., None]:
    """Send raw bytes over real SMTP."""

    def send(raw: bytes = REPORT, to: str | list[str] = "amal@example.org", sender: str = "bounce@picum.example"):
        smtp.sendmail(sender, to, raw)

    return send
