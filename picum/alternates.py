"""The same page in other languages: the language switch, hreflang and canonical addresses of public pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language, get_language_info, override

from picum import links

LANGUAGES = [code for code, _name in settings.LANGUAGES]


@dataclass(frozen=True)
class Version:
    """A page in one language. `path` begins with a slash; `address` is absolute."""

    code: str
    name: str  # what the language calls itself
    path: str
    current: bool

    @property
    def address(self) -> str:
        return links.absolute(self.path)


def own_name(code: str) -> str:
    """What a language calls itself, fit to stand alone: "fr" → "Français"; the code of one that nobody knows."""
    try:
        name = get_language_info(code)["name_local"]
    except KeyError:
        return code
    return name[0].upper() + name[1:]


def versions(name: str, *args, languages: Iterable[str] = LANGUAGES) -> list[Version]:
    """The page of this URL name and arguments in those languages, in the order of the site's."""
    wanted, current = set(languages), get_language()
    found = []
    for code in LANGUAGES:
        if code in wanted:
            with override(code):
                found.append(Version(code, own_name(code), reverse(name, args=args), code == current))
    return found


def public_page(
    name: str, *args, languages: Sequence[str] = LANGUAGES, written_in: Sequence[str] | None = None, default: str = ""
) -> dict[str, object]:
    """What `base_public.html` wants of a page that may be found: switch, canonical, alternates, x_default.

    `languages`: where the page exists. `written_in`: those among them whose page is truly in that language (all,
    unless said otherwise); a page that shows a text of another language names that language's page as the
    canonical one, and no alternates. `default`: the path for readers of any other language (hreflang x-default).
    """
    switch = versions(name, *args, languages=languages)
    truly = switch if written_in is None else [page for page in switch if page.code in written_in]
    here = next(page for page in switch if page.current)
    preferred = truly or [here]
    is_original = here in preferred
    return {
        "switch": switch,
        "canonical": (here if is_original else preferred[0]).address,
        "alternates": preferred if is_original else [],
        "x_default": links.absolute(default) if default else preferred[0].address,
    }
