"""What all tests share."""

import gc
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace

import hypothesis
import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.db import connections
from django.db.models.signals import post_migrate
from django.test import override_settings
from django.utils.translation import override

from picum.chaos.relay import Relay

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("picum", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("picum")


# Files of ten seconds and more, because of what they start; a worker that gets one last keeps everybody waiting.
LONG = ("test_workers.py", "test_make.py", "test_full_path.py", "test_demo_members.py", "test_stalled.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-only", action="store_true", help="leave out tests that ask no database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long files first; on another database only what asks one."""
    items.sort(key=lambda item: item.path.name not in LONG)
    if config.getoption("--database-only"):
        others = [item for item in items if not _asks_a_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _asks_a_database(item)]


def pytest_collection_finish() -> None:
    """What was imported and collected stays: the collector of garbage need not walk through it again and again."""
    gc.collect()
    gc.freeze()


def _asks_a_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return bool(item.get_closest_marker("django_db")) or not {"db", "transactional_db"}.isdisjoint(fixtures)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A request leaves its language active; the next test begins in English."""
    with override("en"):
        yield


def bring_back_roles(sender, using: str, **kwargs) -> None:
    """A test that commits leaves empty tables behind. What is seeded comes again by itself; roles do not."""
    for app in ("newsletter.migrations.0012_roles", "members.migrations.0002_secretariat"):
        import_module(app).make(apps, SimpleNamespace(connection=connections[using]))


@pytest.fixture(scope="session", autouse=True)
def roles_that_stay() -> Iterator[None]:
    post_migrate.connect(bring_back_roles, sender=apps.get_app_config("members"))
    yield
    post_migrate.disconnect(bring_back_roles, sender=apps.get_app_config("members"))


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


@pytest.fixture(scope="session", autouse=True)
def folder_of_our_own(tmp_path_factory) -> Iterator[None]:
    """What this machine remembers of databases; those of the tests are not the developer's."""
    with override_settings(VAR_DIR=tmp_path_factory.mktemp("var")):
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_as_they_are() -> Iterator[None]:
    """Nobody has collected the static files before a test; WhiteNoise would warn of the missing folder."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(WHITENOISE_AUTOREFRESH=True, STORAGES=django_settings.STORAGES | {"staticfiles": plain}):
        yield


@pytest.fixture(scope="session", autouse=True)
def passwords_without_labour() -> Iterator[None]:
    """A password's hash takes most of a second, so that guessing does not pay; no test guesses."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield
