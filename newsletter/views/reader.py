"""The pages that a reader reaches by a link of their own: leaving, taking that back, moving to another address."""

from collections.abc import Callable
from functools import wraps

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from newsletter import moving, subscriptions
from newsletter.models import Subscriber
from picum import alternates, links


def private(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page behind a token in its address, which the view reads; 404 in words for a false one.

    No CSRF protection: the token is what authorises, there is no cookie that another site could ride on, and a mail
    program that posts for its user (RFC 8058) could not bring one. The answers are kept by no cache, by no search
    engine, and the address by no other site.
    """

    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def guarded(request: HttpRequest, token: str) -> HttpResponse:
        try:
            response = view(request, token)
        except links.BadToken:
            response = render(request, "newsletter/bad_link.html", status=404)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return guarded


def for_one_reader(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """As `private`; the view gets the reader of the token, or None when they were erased."""

    @private
    @wraps(view)
    def found(request: HttpRequest, token: str) -> HttpResponse:
        return view(request, token, subscriptions.reader_for(token))

    return found


@for_one_reader
def leave(request: HttpRequest, token: str, reader: Subscriber | None) -> HttpResponse:
    """GET shows one button; POST, from that button or from the mail program, ends the subscription at once.

    POST answers 200 without redirect, also when repeated and when the reader was erased (RFC 8058). To a mail program
    the status says all, and many may come in one second: it gets the page without its surroundings.
    """
    if request.method == "POST":
        how = _how(request)
        if reader:
            subscriptions.unsubscribe(reader, how=how)
        token_back = subscriptions.undo_token_for(reader, now=timezone.now()) if reader else ""
        context = {"undo": token_back, "frame": "base.html"}
        if how != "one-click":
            context |= {"frame": "base_public.html", "switch": alternates.versions("newsletter:leave", token)}
        return render(request, "newsletter/goodbye.html", context)
    context = {"switch": alternates.versions("newsletter:leave", token), "token": token}
    if reader is None or reader.state == Subscriber.State.UNSUBSCRIBED:
        return render(request, "newsletter/not_subscribed.html", context)
    return render(request, "newsletter/leave.html", {**context, "masked": subscriptions.masked(reader)})


def _how(request: HttpRequest) -> str:
    """By which road somebody leaves. A body that cannot be read is no reason to keep them."""
    try:
        return "one-click" if "List-Unsubscribe" in request.POST else "page"
    except (BadRequest, MultiPartParserError, SuspiciousOperation, OSError):
        return "unreadable"


@private
def undo(request: HttpRequest, token: str) -> HttpResponse:
    """The button of the page of goodbye, for an hour. GET shows it once more; POST keeps the reader on the list.

    Too late, the page says how to subscribe again, and gives nothing away that the link does not.
    """
    now, context = timezone.now(), {"switch": alternates.versions("newsletter:undo", token)}
    try:
        handle, in_time = links.unsign_until(token, purpose="undo", now=now), True
    except links.Expired as expired:
        handle, in_time = expired.handle, False
    reader = Subscriber.objects.filter(handle=handle).first()
    if reader and in_time and request.method == "POST":
        subscriptions.undo(reader, now=now)
    if reader and reader.state == Subscriber.State.SUBSCRIBED:
        context["token"] = subscriptions.token_for(reader) if in_time else ""
        return render(request, "newsletter/undone.html", context)
    if reader and in_time and request.method != "POST":
        return render(request, "newsletter/goodbye.html", {**context, "frame": "base_public.html", "undo": token})
    return render(request, "newsletter/not_subscribed.html", context)


@private
def move(request: HttpRequest, token: str) -> HttpResponse:
    """One of the two links of a change of address. GET shows a button, POST confirms; both say what is missing."""
    now, context = timezone.now(), {"switch": alternates.versions("newsletter:move", token)}
    try:
        handle = links.unsign_until(token, purpose="move", now=now)
    except links.Expired:
        return render(request, "newsletter/move_expired.html", context, status=410)
    if wish := moving.find(handle):
        # Whose the new address is, who knows: from there nobody learns where the newsletter comes from.
        context["old"] = subscriptions.masked(wish.subscriber) if handle == wish.old_handle else ""
        context["new"] = subscriptions.masked(wish)
    stands = moving.confirm(handle, now=now) if request.method == "POST" else moving.standing(wish, handle)
    return render(request, "newsletter/move.html", {**context, "stands": stands.name})
