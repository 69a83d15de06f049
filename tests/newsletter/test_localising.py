"""Dates and names as our readers write them."""

import datetime

from picum import localising
from tests.newsletter.factories import LANGUAGES

MAY = datetime.date(2026, 5, 14)


def test_dates_in_the_seven_languages():
    assert [localising.day(MAY, language) for language in LANGUAGES] == [
        "14 May 2026",
        "14. Mai 2026",
        "14 mei 2026",
        "14 de mayo de 2026",
        "14 mai 2026",
        "14 maggio 2026",
        "14 de maio de 2026",
    ]
    assert localising.day(MAY.replace(day=1), "fr") == "1er mai 2026"
    assert [localising.day(MAY.replace(day=number), "fr") for number in (11, 21)] == ["11 mai 2026", "21 mai 2026"]
    assert localising.month(MAY, "es") == "mayo de 2026"
    assert [localising.quarter(MAY, language) for language in ("en", "pt")] == [
        "2nd quarter 2026",
        "2.º trimestre de 2026",
    ]


def test_portuguese_is_that_of_portugal():
    assert localising.country_name("PL", "pt") == "Polónia"
    assert localising.language_name("pl", "pt") == "polaco"


def test_what_nobody_knows_is_called_by_its_code():
    assert localising.country_name("QX", "de") == "QX"
    assert localising.language_name("qx", "de") == "qx"


def test_quotation_marks_of_the_seven_languages():
    assert " ".join(localising.quoted("a", language) for language in LANGUAGES) == (
        "‘a’ „a“ ‘a’ «a» «\u00a0a\u00a0» «a» «a»"
    )


def test_names_are_in_alphabetical_order_accents_aside():
    assert localising.in_order(["Zypern", "Österreich", "Polen", "Ägypten"]) == [
        "Ägypten",
        "Österreich",
        "Polen",
        "Zypern",
    ]
