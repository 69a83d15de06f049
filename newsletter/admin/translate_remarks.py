"""The remarks at a text, on the translator's page."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST

from newsletter.admin import texts as desk_texts
from newsletter.admin.translate_sheet import address, reference_of
from newsletter.models import Remark
from newsletter.translation import remarks, texts


@require_POST
def write(request: HttpRequest, pk: int, language: str, what: str) -> HttpResponse:
    """A new remark, or, with `settle`, an end to one."""
    issue = desk_texts.readable_issue(request, pk)
    text = desk_texts.text_for(request, issue, what, language)
    if "settle" in request.POST:
        number = request.POST["settle"]
        remark = get_object_or_404(
            Remark, text=text.pk, pk=int(number) if number.isdecimal() and len(number) < 10 else 0
        )
        remarks.settle(remark, by=request.user, now=timezone.now())
    else:
        text = texts.find(desk_texts.thing_for(issue, what), language)
        remarks.write(text, request.POST.get("words", ""), by=request.user, now=timezone.now())
    return HttpResponseRedirect(address(issue, language, what, reference_of(request)) + "#remarks")
