"""Every text is there in all seven languages, whole and with its placeholders."""

import ast
import re
from pathlib import Path

import pytest
from babel.messages import pofile
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = [code for code, _name in settings.LANGUAGES if code != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def catalogue(language: str):
    path = ROOT / "locale" / language / "LC_MESSAGES" / "django.po"
    with path.open("rb") as file:
        return [message for message in pofile.read_po(file, locale=language) if message.id]


def forms(message) -> list[tuple[str, str]]:
    """Pairs of an English text and its translation."""
    if not message.pluralizable:
        return [(message.id, message.string)]
    singular, plural = message.id
    return [(singular if number == 0 else plural, text) for number, text in enumerate(message.string)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_out_or_doubtful(language):
    assert [message.id for message in catalogue(language) if message.fuzzy] == []
    assert [message.id for message in catalogue(language) if not all(text for _source, text in forms(message))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_stay_as_they_are(language):
    broken = []
    for message in catalogue(language):
        for number, (source, text) in enumerate(forms(message)):
            wanted, found = sorted(PLACEHOLDER.findall(source)), sorted(PLACEHOLDER.findall(text))
            # A language may name the one by a word or by its number.
            allowed = [wanted, sorted(PLACEHOLDER.findall(message.id[1]))] if message.pluralizable else [wanted]
            if found not in allowed and not (message.pluralizable and number == 0 and set(found) <= set(allowed[1])):
                broken.append((source, text))
    assert broken == []


def test_all_catalogues_hold_the_same_texts():
    first, *others = [{(message.context, str(message.id)) for message in catalogue(code)} for code in LANGUAGES]
    assert all(other == first for other in others)


def in_python() -> set[str]:
    """The texts that our Python marks for translation."""
    found = set()
    for top in ("picum", "newsletter"):
        for path in (ROOT / top).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = getattr(getattr(node, "func", None), "id", "")
                if name in {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}:
                    text = node.args[1 if name.startswith("pgettext") else 0]
                    if isinstance(text, ast.Constant):
                        found.add(text.value)
    return found


def in_templates() -> set[str]:
    """The texts of {% translate %}; those of {% blocktranslate %} need Django's own extractor (`make messages`)."""
    pattern = re.compile(r"""{%\s*translate\s+(?:"([^"]+)"|'([^']+)')""")
    return {
        double or single
        for path in (ROOT / "templates").rglob("*.*")
        for double, single in pattern.findall(path.read_text(encoding="utf-8"))
    }


def test_the_catalogues_hold_what_the_source_says():
    held = {
        part for message in catalogue("de") for part in ([message.id] if isinstance(message.id, str) else message.id)
    }
    assert sorted((in_python() | in_templates()) - held) == []


def test_no_language_says_illegal_migrant():
    forbidden = re.compile(
        r"illegal\w* (?:migra|einwander|vreemdeling)|migra\w+ (?:ilegal|illégal|illegal|clandestin)",
        re.IGNORECASE,
    )
    for code in LANGUAGES:
        for message in catalogue(code):
            assert not any(forbidden.search(text) for _source, text in forms(message)), message.id
