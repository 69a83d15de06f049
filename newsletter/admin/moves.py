"""The buttons of an edition: each calls one function of the newsletter and says in words what came of it."""

from collections.abc import Collection

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from newsletter import compose, enqueue, lifecycle, mails
from newsletter.admin import guard
from newsletter.admin.preview import order_of
from newsletter.models import Edition

S = Edition.State


@guard.button
def ready(request, pk: int, language: str):
    edition = guard.edition_for(request, pk, language, guard.EDIT)
    _do(request, compose.declare_ready, edition, _("The %s edition is ready to be sent."), done={S.READY})
    return _to_editions(edition)


@guard.button
def draft(request, pk: int, language: str):
    edition = guard.edition_for(request, pk, language, guard.EDIT)
    _do(request, compose.back_to_draft, edition, _("The %s edition is a draft again."), done={S.DRAFT})
    return _to_editions(edition)


@guard.button
def test_mail(request, pk: int, language: str):
    """Mail the edition to the person who asks, and to nobody else."""
    edition = guard.edition_for(request, pk, language, guard.EDIT + guard.SEND)
    order = order_of(request.POST, language)
    try:
        mails.send_test(edition, to=request.user.email, by=request.user, languages=order)
    except mails.NotSent as why:
        messages.error(request, str(why))
    else:
        words = {"language": edition.get_language_display(), "address": request.user.email}
        messages.success(request, _("A test mail of the %(language)s edition went to %(address)s.") % words)
    if "stay" in request.POST:
        chosen = "&".join(f"then={code}" for code in order[1:])
        return HttpResponseRedirect(
            reverse("admin:newsletter_issue_preview", args=[pk, language]) + f"?{chosen}".rstrip("?")
        )
    return _to_editions(edition)


@guard.button
def unschedule(request, pk: int, language: str):
    edition = guard.edition_for(request, pk, language, guard.SEND)
    _do(
        request,
        enqueue.unschedule,
        edition,
        _("The %s edition will not go out at the set time; it is ready."),
        done={S.READY},
    )
    return _to_progress(edition)


@guard.button
def release(request, pk: int, language: str):
    """A held edition may go: at its time if that lies ahead, else now."""
    edition = guard.edition_for(request, pk, language, guard.SEND)
    said = _("The %s edition keeps its time.") if edition.is_to_come else _("The %s edition is on its way.")
    _do(request, enqueue.release, edition, said, done={S.SCHEDULED, S.SENDING})
    return _to_progress(edition)


@guard.button
def pause(request, pk: int, language: str):
    edition = guard.edition_for(request, pk, language, guard.SEND)
    _do(
        request,
        enqueue.pause,
        edition,
        _("The %s edition stands still. Mails on the wire still arrive."),
        done={S.PAUSED},
    )
    return _to_progress(edition)


@guard.button
def resume(request, pk: int, language: str):
    edition = guard.edition_for(request, pk, language, guard.SEND)
    _do(request, enqueue.resume, edition, _("The %s edition goes on."), done={S.SENDING})
    return _to_progress(edition)


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request, pk: int, language: str):
    """GET asks, POST cancels for good."""
    edition = guard.edition_for(request, pk, language, guard.SEND)
    if request.method == "POST":
        _do(request, enqueue.cancel, edition, _("The %s edition is cancelled."), done={S.CANCELLED})
        return _to_progress(edition)
    if S.CANCELLED not in lifecycle.MOVES[edition.state]:
        messages.info(request, _("There is nothing to cancel in the %s edition.") % edition.get_language_display())
        return _to_progress(edition)
    title = _("Cancel the %s edition?") % edition.get_language_display()
    return guard.page(request, "cancel.html", title, issue=edition.issue, edition=edition)


def _do(request, deed, edition, said: str, *, done: Collection[str]) -> None:
    """`done`: the states in which the deed is done already, as after a double click or by a colleague."""
    try:
        deed(edition, by=request.user)
    except lifecycle.IllegalMove as why:
        if edition.state not in done:
            messages.error(request, str(why))
            return
        words = {"language": edition.get_language_display(), "state": edition.get_state_display()}
        messages.info(request, _("The %(language)s edition is “%(state)s” already.") % words)
    except (compose.Blocked, enqueue.NotReady) as why:
        messages.error(request, str(why))
    else:
        messages.success(request, said % edition.get_language_display())


def _to_editions(edition):
    return HttpResponseRedirect(
        reverse("admin:newsletter_issue_change", args=[edition.issue_id]) + f"#edition-{edition.language}"
    )


def _to_progress(edition):
    return HttpResponseRedirect(reverse("admin:newsletter_issue_progress", args=[edition.issue_id]))
