"""What is held about a reader, to be seen, taken along and erased: reached by a link that is mailed, for 72 hours."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from newsletter import erasing, my_data, my_data_in_words
from newsletter.models import Consent, Subscriber
from newsletter.views.reader import private
from picum import alternates, links


def for_the_mailed_link(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """As `private`; the view gets the reader of the token. Who has been erased is told so, and an expired link leads
    to a new one."""

    @private
    @wraps(view)
    def found(request: HttpRequest, token: str) -> HttpResponse:
        try:
            reader = my_data.reader_for(token, now=timezone.now())
        except links.Expired:
            return render(request, "newsletter/data_expired.html", status=410)
        if reader is None:
            return render(request, "newsletter/erased.html", {"switch": _switch("data", token), "repeated": True})
        return view(request, token, reader)

    return found


def _switch(page: str, token: str) -> list[alternates.Version]:
    return alternates.versions(f"newsletter:{page}", token)


@require_safe
@for_the_mailed_link
def data(request: HttpRequest, token: str, reader: Subscriber) -> HttpResponse:
    """Everything, to be read."""
    held = my_data.about(reader.address_key)
    sections = my_data_in_words.sections(held, get_language())
    context = {"reader": reader, "sections": sections, "switch": _switch("data", token), "token": token}
    return render(request, "newsletter/my_data.html", {**context, "zone": timezone.get_current_timezone_name()})


@require_safe
@for_the_mailed_link
def data_json(request: HttpRequest, token: str, reader: Subscriber) -> HttpResponse:
    """Everything, to be taken along: Article 20 of the GDPR."""
    held = my_data.about(reader.address_key)
    response = JsonResponse(held, json_dumps_params={"ensure_ascii": False, "indent": 2})
    response["Content-Disposition"] = f'attachment; filename="picum-my-data-{held["told_at"]:%Y-%m-%d}.json"'
    return response


@for_the_mailed_link
def erase(request: HttpRequest, token: str, reader: Subscriber) -> HttpResponse:
    """GET says what goes and what stays; POST does it, and answers by itself."""
    context = {"reader": reader, "switch": _switch("erase", token), "token": token}
    if request.method != "POST":
        return render(request, "newsletter/erase.html", context)
    also = "also_from_stop_list" in request.POST
    try:
        erasing.erase_reader(reader, also_from_stop_list=also, how=Consent.How.PAGE, now=timezone.now())
    except erasing.NotWritten:
        return render(request, "newsletter/erase.html", {**context, "failed": True, "also": also}, status=503)
    return render(request, "newsletter/erased.html", {"switch": context["switch"], "also": also})
