"""The demo's readers: invented people at domains that nobody can own (RFC 2606)."""

import random
from collections.abc import Iterator

from newsletter.lists import Row

DOMAINS = ["example.org", "example.net", "example.com"]
# How many in a thousand read first in a language, and what else they read.
READERS = {
    "en": (360, ["", "", "", "fr", "es", "de"]),
    "fr": (170, ["en", "en", "", "es", "nl en"]),
    "es": (140, ["en", "", "fr en", "pt"]),
    "de": (130, ["en", "en", "", "fr en"]),
    "it": (90, ["en", "", "fr", "es en"]),
    "nl": (60, ["en", "en", "fr en", "de"]),
    "pt": (50, ["es en", "en", "fr", ""]),
}
FIRST = """
amal boris carla daan elena farid greta hugo ines jonas khadija luca mariam nuno olga pieter rosa samira tomas
ursula victor wanda yusuf zoe aicha bruno chiara dilan emma filipe giulia hana ibrahim joana karim lea marta nils
"""
LAST = """
almeida berger costa dubois evers ferrari garcia hansen ibarra jansen keller lopes moreau nowak oliveira peeters
quaresma rossi santos tanaka urban vermeer weber ximenes yilmaz zanetti
"""


def rows(number: int, dice: random.Random) -> Iterator[Row]:
    """`number` rows as an import would read them, no address twice."""
    languages, weights = list(READERS), [share for share, _others in READERS.values()]
    first_names, last_names = FIRST.split(), LAST.split()
    for line, first in enumerate(dice.choices(languages, weights, k=number), 1):
        others = dice.choice(READERS[first][1])
        address = f"{dice.choice(first_names)}.{dice.choice(last_names)}{line}@{dice.choice(DOMAINS)}"
        yield Row(line=line, email=address, languages=f"{first} {others}".strip(), name="")
