"""The page on which a referee answers."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language

from members import applying
from members.forms.asking import RefereeForm
from members.views.by_link import by_link
from picum import alternates, localising


@by_link
def referee(request: HttpRequest, token: str) -> HttpResponse:
    """Who applies, where and why; yes or no, and words. Once."""
    asked = applying.referee_for(token)
    if asked is None:
        return render(request, "members/apply/gone.html", status=410)
    is_open = applying.is_asked(asked)
    form = RefereeForm(request.POST if request.method == "POST" and is_open else None)
    if form.is_valid():
        applying.speak(asked, **form.cleaned_data, now=timezone.now())
        return redirect("members:referee", token)  # which says thank you, also to the second of two tabs
    context = {
        "switch": alternates.versions("members:referee", token),
        "referee": asked,
        "application": asked.application,
        "country": localising.country_name(asked.application.country, get_language()),
        "why": asked.application.answers.get("why", ""),
        "is_open": is_open,
        "form": form,
    }
    return render(request, "members/apply/referee.html", context)
