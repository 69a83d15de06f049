"""Pages for people without an account: by a link of a mail, or by nothing at all."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from picum import links

METHODS = ["GET", "HEAD", "POST"]


def for_anybody(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Without protection against posts from other sites: there is no cookie, hence nothing that such a post could do in
    somebody's name. No cache keeps the answers, and no other site learns where somebody comes from."""

    @csrf_exempt
    @never_cache
    @require_http_methods(METHODS)
    @wraps(view)
    def open_to_all(request: HttpRequest, **arguments) -> HttpResponse:
        response = view(request, **arguments)
        response["Referrer-Policy"] = "no-referrer"
        return response

    return open_to_all


def by_link(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page behind a token in its address, which the view reads; 404 in words for a false one.

    As `for_anybody`, for the token is what authorises; and no search engine keeps the page.
    """

    @for_anybody
    @wraps(view)
    def guarded(request: HttpRequest, token: str, **arguments) -> HttpResponse:
        try:
            response = view(request, token, **arguments)
        except links.BadToken:
            response = render(request, "members/bad_link.html", status=404)
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return guarded
