"""The account to which fees are paid: read from the environment, and missed before it hurts."""

from decimal import Decimal

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from members import account
from picum import env, localising


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("BE68 5390 0754 7034", "BE68539007547034"),
        ("be68539007547034", "BE68539007547034"),
        ("NL91ABNA0417164300", "NL91ABNA0417164300"),
        ("  ", ""),
    ],
)
def test_an_iban_is_read_as_people_write_it(monkeypatch, written, read):
    monkeypatch.setenv("X", written)
    assert env.iban("X") == read


@pytest.mark.parametrize("written", ["BE68 5390 0754 7035", "BE68", "539007547034", "BE68539007547034;", "١٢"])
def test_a_number_that_is_none_is_said_in_one_sentence(monkeypatch, written):
    monkeypatch.setenv("X", written)
    with pytest.raises(ImproperlyConfigured) as error:
        env.iban("X")
    assert str(error.value) == f"X must be an IBAN such as BE68 5390 0754 7034, not {written!r}."


def test_a_bic_has_eight_or_eleven_characters(monkeypatch):
    assert env.bic("NOT_SET_ANYWHERE") == ""
    for written in ("gkccbebb", "GKCCBEBBXXX"):
        monkeypatch.setenv("X", written)
        assert env.bic("X") == written.upper()
    for written in ("GKCC", "12345678", "GKCCBEBBX"):
        monkeypatch.setenv("X", written)
        with pytest.raises(ImproperlyConfigured, match="X must be a BIC"):
            env.bic("X")


def missed() -> dict[str, str]:
    found = run_checks(include_deployment_checks=True)
    return {one.id: one.hint for one in found if one.id.startswith("members.W00")}


def test_the_checks_miss_an_account(settings):
    settings.MEMBERS_IBAN, settings.MEMBERS_ACCOUNT_NAME = "", "P" * 71
    assert set(missed()) == {"members.W001", "members.W003"}
    assert account.ours() is None


def test_the_checks_know_the_account_of_the_examples(settings):
    settings.MEMBERS_IBAN = "BE68539007547034"
    assert "MEMBERS_IBAN" in missed()["members.W002"]
    settings.MEMBERS_IBAN = "BE71096123456769"
    assert missed() == {}
    assert account.ours().iban_written == "BE71 0961 2345 6769"


def test_amounts_are_written_as_each_language_does():
    amounts = {language: localising.money(Decimal("1250.5"), language) for language in ("en", "de", "nl", "fr", "pt")}
    assert amounts == {
        "en": "€1,250.50",
        "de": "1.250,50\u00a0€",
        "nl": "€\u00a01.250,50",
        "fr": "1\u202f250,50\u00a0€",
        "pt": "1\u00a0250,50\u00a0€",
    }
