"""An edition as any reader would get it, through the very code that sends. All that is chosen stands in the address."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from newsletter import mails, rendering, translating
from newsletter.admin import guard
from newsletter.models import Edition
from picum.areas.models import Area

PARTS = ("html", "text")
WIDTHS = ("desktop", "phone")
SCHEMES = ("own", "light", "dark")  # own: that of the computer at which somebody sits
IMAGES = ("on", "off")
# The mail's own style sheet and pictures, and nothing else: no script, no form, no way out of the frame.
FRAME = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"
WITHOUT_IMAGES = FRAME.replace("img-src 'self' data:", "img-src 'none'")
DARK_RULES = "(prefers-color-scheme: dark)"
BOTH_SCHEMES = re.compile(r'((?:color-scheme: ?|content="))light dark')
NEXT = [
    gettext_lazy("second language"),
    gettext_lazy("third language"),
    gettext_lazy("fourth language"),
    gettext_lazy("fifth language"),
    gettext_lazy("sixth language"),
    gettext_lazy("seventh language"),
]


def order_of(data: QueryDict, language: str) -> list[str]:
    """The order of languages that was chosen: the edition's own, then each `then` that is a language of ours."""
    chosen = [code for code in data.getlist("then") if code in translating.LANGUAGES]
    return list(dict.fromkeys([language, *chosen]))


@dataclass(frozen=True)
class Look:
    """A reader, and how they look at the mail. What makes no sense is as if nothing had been said."""

    then: list[str]  # languages after the edition's, in the reader's order
    areas: list[str]  # keys of those that the reader named
    part: str
    width: str
    scheme: str
    images: str
    beside: str  # the language of a second edition beside the first, or ""

    @classmethod
    def of(cls, data: QueryDict, language: str, may_see: Sequence[str]) -> "Look":
        """Of the languages that somebody may see: the next ones fill gaps with their words."""
        beside = data.get("beside", "")
        return cls(
            then=[code for code in order_of(data, language)[1:] if code in may_see],
            areas=list(dict.fromkeys(key for key in data.getlist("area") if "\0" not in key)),
            part=_one_of(PARTS, data.get("part")),
            width=_one_of(WIDTHS, data.get("width")),
            scheme=_one_of(SCHEMES, data.get("scheme")),
            images=_one_of(IMAGES, data.get("images")),
            beside=beside if beside in may_see and beside != language else "",
        )

    @property
    def reader(self) -> list[tuple[str, str]]:
        """For addresses: what decides about the words."""
        return [("then", code) for code in self.then] + [("area", key) for key in self.areas]

    @property
    def shown(self) -> list[tuple[str, str]]:
        """For the address of a frame: what decides about its looks too."""
        looks = {"scheme": (self.scheme, SCHEMES), "images": (self.images, IMAGES)}
        return self.reader + [(name, value) for name, (value, known) in looks.items() if value != known[0]]

    @property
    def query(self) -> str:
        """For the address of the page, in another language."""
        rest = [("part", self.part), ("width", self.width), ("beside", self.beside)]
        return urlencode(self.shown + [(name, value) for name, value in rest if value])

    @property
    def slots(self) -> list[tuple[str, str]]:
        """The label and the choice of each next language that can be chosen: one more than there are, two at least."""
        number = min(len(NEXT), max(2, len(self.then) + 1))
        return [(str(NEXT[at]), self.then[at] if at < len(self.then) else "") for at in range(number)]


@dataclass(frozen=True)
class Column:
    """An edition beside another."""

    edition: Edition
    name: str
    words: rendering.Words
    frame: str  # address
    gaps: list[tuple[str, int]]  # how many items are shown in which other language
    left_out: int

    @property
    def kilobytes(self) -> dict[str, float]:
        return {
            "html": round(self.words.size / 1024, 1),
            "text": round(len(self.words.text.encode()) / 1024, 1),
            "aim": rendering.SIZE_AIM // 1024,
            "warns": rendering.SIZE_WARNS // 1024,
            "refused": rendering.SIZE_REFUSED // 1024,
        }


@require_safe
def show(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """The page around the frame, or the two: which reader, how it is looked at, and how large the mail is."""
    edition = guard.preview_for(request, pk, language)
    seen, spoken = guard.previewed(request), get_language() or "en"
    look = Look.of(request.GET, language, seen)
    editions = [edition, *([guard.edition_of(edition.issue, look.beside)] if look.beside else [])]
    return guard.page(
        request,
        "preview.html",
        _("Preview: %s") % edition.issue,
        issue=edition.issue,
        edition=edition,
        look=look,
        columns=[_column(one, look, spoken) for one in editions],
        part=look.part,
        width=look.width,
        order=[language, *look.then],
        languages=[(code, rendering.language_name(code, spoken)) for code in seen],
        areas=[(area.key, str(area)) for area in Area.objects.prefetch_related("translations")],
        may_test=any(request.user.has_perm(name) for name in guard.EDIT + guard.SEND),
    )


@require_safe
def html(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """The html part alone, for the frame: locked up by its own policy even when it is opened by itself."""
    edition = guard.preview_for(request, pk, language)
    look = Look.of(request.GET, language, guard.previewed(request))
    return framed(
        HttpResponse(_in_scheme(_words(edition, look).html, look.scheme)),
        policy=WITHOUT_IMAGES if look.images == "off" else FRAME,
    )


@require_safe
def text(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """The text part alone."""
    edition = guard.preview_for(request, pk, language)
    words = _words(edition, Look.of(request.GET, language, guard.previewed(request)))
    return framed(HttpResponse(words.text, content_type="text/plain; charset=utf-8"))


def framed(response: HttpResponse, *, policy: str = FRAME) -> HttpResponse:
    """For a frame on one of our pages, with the policy of FRAME."""
    response["Content-Security-Policy"] = policy
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _column(edition: Edition, look: Look, spoken: str) -> Column:
    frame = reverse(f"admin:newsletter_issue_preview_{look.part}", args=[edition.issue_id, edition.language])
    chosen = look.shown if look.part == "html" else look.reader
    composition = _composed(edition, look)
    gaps = Counter(entry.language for entry in composition.entries if entry.is_fallback)
    return Column(
        edition=edition,
        name=rendering.language_name(edition.language, spoken),
        words=rendering.render_mail(composition, token=mails.TOKEN),
        frame=f"{frame}?{urlencode(chosen)}".rstrip("?"),
        gaps=[(rendering.language_name(code, spoken), gaps[code]) for code in translating.LANGUAGES if code in gaps],
        left_out=len(edition.issue.items.all()) - len(composition.entries),
    )


def _composed(edition: Edition, look: Look) -> rendering.Composition:
    order = list(dict.fromkeys([edition.language, *look.then]))
    return rendering.compose(edition.issue, edition.language, order, areas=look.areas)


def _words(edition: Edition, look: Look) -> rendering.Words:
    return rendering.render_mail(_composed(edition, look), token=mails.TOKEN)


def _in_scheme(html: str, scheme: str) -> str:
    """As a program set to dark, or to light, shows it: the mail's own rules for the dark hold always, or never."""
    if scheme == "own":
        return html
    html = html.replace(DARK_RULES, "all" if scheme == "dark" else "not all")
    return BOTH_SCHEMES.sub(rf"\g<1>{scheme}", html)


def _one_of(known: Sequence[str], value: str | None) -> str:
    """The first, unless another one is named."""
    return value if value in known else known[0]
