"""What all tests share."""

import pytest

from tests.relay import Relay


@pytest.fixture
def relay(settings):
    """A real SMTP server on a free port, to which the newsletter goes."""
    with Relay() as server:
        point_at(settings, server)
        yield server


def point_at(settings, server: Relay) -> None:
    """Let the newsletter and Django's own mail leave through this server."""
    settings.NEWSLETTER_TRANSPORT = "smtp"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_SSL = settings.EMAIL_USE_TLS = False
    settings.EMAIL_STARTTLS = "never"
