"""The environment: read by typed readers, complete in .env.example, wrong values said in one sentence."""

import datetime
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from picum import env
from picum.logs import WithoutTokens

ROOT = Path(__file__).resolve().parent.parent


def test_env_example_names_all_that_is_read_and_nothing_else():
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', (ROOT / "picum/settings.py").read_text()))
    written = set(re.findall(r"^#? ?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert {name for name in written if not name.startswith("ANYMAIL_")} == read


PAIRS = "X must be pairs of a domain and its messages a second, such as gmail.com=20 *=50, not '%s'."
PLAN = "X must be a day and messages a day from then on, such as 2026-12-01 50 100 500, not '%s'."


def test_a_variable_may_be_given_as_a_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("SOME_SECRET_FILE", str(tmp_path / "secret"))
    assert env.text("SOME_SECRET") == "from a file"


def test_the_environment_goes_before_the_env_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("# a comment\nPICUM_A=file\nPICUM_B='quoted file'\n")
    monkeypatch.setenv("PICUM_A", "environment")
    monkeypatch.delenv("PICUM_B", raising=False)
    env.load(tmp_path / ".env")
    assert (env.text("PICUM_A"), env.text("PICUM_B")) == ("environment", "quoted file")
    monkeypatch.delenv("PICUM_B")


@pytest.mark.parametrize(
    ("read", "value", "said"),
    [
        (lambda: env.flag("X", False), "perhaps", "X must be true or false, not 'perhaps'."),
        (lambda: env.number("X", 1), "many", "X must be a number, not 'many'."),
        (lambda: env.whole("X", 1, least=2), "1", "X must be at least 2, not 1."),
        *(
            (lambda: env.domain_rates("X"), value, PAIRS % wrong)
            for value, wrong in [
                ("gmail.com", "gmail.com"),
                ("gmail.com=", "gmail.com="),
                ("gmail.com=fast", "gmail.com=fast"),
                ("a.org=1 gmail.com=0", "gmail.com=0"),
                ("gmail.com=nan", "gmail.com=nan"),
                ("gmail=5", "gmail=5"),
                ("amal@gmail.com=5", "amal@gmail.com=5"),
                ("=5", "=5"),
                ("*.com=5", "*.com=5"),
            ]
        ),
        (lambda: env.domain_rates("X"), "gmail.com=5 GMail.com=6", "X names gmail.com twice."),
        *(
            (lambda: env.warm_up("X"), value, PLAN % value)
            for value in [
                "2026-12-01",
                "50 100",
                "2026-13-01 50",
                "2026-12-01 50 many",
                "2026-12-01 0 50",
                "2026-12-01 50 -1",
            ]
        ),
    ],
)
def test_a_wrong_value_is_said_in_one_sentence(monkeypatch, read, value, said):
    monkeypatch.setenv("X", value)
    with pytest.raises(ImproperlyConfigured) as error:
        read()
    assert str(error.value) == said


def test_limits_of_domains(monkeypatch):
    assert env.domain_rates("X") == {}
    monkeypatch.setenv("X", "GMail.com=20, outlook.com=0.5 münster.de=3 *=50")
    assert env.domain_rates("X") == {"gmail.com": 20, "outlook.com": 0.5, "xn--mnster-3ya.de": 3, "*": 50}


def test_the_plan_for_a_new_sending_domain(monkeypatch):
    assert env.warm_up("X") is None
    monkeypatch.setenv("X", "2026-12-01 50 100 500")
    plan = env.warm_up("X")
    assert plan == (datetime.date(2026, 12, 1), (50, 100, 500))
    days = [datetime.date(2026, 11, 30), *(datetime.date(2026, 12, day) for day in range(1, 6))]
    assert [plan.allowance(day) for day in days] == [None, 50, 100, 500, None, None]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://127.0.0.1:2525", ("127.0.0.1", 2525, "", "", False, "offered")),
        ("smtp://us%40er:p%3Aw@relay:587?tls=required", ("relay", 587, "us@er", "p:w", False, "required")),
        ("smtps://user:pw@relay", ("relay", 465, "user", "pw", True, "never")),
    ],
)
def test_email_url_becomes_settings(url, expected):
    found = env.mail_settings(url)
    names = ["HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_SSL", "STARTTLS"]
    assert tuple(found[f"EMAIL_{name}"] for name in names) == expected


@pytest.mark.parametrize("provider", sorted(env.PROVIDERS))
def test_every_provider_that_is_offered_exists(provider):
    from django.utils.module_loading import import_string

    assert import_string(env.mail_settings(f"{provider}://")["EMAIL_BACKEND"])


@pytest.mark.parametrize("url", ["http://relay", "smtp://relay?tls=perhaps"])
def test_a_mail_address_that_makes_no_sense_is_refused(url):
    with pytest.raises(ImproperlyConfigured):
        env.mail_settings(url)


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda: env.number("X", 1), "X must be at least 0, not nan."),
        (lambda: env.zone("X", "UTC"), "X must be a time zone such as Europe/Brussels, not 'nan'."),
        (lambda: env.mail_settings("smtp://relay:99999"), "EMAIL_URL: the port must be a number up to 65535."),
    ],
)
def test_values_that_only_look_right_are_refused(monkeypatch, read, said):
    monkeypatch.setenv("X", "nan")
    with pytest.raises(ImproperlyConfigured) as error:
        read()
    assert str(error.value) == said


def test_a_log_holds_no_reader_s_token():
    record = logging.LogRecord("x", 30, "", 0, "Not Found: %s", ("/de/newsletter/leave/abc.DEF-1_2/",), None)
    assert WithoutTokens().filter(record)
    assert record.getMessage() == "Not Found: /de/newsletter/leave/…/"


def test_production_says_what_is_missing_in_one_sentence():
    done = subprocess.run(
        [sys.executable, "-c", "import picum.settings"],
        cwd=ROOT,
        env={"PATH": "/usr/bin", "SECRET_KEY": "x", "DEBUG": "false"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "django.core.exceptions.ImproperlyConfigured: SITE_URL is not set: the public address that links in mails "
        "begin with. See .env.example."
    )


def deploy_findings() -> set[str]:
    return {found.id for found in run_checks(include_deployment_checks=True) if found.id.startswith("picum.")}


def test_the_image_is_built_with_all_that_the_settings_want(tmp_path):
    step = re.search(r"^RUN (SECRET_KEY=.*?)python (manage\.py .*?)$", (ROOT / "Dockerfile").read_text(), re.M | re.S)
    values = dict(pair.split("=") for pair in step[1].replace("\\", "").split())
    # Not what a developer's .env says: an empty value counts as not set.
    blank = dict.fromkeys(re.findall(r"^([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M), "")
    environment = blank | {"VAR_DIR": str(tmp_path)} | values
    command = [sys.executable, *step[2].split(), "--dry-run", "-v0"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]


def test_checks_for_production_name_each_mistake(settings):
    settings.BROKER_IS_EMBEDDED = True  # whatever these tests run on
    assert deploy_findings() == {"picum.E001", "picum.E003", "picum.W001", "picum.W002"}
    settings.NEWSLETTER_MAIL_DOMAIN = "127.0.0.1"
    assert "picum.E002" in deploy_findings()
    settings.BROKER_IS_EMBEDDED = False
    settings.ADDRESS_KEY = "its own"
    settings.SITE_URL = "https://picum.eu"
    settings.NEWSLETTER_MAIL_DOMAIN = "picum.eu"
    assert deploy_findings() == set()
    settings.EMAIL_HOST_USER, settings.EMAIL_STARTTLS = "picum", "offered"
    assert deploy_findings() == {"picum.W003"}
    settings.EMAIL_STARTTLS = "required"
    assert deploy_findings() == set()


@pytest.mark.django_db
def test_another_address_key_is_noticed(settings):
    from tests.newsletter.factories import make_subscriber

    make_subscriber()
    assert [found.id for found in run_checks(tags=["database"], databases=["default"])] == []
    settings.ADDRESS_KEY = "another"
    assert [found.id for found in run_checks(tags=["database"], databases=["default"])] == ["newsletter.E001"]


@pytest.mark.parametrize("name", ["SOME_KEY", "SOME_KEY_FILE"])
def test_what_is_left_empty_counts_as_not_set(monkeypatch, tmp_path, name):
    (tmp_path / "empty").touch()
    monkeypatch.setenv(name, str(tmp_path / "empty") if name.endswith("_FILE") else "")
    assert env.text("SOME_KEY", "another") == "another"
    with pytest.raises(ImproperlyConfigured, match="SOME_KEY is not set: it signs"):
        env.text("SOME_KEY", why="it signs")


def test_the_address_key_that_env_example_leaves_empty_is_not_an_empty_key():
    asked = "from picum import settings; print(repr(settings.ADDRESS_KEY))"
    environment = {"PATH": "/usr/bin", "SECRET_KEY": "a secret", "SECRET_KEY_FALLBACKS": "", "DEBUG": "true"}
    environment["ADDRESS_KEY"] = ""
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout == "'a secret'\n", done.stderr


@pytest.mark.parametrize("address", ["https://picum.example", "http://127.0.0.1:8000", "https://picum.example/"])
def test_the_address_of_a_site(monkeypatch, address):
    monkeypatch.setenv("X", address)
    assert env.site("X") == address.rstrip("/")


@pytest.mark.parametrize("address", ["picum.example", "ftp://picum.example", "https://", "https://picum.example/cms"])
def test_what_is_no_address_of_a_site_is_said_in_one_sentence(monkeypatch, address):
    monkeypatch.setenv("X", address)
    with pytest.raises(ImproperlyConfigured) as error:
        env.site("X")
    # Links are made of this address and a path, so it must be all of what stands before the path.
    assert str(error.value) == (
        f"X must be like https://newsletter.example.org, without a path, not {address.rstrip('/')!r}."
    )
