"""A field for languages of the world, written by name: "Portuguese, arabe, Deutsch" becomes "ar de pt"."""

import re
from difflib import get_close_matches
from functools import lru_cache

from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from picum import localising
from picum.alternates import LANGUAGES

_BETWEEN = re.compile(r"[,;/\n]+")


class WorkingLanguagesField(forms.CharField):
    """Names of languages, in any language of the site, or as codes of two letters, with commas between.
    `cleaned_data` holds the codes in alphabetical order, with spaces between; the page shows names in its language.
    """

    def __init__(self, **options):
        hint = gettext_lazy("With commas between, such as: Portuguese, Arabic.")
        super().__init__(**{"help_text": hint, "max_length": 300} | options)

    def prepare_value(self, value: object) -> object:
        codes = str(value or "").split()
        if not codes or not all(code in _codes() for code in codes):
            return value  # as somebody typed it
        language = get_language()
        return ", ".join(localising.in_order(localising.language_name(code, language) for code in codes))

    def clean(self, value: object) -> str:
        names = [name.strip() for name in _BETWEEN.split(super().clean(value)) if name.strip()]
        codes = sorted({self._code(name) for name in names})
        if len(" ".join(codes)) > 100:
            raise forms.ValidationError(_("These are too many languages."))
        return " ".join(codes)

    def _code(self, name: str) -> str:
        known = _by_name()
        plain = localising.plain(name)
        if plain in known:
            return known[plain]
        if plain in _codes():
            return plain
        close = get_close_matches(plain, known, n=1, cutoff=0.75)
        if not close:
            raise forms.ValidationError(_("We do not know the language “%s”.") % name)
        suggestion = localising.language_name(known[close[0]], get_language())
        words = _("We do not know the language “%(name)s”. Did you mean %(suggestion)s?")
        raise forms.ValidationError(words % {"name": name, "suggestion": suggestion})


@lru_cache
def _codes() -> frozenset[str]:
    """Languages with a code of two letters that English has a name for."""
    return frozenset(code for code in localising.locale("en").languages if len(code) == 2)


@lru_cache
def _by_name() -> dict[str, str]:
    """Code by plain name: what each language is called in the languages of the site."""
    names = {}
    for language in LANGUAGES:
        for code, name in localising.locale(language).languages.items():
            if code in _codes():
                names.setdefault(localising.plain(name), code)
    return names
