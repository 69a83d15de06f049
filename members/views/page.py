"""A page of what members do themselves."""

import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from members.access import Seat
from picum import alternates, localising


def page(request: HttpRequest, seat: Seat, here: str, template: str, **context: object) -> HttpResponse:
    """`templates/members/my/<template>.html`, with the language switch; `here` marks its link in the navigation."""
    match = request.resolver_match
    switch = alternates.versions(f"members:{match.url_name}", *match.kwargs.values())
    shared = {"seat": seat, "here": here, "switch": switch}
    return render(request, f"members/my/{template}.html", shared | context)


def day(date: datetime.date | None) -> str:
    """A day in the language of the page; "" for none."""
    return localising.day(date, get_language()) if date else ""
