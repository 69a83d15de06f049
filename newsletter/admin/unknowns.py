"""The mails of an issue of which nobody knows whether they arrived; after a day they may be sent again."""

import datetime
from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Max
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from newsletter import enqueue
from newsletter.admin import guard
from newsletter.in_words import HAPPENED
from newsletter.models import Delivery, Edition, Issue
from newsletter.querysets import UNKNOWN_FOR
from newsletter.rendering import language_name

PER_PAGE = 100


@dataclass(frozen=True)
class Row:
    """An unknown delivery. `address` is empty for who may not see readers, and after the reader was erased."""

    number: int
    language: str
    since: datetime.datetime
    happened: str | Promise
    detail: str
    address: str


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, pk: int):
    """GET lists them and asks; POST sends again those that have been unknown for a day."""
    issue = guard.issue_for(request, pk, guard.SEND, contents=False)
    if request.method == "POST":
        return _send_again(request, issue)
    now = timezone.now()
    unknown = Delivery.objects.filter(issue=issue).unknown()
    open_ones = unknown.exclude(edition__state=Edition.State.CANCELLED)
    later = open_ones.filter(changed_at__gt=now - UNKNOWN_FOR)
    last = later.aggregate(last=Max("changed_at"))["last"]
    pages = Paginator(unknown.select_related("edition", "subscriber").order_by("changed_at", "pk"), PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    may_see = request.user.has_perm("newsletter.view_subscriber")
    return guard.page(
        request,
        "unknowns.html",
        _("Unknown mails: %s") % issue,
        issue=issue,
        page=page,
        rows=[_row(delivery, may_see) for delivery in page],
        may_see=may_see,
        ripe=unknown.resendable(at=now).count(),
        later=later.count(),
        all_ripe_at=last + UNKNOWN_FOR if last else None,
        cancelled=unknown.filter(edition__state=Edition.State.CANCELLED).count(),
    )


def _row(delivery: Delivery, may_see: bool) -> Row:
    return Row(
        number=delivery.pk,
        language=language_name(delivery.edition.language, get_language() or "en"),
        since=delivery.changed_at,
        happened=HAPPENED.get(delivery.why, delivery.why),
        detail=delivery.detail,
        address=delivery.subscriber.address if may_see and delivery.subscriber else "",
    )


def _send_again(request: HttpRequest, issue: Issue):
    try:
        number = enqueue.resend_unknown(issue, by=request.user)
    except enqueue.NotReady as why:
        messages.error(request, str(why))
        return HttpResponseRedirect(reverse("admin:newsletter_issue_progress", args=[issue.pk]))
    if number:
        words = ngettext("%s mail is sent again.", "%s mails are sent again.", number)
        messages.success(request, words % number_format(number, force_grouping=True))
    else:
        messages.info(request, _("There is nothing to send again: no mail has been unknown for a day."))
    return HttpResponseRedirect(reverse("admin:newsletter_issue_progress", args=[issue.pk]))
