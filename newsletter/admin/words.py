"""The words of an item, or around the items of an issue, in the desk's form: a tab is one language. What is saved there
is known to its text, and the person is told which translations it leaves behind.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from newsletter.admin.texts import AROUND
from newsletter.models import Issue, Item, Revision, Text
from newsletter.rendering import language_name
from newsletter.translation import access, originals, texts
from newsletter.translation.changes import Change, changed
from newsletter.translation.segments import RICH
from picum import richtext
from picum.accounts.desk import DeskAdmin, DeskForm
from picum.localising import in_order

SHOWN = 3  # sentences that a message shows
APPROVE = "_approve"  # the button
SOURCE_SEEN = "source_seen"  # in the form, unseen: the source's revision that the person has before them


class WordsForm(DeskForm):
    """`minor` is asked on the tab of the original language, `caught_up` on the tab of an outdated translation."""

    asked = ("minor", "caught_up")
    minor = forms.BooleanField(
        label=gettext_lazy("Minor change: translations stay as they are"),
        required=False,
        help_text=gettext_lazy(
            "For a slip of the pen that changes no meaning. Without the tick, every translation of a sentence that you "
            "change is shown as outdated until somebody has looked at it."
        ),
    )
    caught_up = forms.BooleanField(
        label=gettext_lazy("It now says all that the original says"),
        required=False,
        help_text=gettext_lazy("Without the tick it is still shown as outdated after saving."),
    )

    @property
    def words_changed(self) -> bool:
        return bool({"title", "text", "subject", "masthead", "message", "donation"} & set(self.changed_data))


@dataclass(frozen=True)
class Tab:
    """What a person should know who opens a tab."""

    text: Text
    source: Text
    source_name: str
    changes: list[Change] = field(default_factory=list)
    typing: list[str] = field(default_factory=list)  # languages, in words, in which others are at it
    is_outdated: bool = False

    @property
    def is_source(self) -> bool:
        return self.text.language == self.source.language


class WordsAdmin(DeskAdmin):
    """An admin of items or issues."""

    form = WordsForm

    class Media:
        js = ["desk/references.js", "desk/once.js"]

    def words_fields(self, request: HttpRequest, obj: Item | Issue | None, names: Sequence[str]) -> list[str]:
        """The fields of the tab's language, and the question that belongs to them. Who may only look reads them as
        readers do."""
        if obj is None:
            return list(names)
        if not self.has_change_permission(request, obj):
            return [f"{name}_read" if name in RICH else name for name in names]
        language = self._language(request)
        if language != original_of(obj):
            return [*names, "caught_up"] if tab_of(request, obj, language).is_outdated else list(names)
        others = {row.language_code for row in obj.translations.all()} - {language}
        translated = any(texts.says_something(texts.stored_words(obj, code)) for code in others)
        return [*names, "minor"] if translated else list(names)

    @admin.display(description=gettext_lazy("text"))
    def text_read(self, item):
        return _as_read(item, item.text)

    @admin.display(description=gettext_lazy("message from the editor"))
    def message_read(self, issue):
        return _as_read(issue, issue.message)

    @admin.display(description=gettext_lazy("donation box"))
    def donation_read(self, issue):
        return _as_read(issue, issue.donation)

    def save_model(self, request, obj, form, change):
        if change:
            know(obj)
        super().save_model(request, obj, form, change)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        notice(request, form, self._language(request))

    def response_add(self, request, obj, post_url_continue=None):
        response = super().response_add(request, obj, post_url_continue)
        _tell_what_was_not_done(request)
        return response

    def response_change(self, request, obj):
        response = super().response_change(request, obj)
        _tell_what_was_not_done(request)
        return response

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        context["refers_in"] = self._language(request)
        if obj:
            tab = tab_of(request, obj, self._language(request))
            context |= {
                "words": tab,
                "words_of": obj.pk if isinstance(obj, Item) else AROUND,
                "words_issue": issue_of(obj).pk,
                "may_write_words": tab.text.language in access.languages_of(request.user),
                "may_approve_words": self.has_change_permission(request, obj) and access.may_approve(request.user),
            }
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def delete_translation(self, request, object_id, language_code):
        """The text of a language whose words are gone has none any more."""
        with transaction.atomic():
            response = super().delete_translation(request, object_id, language_code)
            thing = self.model.objects.filter(pk=object_id).first()
            if request.method == "POST" and thing and texts.glimpse(thing, language_code).pk:
                left = {"by": request.user, "how": Revision.How.FORM, "now": timezone.now()}
                if not texts.says_something(texts.stored_words(thing, language_code)):
                    texts.noticed(thing, language_code, state=Text.State.DRAFT, **left)
        return response


def _as_read(thing: Item | Issue, html: str) -> SafeString | None:
    if not html:
        return None  # as any other field without a value
    return format_html('<div class="desk-stored" lang="{}">{}</div>', thing.get_current_language(), richtext.safe(html))


def original_of(thing: Item | Issue) -> str:
    return thing.original_language if isinstance(thing, Item) else texts.AROUND


def issue_of(thing: Item | Issue) -> Issue:
    return thing.issue if isinstance(thing, Item) else thing


def tab_of(request: HttpRequest, thing: Item | Issue, language: str) -> Tab:
    """One query, and two more when the text is outdated; kept for the request."""
    kept = getattr(request, "tab_of_words", None)
    if kept is None:
        kept = request.tab_of_words = _tab(thing, language)
    return kept


def _tab(thing: Item | Issue, language: str) -> Tab:
    rows, original = _rows(thing), original_of(thing)
    nothing = {"item": thing if isinstance(thing, Item) else None, "issue": issue_of(thing)}
    text = rows.get(language) or Text(**nothing, language=language)
    source = rows.get(original) or Text(**nothing, language=original)
    outdated = texts.is_outdated(text, source)
    return Tab(
        text=text,
        source=source,
        source_name=language_name(original, get_language() or "en"),
        changes=texts.source_changes(text, source) if outdated else [],
        typing=_typing(rows, language),
        is_outdated=outdated,
    )


def _rows(thing: Item | Issue) -> dict[str, Text]:
    mine = {"item": thing} if isinstance(thing, Item) else {"item": None, "issue": thing}
    return {text.language: text for text in Text.objects.filter(**mine)}


def _typing(rows: dict[str, Text], language: str) -> list[str]:
    spoken = get_language() or "en"
    return in_order(
        language_name(code, spoken) for code, text in rows.items() if code != language and text.working is not None
    )


# --- saving ---------------------------------------------------------------------------------------------------------


def know(thing: Item | Issue) -> None:
    """Words that came by a road of their own become the first revision of their text, before others take their place:
    what is said of them later needs it."""
    there = type(thing).objects.prefetch_related("translations").get(pk=thing.pk)
    known = _rows(thing).keys()
    for row in there.translations.all():
        if row.language_code not in known and texts.says_something(texts.stored_words(there, row.language_code)):
            texts.find(there, row.language_code)


def notice(request: HttpRequest, form: WordsForm, language: str) -> None:
    """Once all is saved, in its transaction: a revision of what is new; and the person is told what follows. Why it was
    not approved, if so, is left in `request.not_approved`."""
    thing, now = form.instance, timezone.now()
    turned = "original_language" in form.changed_data and form.initial.get("original_language")
    if turned and _rows(thing):
        originals.turned(thing, was=form.initial["original_language"])
    if form.words_changed:
        before = _rows(thing)
        text = _noticed(request, form, language, before, now)
        tell(request, text, before, minor=form.cleaned_data.get("minor", False))
    if APPROVE in request.POST and access.may_approve(request.user):
        try:
            texts.approve(texts.find(thing, language), by=request.user, now=now)
        except texts.NotPossible as why:
            request.not_approved = str(why)


def _tell_what_was_not_done(request: HttpRequest) -> None:
    """After what was: that it is saved is said first."""
    if why := getattr(request, "not_approved", ""):
        messages.warning(request, _("It was saved, and not approved: %s") % why)


def _noticed(
    request: HttpRequest, form: WordsForm, language: str, before: dict[str, Text], now: datetime.datetime
) -> Text:
    thing, known = form.instance, before.get(language)
    source = before.get(original_of(thing))
    state = None
    if known and known.state == Text.State.APPROVED and not access.may_approve(request.user):
        state = Text.State.REVIEW
    seen = _source_seen(request, source)
    if known and texts.is_outdated(known, source) and not form.cleaned_data.get("caught_up"):
        seen = known.source_number
    fields = {"by": request.user, "how": Revision.How.FORM, "now": now, "state": state, "source_seen": seen}
    return texts.noticed(thing, language, minor=form.cleaned_data.get("minor", False), **fields)


def _source_seen(request: HttpRequest, source: Text | None) -> int | None:
    """The revision that stood on the page; None, the present one, when the page did not say."""
    number = request.POST.get(SOURCE_SEEN, "")
    if source is None or not number.isdecimal() or len(number) > 9:
        return None
    return min(int(number), source.number)


# --- telling --------------------------------------------------------------------------------------------------------


def tell(request: HttpRequest, text: Text, before: dict[str, Text], *, minor: bool) -> None:
    """Which translations are outdated by what was just stored, because of which sentences, and who is at one now.
    `before`: the texts as they were."""
    if not texts.is_source(text):
        return
    now, source = _rows(texts.thing_of(text)), before.get(text.language)
    left = {
        code: one
        for code, one in now.items()
        if texts.is_outdated(one, text) and not (source and texts.is_outdated(before.get(code, one), source))
    }
    if left:
        messages.warning(request, _outdated(text, left))
    elif minor and any(one.number and code != text.language for code, one in now.items()):
        messages.info(request, _("Saved as a minor change: the translations stay as they are."))
    if typing := _typing(now, text.language):
        words = _("Somebody is working on these translations just now: %s. They will see what you changed.")
        messages.info(request, words % ", ".join(typing))


def _outdated(text: Text, left: dict[str, Text]) -> SafeString:
    found = _changes(text, max(one.source_number for one in left.values()))
    translations = ngettext(
        "%(count)d translation is outdated now (%(languages)s):",
        "%(count)d translations are outdated now (%(languages)s):",
        len(left),
    )
    sentences = ngettext("%(count)d sentence changed.", "%(count)d sentences changed.", len(found))
    names = in_order(language_name(code, get_language() or "en") for code in left)
    return format_html(
        '{} {} {}<ul class="desk-changed" lang="{}">{}</ul>',
        translations % {"count": len(left), "languages": ", ".join(names)},
        sentences % {"count": len(found)},
        _board(text.issue_id),
        text.language,
        format_html_join("", "<li>{}</li>", ((_pieces(change),) for change in found[:SHOWN])),
    )


def _changes(text: Text, since: int) -> list[Change]:
    words = dict(text.revisions.filter(number__in=[since, text.number]).values_list("number", "words"))
    return changed(words.get(since, {}), words[text.number], text.language)


def _pieces(change: Change) -> SafeString:
    marks = {
        "same": "{}",
        "gone": '<del><span class="visually-hidden">{} </span>{}</del>',
        "new": '<ins><span class="visually-hidden">{} </span>{}</ins>',
    }
    said = {"gone": _("Before:"), "new": _("After:")}
    parts = (
        format_html(marks[piece.kind], *([said[piece.kind]] if piece.kind in said else []), piece.words)
        for piece in change.pieces
    )
    return format_html('<span class="difference">{}</span>', format_html_join("", "{}", ((part,) for part in parts)))


def _board(issue: int) -> SafeString:
    address = reverse("admin:newsletter_issue_board", args=[issue])
    return format_html('<a href="{}">{}</a>', address, _("See all translations"))
