"""In production nothing starts, and nothing is believed, without a secret that tells a provider from a stranger."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from picum import env
from tests.newsletter.provider_posts import PROVIDERS, SECRET, settings_for

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_production_needs_the_shared_secret_or_the_providers_own_key(provider):
    with pytest.raises(ImproperlyConfigured, match="ANYMAIL_WEBHOOK_SECRET"):
        env.require_webhook_secret(provider, {"WEBHOOK_SECRET": ""})
    env.require_webhook_secret(provider, {"WEBHOOK_SECRET": SECRET})
    if key := env.SIGNING_KEYS.get(provider):
        env.require_webhook_secret(provider, {key: "x"})


@pytest.mark.parametrize("provider", ["", "scaleway"])
def test_who_posts_nothing_needs_none(provider):
    env.require_webhook_secret(provider, {})


def start(tmp_path, **environment) -> subprocess.CompletedProcess:
    """Start the settings as a server would, with nothing of this machine's environment."""
    base = {"SECRET_KEY": "x" * 60, "SITE_URL": "https://news.example.org", "EMAIL_URL": "brevo://"}
    base |= {"DEFAULT_FROM_EMAIL": "news@example.org", "VAR_DIR": str(tmp_path), "DEBUG": "false", "PATH": ""}
    program = [sys.executable, "-c", "import django; django.setup()"]
    given = base | {"DJANGO_SETTINGS_MODULE": "picum.settings"} | environment
    return subprocess.run(program, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60, check=False)


def test_production_refuses_to_start_and_says_why_in_one_sentence(tmp_path):
    refused = start(tmp_path)
    assert refused.returncode
    last = refused.stderr.strip().splitlines()[-1]
    assert last.endswith("ANYMAIL_WEBHOOK_SECRET is not set: what brevo's posts are known by. See .env.example.")


@pytest.mark.parametrize("environment", [{"ANYMAIL_WEBHOOK_SECRET": SECRET}, {"DEBUG": "true"}])
def test_with_the_secret_or_while_developing_it_starts(environment, tmp_path):
    started = start(tmp_path, **environment)
    assert (started.returncode, started.stderr) == (0, "")


def found(settings, provider, given) -> list[tuple[str, str]]:
    settings.NEWSLETTER_TRANSPORT, settings.EMAIL_PROVIDER = "provider" if provider else "smtp", provider
    settings.ANYMAIL = given
    told = run_checks(include_deployment_checks=True)
    return [(one.id, one.hint) for one in told if one.id == "newsletter.E030"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_deployment_check_finds_what_is_missing(provider, settings):
    ((_id, hint),) = found(settings, provider, {"IRRELEVANT": "x"})
    assert "docs/tracking.md" in hint
    assert found(settings, provider, settings_for(provider)) == []


@pytest.mark.parametrize("provider", ["mailersend", "mandrill", "postal"])
def test_a_key_that_anymail_cannot_be_without_is_found_too(provider, settings):
    assert found(settings, provider, {"WEBHOOK_SECRET": SECRET})


def test_without_a_provider_there_is_nothing_to_find(settings):
    assert found(settings, "", {}) == []
