"""A machine that translates, over HTTP: LibreTranslate, or DeepL. Sentences out, sentences in, their marks as tags.

The words leave the house: who asks is told where to (`Service.host`). Redirects are not followed, for they would take
the key and the words somewhere else. Nothing here logs words, keys or answers.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.checks import Error, Warning
from django.utils.translation import gettext as _

from newsletter.reasons import Told, told
from newsletter.translation import segments
from newsletter.translation.segments import MARK, Damaged, Segment

AT_ONCE = 40  # sentences in one call; DeepL takes 50
ANSWER = 2_000_000  # octets
SECONDS = (5, 60)  # to connect, to wait for each piece of the answer
_PAIRS, _SINGLES = {"g", "span"}, {"x", "br"}
_DEEPL = {"en": "EN-GB", "pt": "PT-PT"}  # of what has several kinds, as a target


class Failed(Exception):
    """It did not translate. `reason` says why, in all languages."""

    def __init__(self, words: Callable[[], str]):
        self.reason: Told = told(words)
        super().__init__(str(self.reason))


@dataclass(frozen=True)
class Service:
    """The machine that the settings name."""

    key: str  # "libretranslate"
    name: str  # "LibreTranslate"
    url: str

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


def service() -> Service | None:
    """None: there is none, or what the settings say is of no use (`check` tells)."""
    name, url, key = settings.MACHINE_TRANSLATION, settings.MACHINE_TRANSLATION_URL, settings.MACHINE_TRANSLATION_KEY
    if name == "libretranslate" and url:
        return Service(name, "LibreTranslate", url.rstrip("/"))
    if name == "deepl" and key:
        free = "https://api-free.deepl.com" if key.endswith(":fx") else "https://api.deepl.com"
        return Service(name, "DeepL", (url or free).rstrip("/"))
    return None


def translate(sentences: Sequence[Segment], *, source: str, target: str) -> list[str]:
    """Each sentence in the other language, with its marks; without any if the machine lost or mixed them. Raises
    Failed."""
    machine = service()
    if machine is None:
        raise Failed(lambda: _("No machine translation is set up."))
    said: list[str] = []
    for start in range(0, len(sentences), AT_ONCE):
        part = sentences[start : start + AT_ONCE]
        said += _SPEAK[machine.key](machine, part, source, target)
    return [_fitting(segment, words) for segment, words in zip(sentences, said, strict=True)]


def _libretranslate(machine: Service, sentences: Sequence[Segment], source: str, target: str) -> list[str]:
    asked = {
        "q": [_tagged(one.words, "span", "br") for one in sentences],
        "source": source,
        "target": target,
        "format": "html",
        "api_key": settings.MACHINE_TRANSLATION_KEY,
    }
    return _texts(machine, len(sentences), _post(machine, "/translate", asked, {}).get("translatedText"))


def _deepl(machine: Service, sentences: Sequence[Segment], source: str, target: str) -> list[str]:
    asked = {
        "text": [_tagged(one.words, "g", "x") for one in sentences],
        "context": " ".join(one.plain for one in sentences),
        "source_lang": source.upper(),
        "target_lang": _DEEPL.get(target, target.upper()),
        "tag_handling": "xml",
        "split_sentences": "0",
    }
    answer = _post(
        machine, "/v2/translate", asked, {"Authorization": f"DeepL-Auth-Key {settings.MACHINE_TRANSLATION_KEY}"}
    )
    rows = answer.get("translations")
    said = [row.get("text") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else rows
    return _texts(machine, len(sentences), said)


_SPEAK = {"libretranslate": _libretranslate, "deepl": _deepl}


# --- the wire ---------------------------------------------------------------------------------------------------------


def _post(machine: Service, path: str, asked: Mapping[str, object], headers: Mapping[str, str]) -> dict:
    name = machine.name
    try:
        with requests.post(
            machine.url + path, json=asked, headers=headers, timeout=SECONDS, allow_redirects=False, stream=True
        ) as answer:
            _refused(name, answer.status_code)
            body = b""
            for piece in answer.iter_content(1 << 16):
                body += piece
                if len(body) > ANSWER:
                    break
            return _object(name, answer, body)
    except requests.Timeout:
        raise Failed(lambda: _("%(service)s did not answer in time. Try again later.") % {"service": name}) from None
    except requests.RequestException:
        raise Failed(lambda: _("%(service)s cannot be reached. Try again later.") % {"service": name}) from None


def _object(name: str, answer: requests.Response, body: bytes) -> dict:
    answer._content = body
    try:
        found = answer.json() if len(body) <= ANSWER else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _unclear(name)
    return found


def _refused(name: str, status: int) -> None:
    if status == 200:
        return
    words = {"service": name, "status": status}
    if status in (401, 403):
        raise Failed(lambda: _("%(service)s does not take our key. Whoever runs this site can set it.") % words)
    if status == 456:
        raise Failed(lambda: _("The characters that %(service)s allows us are used up.") % words)
    if status == 429:
        raise Failed(lambda: _("%(service)s has too much to do. Try again later.") % words)
    raise Failed(lambda: _("%(service)s refused to translate (HTTP %(status)d).") % words)


def _texts(machine: Service, number: int, said: object) -> list[str]:
    if not isinstance(said, list) or len(said) != number or not all(isinstance(one, str) for one in said):
        raise _unclear(machine.name)
    return said


def _unclear(name: str) -> Failed:
    return Failed(lambda: _("%(service)s gave an answer that cannot be understood.") % {"service": name})


# --- marks ------------------------------------------------------------------------------------------------------------


def _tagged(words: str, pair: str, single: str) -> str:
    def tag(mark) -> str:
        if mark[1]:
            return f"</{pair}>"
        return f'<{single} id="{mark[2]}"/>' if mark[3] else f'<{pair} id="{mark[2]}">'

    return MARK.sub(tag, escape(words, quote=False))


def _fitting(segment: Segment, answer: str) -> str:
    words = _Marked.read(answer)
    try:
        segments.check(segment, words)
    except Damaged:
        return segments.without_marks(words)
    return words


class _Marked(HTMLParser):
    """What came back, with marks again; tags of other kinds are left out."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.words, self.open = "", []

    @classmethod
    def read(cls, answer: str) -> str:
        reader = cls()
        reader.feed(answer)
        reader.close()
        return " ".join(reader.words.split())

    def handle_starttag(self, tag, attrs):
        number = dict(attrs).get("id") or ""
        if tag in _SINGLES and number.isdecimal():
            self.words += f"⟦{number}/⟧"
        elif tag in _PAIRS:
            self.open.append(number if number.isdecimal() else "")
            self.words += f"⟦{number}⟧" if self.open[-1] else ""

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag in _PAIRS:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag in _PAIRS and self.open and (number := self.open.pop()):
            self.words += f"⟦/{number}⟧"

    def handle_data(self, data):
        self.words += data.replace("⟦", "[[").replace("⟧", "]]")


# --- the settings -----------------------------------------------------------------------------------------------------


def check(app_configs, **kwargs) -> list[Error | Warning]:
    """Is what the settings say of use?"""
    name, url = settings.MACHINE_TRANSLATION, settings.MACHINE_TRANSLATION_URL
    if not name:
        return []
    docs = "docs/translation-files.md says how."
    if name not in _SPEAK:
        hint = f"Set MACHINE_TRANSLATION to {' or '.join(_SPEAK)}, or leave it empty. {docs}"
        return [Error(f"There is no machine translation called {name!r}.", hint=hint, id="newsletter.E050")]
    lacking = "MACHINE_TRANSLATION_URL" if name == "libretranslate" else "MACHINE_TRANSLATION_KEY"
    if not getattr(settings, lacking):
        return [Error(f"{lacking} is not set.", hint=f"{name} needs it. {docs}", id="newsletter.E051")]
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
        hint = "Write it like https://translate.example.org."
        return [Error("MACHINE_TRANSLATION_URL is no web address.", hint=hint, id="newsletter.E052")]
    if parts.scheme == "http" and not re.fullmatch(r"localhost|127\..*|::1", parts.hostname):
        hint = "Use https://, or a machine inside of this one."
        return [
            Warning("Texts and key travel to the machine translation in the clear.", hint=hint, id="newsletter.W050")
        ]
    return []
