"""What the translator's page shows of one text. Plain data."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminTextareaWidget
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language

from newsletter import translating
from newsletter.admin.texts import AROUND
from newsletter.models import Issue, Item, Text
from newsletter.rendering import SourceLine, language_name, place, source_line
from newsletter.translation import access, board, changes, drafting, texts
from newsletter.translation.drafting import Seen
from newsletter.translation.segments import RICH
from picum import richtext
from picum.richtext import EXTENSIONS

State = Text.State


class WordsForm(forms.Form):
    """The fields of a text, in its language. It refuses nothing: what is half done is kept too."""

    def __init__(self, text: Text, words: Mapping[str, str], gaps: Collection[str] = ()):
        """`gaps`: fields that were refused for them."""
        super().__init__(initial=dict(words), auto_id="words_%s", label_suffix="")
        model = texts.thing_of(text).translations.model
        for name in texts.fields_of(text):
            self.fields[name] = _field(model._meta.get_field(name))
            self.fields[name].widget.attrs |= {"lang": text.language, "spellcheck": "true", "data-words": ""}
            if name not in RICH:
                self.fields[name].widget.attrs["autocomplete"] = "off"
            if name in gaps:
                self.fields[name].widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"gap_{name}"}


def _field(field) -> forms.Field:
    if field.name in RICH:
        config = {"extensions": EXTENSIONS | {"NoSpellCheck": False}}
        return field.formfield(widget=AdminTextareaWidget, config=config, required=False)
    # Also what is one line: a long title is seen whole, and Enter presses no button.
    return field.formfield(required=False, widget=forms.Textarea(attrs={"rows": 1}))


@dataclass(frozen=True)
class Step:
    """Another text of the issue in the same language."""

    what: str
    title: str
    title_language: str
    url: str


@dataclass(frozen=True)
class Sheet:
    """A text with what stands beside it. `shown`: the language on the left, which is the original's or that of an
    approved translation."""

    request: HttpRequest
    issue: Issue
    text: Text
    source: Text
    what: str
    shown: str
    rows: list[Text]  # of all languages, this one and the source among them

    @property
    def thing(self) -> Item | Issue:
        return texts.thing_of(self.text)

    @property
    def language(self) -> str:
        return self.text.language

    @property
    def is_source(self) -> bool:
        return texts.is_source(self.text)

    @cached_property
    def stored(self) -> texts.Words:
        return drafting.stored(self.text)

    @property
    def words(self) -> texts.Words:
        """What somebody left unfinished, or else the words that readers get."""
        return self.text.working or self.stored

    @property
    def original(self) -> texts.Words:
        return texts.stored_words(self.thing, self.source.language)

    @property
    def beside(self) -> texts.Words:
        return texts.stored_words(self.thing, self.shown)

    @property
    def said(self) -> int | None:
        """The revision of the source that the words say, or those that somebody is writing."""
        if self.text.number and self.text.source_number is not None:
            return self.text.source_number
        return self.text.working_source if self.text.working is not None else None

    @property
    def is_outdated(self) -> bool:
        return not self.is_source and texts.is_outdated_by(self.source, self.said)

    @property
    def seen(self) -> Seen:
        return Seen(self.text.working_number, self.text.number, self.source.number or None)

    @property
    def kept_source(self) -> int | None:
        """What keeping writes down as the source of the words: while they are behind it, what they were made of."""
        return self.said if self.is_outdated else self.seen.source

    @cached_property
    def source_changes(self) -> list[changes.Change]:
        return texts.source_changes(self.text, self.source, since=self.said) if self.is_outdated else []

    @property
    def stage(self) -> board.Stage:
        said = board.says_something(self.thing, self.language)
        return board.stage_of(self.text, says_something=said, outdated=self.is_outdated)

    @property
    def may_approve(self) -> bool:
        return access.may_approve(self.request.user)

    @property
    def may_stay(self) -> bool:
        """May this person say that the words are still right? What is approved wants who may approve."""
        is_stored = self.text.number and self.text.working is None
        return bool(is_stored) and (self.may_approve or self.text.state != State.APPROVED)

    @property
    def is_machines(self) -> bool:
        return drafting.is_machines(self.text, self.words)

    @property
    def offers_machine(self) -> bool:
        return bool(self.text.machine) and not self.is_machines

    @property
    def draft_is_behind(self) -> bool:
        """Has the source changed since the machine had it?"""
        return texts.is_outdated_by(self.source, self.text.machine_source)

    @property
    def language_name(self) -> str:
        return self.name_of(self.language)

    @property
    def shown_name(self) -> str:
        return self.name_of(self.shown)

    @property
    def references(self) -> list[tuple[str, str]]:
        """Languages that can stand on the left, with their names: the original's, and those that are approved."""
        good = {row.language for row in self.rows if row.state == State.APPROVED and row.number}
        good = (good | {self.source.language}) - ({self.language} if not self.is_source else set())
        return [(code, self.name_of(code)) for code, _name in settings.LANGUAGES if code in good]

    @staticmethod
    def name_of(code: str) -> str:
        return language_name(code, get_language() or "en")

    @property
    def place(self) -> str:
        return place(self.thing, self.shown) if isinstance(self.thing, Item) else ""

    @property
    def source_lines(self) -> list[SourceLine]:
        if not isinstance(self.thing, Item):
            return []
        return [source_line(source, self.shown) for source in self.thing.sources.all()]

    @property
    def query(self) -> str:
        """What addresses of this page carry along."""
        return f"?from={chosen}" if (chosen := reference_of(self.request)) else ""

    # --- where to -------------------------------------------------------------------------------------------------

    @cached_property
    def order(self) -> list[str]:
        return [AROUND, *(str(item.pk) for item in self.issue.items.all())]

    @property
    def at(self) -> int:
        return self.order.index(self.what) + 1

    @property
    def before(self) -> Step | None:
        return self._step(self.at - 2) if self.at > 1 else None

    @property
    def after(self) -> Step | None:
        return self._step(self.at) if self.at < len(self.order) else None

    def _step(self, place: int) -> Step:
        what = self.order[place]
        title, language = title_of(self.issue, what, self.language)
        return Step(what, title, language, address(self.issue, self.language, what, reference_of(self.request)))


def sheet_for(request: HttpRequest, issue: Issue, text: Text, what: str) -> Sheet:
    """What a text's page shows. One query: the texts of its thing in all languages."""
    thing = texts.thing_of(text)
    mine = {"item": thing} if text.item_id else {"item": None, "issue": issue}
    rows = list(Text.objects.filter(**mine).select_related("assignee", "working_by"))
    original = texts.source_language(text)
    source = next((row for row in rows if row.language == original), None)
    text = next((row for row in rows if row.language == text.language), text)
    for row in [text, *filter(None, [source])]:
        # With the prefetched words.
        row.issue, row.item = issue, thing if text.item_id else None
    sheet = Sheet(request, issue, text, source or Text(issue=issue, language=original), what, original, rows)
    chosen = reference_of(request)
    known = {code for code, _name in sheet.references}
    return Sheet(request, issue, text, sheet.source, what, chosen, rows) if chosen in known else sheet


def machine_draft(text: Text) -> texts.Words:
    """By field, rich text sanitised; empty where there is none."""
    drafted = texts.cleaned(text, text.machine or {})
    return {name: richtext.safe(words) if name in RICH else words for name, words in drafted.items()}


def address(issue: Issue, language: str, what: str, beside: str = "") -> str:
    """`beside`: a language that is to stand on the left, instead of the original's."""
    page = reverse("admin:newsletter_issue_translate", args=[issue.pk, language, what])
    return f"{page}?from={beside}" if beside else page


def reference_of(request: HttpRequest) -> str:
    """The language that the person chose to read the source in, also where it is not there; "" for the original."""
    code = request.GET.get("from", "")
    return code if code in translating.LANGUAGES else ""


def title_of(issue: Issue, what: str, language: str) -> tuple[str, str]:
    """The title of an item in a language or else the original's, and which; "" for the words around the items."""
    if what == AROUND:
        return "", language
    item = next(item for item in issue.items.all() if str(item.pk) == what)
    for code in (language, item.original_language):
        if title := texts.stored_words(item, code)["title"]:
            return title, code
    return str(item), get_language() or "en"
