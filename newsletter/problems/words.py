"""How far the words of an edition are: what is outdated, not approved, being typed, a machine's, better avoided, or not
like its original.

Words that nobody keeps a `Text` for came by a road that we do not know: nothing is said of them.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter import translating
from newsletter.models import Issue, Item, Remark, Revision, Text
from newsletter.problems import differing
from newsletter.problems.problem import Group, Kind, Place, Problem, name_of
from newsletter.translation import changes, texts
from newsletter.translation.avoided import Word, avoided_in
from newsletter.translation.warnings import Difference

State = Text.State
NAMED = 4  # so many numbers and links of a text are named


@dataclass
class Known:
    """What is known of an issue's texts. `texts` by item (None: around the items) and language; `changed`: how many
    sentences of the original changed since an outdated text was made of it."""

    issue: Issue
    texts: dict[tuple[int | None, str], Text] = field(default_factory=dict)
    changed: dict[int, int] = field(default_factory=dict)
    avoided: dict[tuple[int | None, str], tuple[Word, ...]] = field(default_factory=dict)
    said: dict[str, list[Item | Issue]] = field(default_factory=dict)

    @classmethod
    def of(cls, issue: Issue, languages: Collection[str]) -> "Known":
        """Three queries when the issue came with its contents, two where nothing is outdated."""
        known = cls(issue)
        remarks = Remark.objects.filter(text=OuterRef("pk"), settled_at=None)
        # Not what is being typed, nor a machine's draft: they are long.
        rows = issue.texts.defer("working", "machine")
        typed = ExpressionWrapper(Q(working__isnull=False), output_field=BooleanField())
        for text in rows.annotate(is_typed=typed, has_remarks=Exists(remarks)):
            known.texts[text.item_id, text.language] = text
        known._compare(languages)
        known._look_for_avoided(languages)
        return known

    def things(self, language: str) -> list[Item | Issue]:
        """What has words in a language."""
        if language not in self.said:
            self.said[language] = list(self._things(language))
        return self.said[language]

    def _things(self, language: str) -> Iterable[Item | Issue]:
        if texts.says_something(texts.stored_words(self.issue, language)):
            yield self.issue
        yield from (item for item in self.issue.items.all() if language in translating.texts(item))

    def text(self, thing: Item | Issue, language: str) -> Text | None:
        return self.texts.get((_key(thing), language))

    def source(self, thing: Item | Issue) -> Text | None:
        return self.text(thing, _original(thing))

    def outdated(self, language: str) -> list[tuple[Item | Issue, Text]]:
        pairs = ((thing, self.text(thing, language)) for thing in self.things(language))
        return [(thing, text) for thing, text in pairs if text and texts.is_outdated(text, self.source(thing))]

    def _compare(self, languages: Collection[str]) -> None:
        pairs = [(text, self.source(thing)) for code in languages for thing, text in self.outdated(code)]
        if not pairs:
            return
        numbers = {number for text, source in pairs for number in (text.source_number, source.number)}
        rows = Revision.objects.filter(text__in={source.pk for _text, source in pairs}, number__in=numbers)
        said = {(pk, number): words for pk, number, words in rows.values_list("text", "number", "words")}
        for text, source in pairs:
            before, now = (said.get((source.pk, number), {}) for number in (text.source_number, source.number))
            self.changed[text.pk] = len(changes.changed(before, now, source.language))

    def _look_for_avoided(self, languages: Collection[str]) -> None:
        pairs = [(thing, code) for code in languages for thing in self.things(code)]
        found = avoided_in((texts.stored_words(thing, code), code) for thing, code in pairs)
        self.avoided = {(_key(thing), code): words for (thing, code), words in zip(pairs, found, strict=True)}


def of(known: Known, language: str) -> list[Problem]:
    things = [(thing, text) for thing in known.things(language) if (text := known.text(thing, language))]
    outdated = known.outdated(language)
    return [
        *_outdated(known, language, outdated),
        *_not_approved(language, [pair for pair in things if pair not in outdated]),
        *_typed(language, things),
        *_machines(language, things),
        *_differing(known, language),
        *_avoided(known, language),
        *_remarks(language, things),
    ]


def _outdated(known: Known, language: str, found: list[tuple[Item | Issue, Text]]) -> list[Problem]:
    if not found:
        return []
    text = ngettext(
        "%(count)d text in %(language)s is outdated: its original has changed since. It goes out as it is.",
        "%(count)d texts in %(language)s are outdated: their originals have changed since. They go out as they are.",
        len(found),
    )
    places = []
    for thing, outdated in found:
        number = known.changed.get(outdated.pk, 0)
        note = ngettext("%d sentence changed", "%d sentences changed", number) % number if number else ""
        places.append(_place(thing, language, note))
    return [_problem(text, language, places)]


def _not_approved(language: str, things: list[tuple[Item | Issue, Text]]) -> list[Problem]:
    found = [(thing, text) for thing, text in things if text.number and text.state != State.APPROVED]
    words = ngettext(
        "%(count)d text in %(language)s is not approved: it goes out as it is.",
        "%(count)d texts in %(language)s are not approved: they go out as they are.",
        len(found),
    )
    places = [_place(thing, language, text.get_state_display()) for thing, text in found]
    return [_problem(words, language, places)] if found else []


def _typed(language: str, things: list[tuple[Item | Issue, Text]]) -> list[Problem]:
    found = [_place(thing, language) for thing, text in things if text.is_typed]
    words = ngettext(
        "%(count)d text in %(language)s is being changed: what is typed is not finished, and not in the mail.",
        "%(count)d texts in %(language)s are being changed: what is typed is not finished, and not in the mail.",
        len(found),
    )
    return [_problem(words, language, found)] if found else []


def _machines(language: str, things: list[tuple[Item | Issue, Text]]) -> list[Problem]:
    found = [_place(thing, language) for thing, text in things if text.is_machine]
    words = ngettext(
        "%(count)d text in %(language)s was written by a machine, and no person has touched it.",
        "%(count)d texts in %(language)s were written by a machine, and no person has touched them.",
        len(found),
    )
    return [_problem(words, language, found)] if found else []


def _differing(known: Known, language: str) -> list[Problem]:
    """Told of outdated ones too: who sends them as they are should know what they say."""
    places = [
        _place(thing, language, _named(found))
        for thing in known.things(language)
        if (found := _differences(thing, language))
    ]
    words = ngettext(
        "%(count)d text in %(language)s differs from its original in numbers or links.",
        "%(count)d texts in %(language)s differ from their originals in numbers or links.",
        len(places),
    )
    return [_problem(words, language, places)] if places else []


def _differences(thing: Item | Issue, language: str) -> tuple[Difference, ...]:
    original = _original(thing)
    source, words = (texts.stored_words(thing, code) for code in (original, language))
    return differing.of(source, original, words, language)


def _named(found: tuple[Difference, ...]) -> str:
    """As in "58 is in the source and not in this text."."""
    sentences, more = [one.text for one in found[:NAMED]], len(found) - NAMED
    if more > 0:
        sentences.append(ngettext("And %d more.", "And %d more.", more) % more)
    return " ".join(sentences)


def _avoided(known: Known, language: str) -> list[Problem]:
    places = [
        _place(thing, language, _said(found))
        for thing in known.things(language)
        if (found := known.avoided[_key(thing), language])
    ]
    words = ngettext(
        "%(count)d text in %(language)s has words that we avoid.",
        "%(count)d texts in %(language)s have words that we avoid.",
        len(places),
    )
    return [_problem(words, language, places)] if places else []


def _said(found: Iterable[Word]) -> str:
    """As in "“illegal migrant” (better: undocumented migrant)"."""
    notes = []
    for word in found:
        words = _("“%(word)s” (better: %(better)s)") if word.better else _("“%(word)s”")
        notes.append(words % {"word": word.said, "better": word.better})
    return "; ".join(dict.fromkeys(notes))


def _remarks(language: str, things: list[tuple[Item | Issue, Text]]) -> list[Problem]:
    found = [_place(thing, language) for thing, text in things if text.has_remarks]
    words = ngettext(
        "There are open remarks about %(count)d text in %(language)s.",
        "There are open remarks about %(count)d texts in %(language)s.",
        len(found),
    )
    return [_problem(words, language, found)] if found else []


def _problem(words: str, language: str, places: list[Place]) -> Problem:
    words %= {"count": len(places), "language": name_of(language)}
    return Problem(words, places=tuple(places), group=Group.WORDS)


def _place(thing: Item | Issue, language: str, note: str = "") -> Place:
    return Place(Kind.WORDS, language, thing if isinstance(thing, Item) else None, note)


def _key(thing: Item | Issue) -> int | None:
    return thing.pk if isinstance(thing, Item) else None


def _original(thing: Item | Issue) -> str:
    return thing.original_language if isinstance(thing, Item) else texts.AROUND
