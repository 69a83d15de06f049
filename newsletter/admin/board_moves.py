"""The buttons of the board: each moves the texts that can be moved, and says of the others why they could not."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from newsletter import translating
from newsletter.admin import board_outdated, guard
from newsletter.admin import texts as desk_texts
from newsletter.admin.assigning import AssignForm
from newsletter.admin.board import Filters
from newsletter.models import Issue, Item, Text
from newsletter.rendering import language_name
from newsletter.translation import access, board, texts
from newsletter.translation.board import Board, Cell, Stage

APPROVE = ("newsletter.approve_text",)
NAMED = 3  # so many of those that could not be moved are named
NO_WORDS = gettext_lazy("There are no words yet.")
APPROVED = gettext_lazy("It is approved already.")
BEING_WRITTEN = gettext_lazy("It is a draft already.")
CHANGED = gettext_lazy("The original has changed since: look at what changed first.")
NOT_OUTDATED = gettext_lazy("It is not outdated.")
HAND_IN = gettext_lazy("It was approved: open it and hand it in again.")
LOOK_AGAIN = gettext_lazy("The original was changed once more meanwhile: please look again.")


@dataclass(frozen=True)
class Picked:
    """A cell that was ticked, as it is now; `seen`: the revision that the person had before them."""

    thing: Item | Issue
    cell: Cell
    title: str
    seen: int

    def text(self) -> Text:
        return texts.find(self.thing, self.cell.language)

    @property
    def name(self) -> str:
        language = self.language
        return f"{language} “{self.title}”" if self.title else f"{language}, {_('the words around the items')}"

    @property
    def language(self) -> str:
        return language_name(self.cell.language, get_language() or "en")


@require_POST
def move(request, pk: int):
    """The deed that the pressed button names, then back to the text that was ticked last."""
    issue = desk_texts.readable_issue(request, pk, words_alone=True)
    deed = DEEDS.get(request.POST.get("deed", ""))
    if deed is None:
        raise Http404
    deed(request, board.of(issue, request.user, on=timezone.localdate()))
    stays = "stay" in request.POST
    address = reverse("admin:newsletter_issue_board", args=[pk]) + Filters.of(request.POST).query
    page = board_outdated.way_back(issue, request.POST) if stays else address
    return HttpResponseRedirect(f"{page}{_place(request, stays)}")


def _place(request, stays: bool) -> str:
    """Who works with the keys goes on there, not at the top of the page."""
    what, _colon, rest = request.POST.get("cell", "").partition(":")
    language = rest.partition(":")[0]
    if language not in translating.LANGUAGES or not (what == desk_texts.AROUND or what.isdecimal()):
        return ""
    return f"#text-{what}" if stays else f"#cell-{what}-{language}"


def approve(request, found: Board) -> None:
    guard.require(request, APPROVE)
    now = timezone.now()

    def one(picked: Picked) -> None:
        _refuse(picked, {Stage.MISSING: NO_WORDS, Stage.APPROVED: APPROVED, Stage.OUTDATED: CHANGED})
        # What had no key when it was shown is found as it is.
        texts.approve(picked.text(), by=request.user, now=now, seen=picked.seen if picked.cell.number else None)

    _each(
        request,
        _picked(request, found),
        one,
        lambda done: ngettext("%d text was approved.", "%d texts were approved.", len(done)) % len(done),
    )


def send_back(request, found: Board) -> None:
    guard.require(request, APPROVE)
    now = timezone.now()

    def one(picked: Picked) -> None:
        _refuse(picked, {Stage.MISSING: NO_WORDS, Stage.DRAFT: BEING_WRITTEN})
        texts.send_back(picked.text(), by=request.user, now=now)

    _each(
        request,
        _picked(request, found),
        one,
        lambda done: ngettext("%d text is a draft again.", "%d texts are drafts again.", len(done)) % len(done),
    )


def still_right(request, found: Board) -> None:
    """`seen` is the revision of the original here: what changed in it was on the page."""
    may_approve = access.may_approve(request.user)

    def one(picked: Picked) -> None:
        if picked.cell.stage != Stage.OUTDATED:
            raise texts.NotPossible(NOT_OUTDATED)
        if picked.cell.state == Text.State.APPROVED and not may_approve:
            raise texts.NotPossible(HAND_IN)
        if picked.seen != picked.cell.source_number:
            raise texts.NotPossible(LOOK_AGAIN)
        texts.still_right(picked.text(), by=request.user, source_seen=picked.seen)

    _each(request, _picked(request, found), one, lambda done: _("Still right: %s.") % _together(done))


def assign(request, found: Board) -> None:
    guard.require(request, APPROVE)
    form = AssignForm(found, request.POST)
    if not form.is_valid():
        for sentences in form.errors.values():
            messages.error(request, " ".join(sentences))
        return

    def one(picked: Picked) -> None:
        if why := form.may_have(picked.cell.language):
            raise texts.NotPossible(why)
        text = picked.text()
        to, due_on = form.terms(text)
        texts.assign([text], to=to, due_on=due_on, by=request.user)

    _each(
        request,
        _all(found, *form.all_of) if form.all_of else _picked(request, found),
        one,
        lambda done: ngettext("%d text was handed out.", "%d texts were handed out.", len(done)) % len(done),
    )


DEEDS = {"approve": approve, "send_back": send_back, "still_right": still_right, "assign": assign}


def _refuse(picked: Picked, reasons: Mapping[Stage, str]) -> None:
    if why := reasons.get(picked.cell.stage):
        raise texts.NotPossible(why)


def _each(
    request, picked: Iterable[Picked], deed: Callable[[Picked], None], said: Callable[[list[Picked]], str]
) -> None:
    """The person is told what could be moved (`said`), then why the others could not."""
    done, refused = [], {}
    for one in picked:
        try:
            deed(one)
            done.append(one)
        except (texts.NotPossible, texts.Conflict) as why:
            refused.setdefault(str(why), []).append(one.name)
    if done:
        messages.success(request, said(done))
    for why, names in refused.items():
        messages.warning(request, f"{_listed(names)}: {why}")
    if not done and not refused:
        messages.info(request, _("Tick at least one text."))


def _together(done: list[Picked]) -> str:
    """By their languages where all are of one thing: its own title is just beside."""
    if len({one.thing for one in done}) == 1:
        return ", ".join(one.language for one in done)
    return _listed([one.name for one in done])


def _listed(names: list[str]) -> str:
    shown, more = ", ".join(names[:NAMED]), len(names) - NAMED
    if more <= 0:
        return shown
    return ngettext("%(names)s and %(count)d more", "%(names)s and %(count)d more", more) % {
        "names": shown,
        "count": more,
    }


def _picked(request, found: Board) -> list[Picked]:
    """The ticked cells, "12:pt:4" for the fourth revision; 404 for what the person may not write."""
    rows = {str(row.item.pk) if row.item else desk_texts.AROUND: row for row in found.rows}
    picked = []
    for value in dict.fromkeys(request.POST.getlist("cell")):
        try:
            what, language, seen = value.split(":")
            row, number = rows[what], int(seen)
        except (KeyError, ValueError):
            raise Http404 from None
        if language not in found.writable:
            raise Http404
        picked.append(Picked(row.item or found.issue, row.cells[language], row.title, number))
    return picked


def _all(found: Board, stage: str, language: str) -> list[Picked]:
    cells = [(row, row.cells[language]) for row in found.rows]
    return [Picked(row.item or found.issue, cell, row.title, cell.number) for row, cell in cells if cell.stage == stage]
