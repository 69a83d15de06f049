"""The page on which a reader changes everything about their subscription."""

from collections.abc import Sequence

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language

from newsletter import moving, signing_up, subscriptions, translating
from newsletter.forms.preferences import LanguagesForm, MoveForm, NoFields, PauseForm, WishesForm
from newsletter.models import Subscriber
from newsletter.views.reader import for_one_reader
from picum import alternates, localising
from picum.accounts import limits
from picum.addresses import InvalidAddress
from picum.areas.models import Area
from picum.network import network_of

PARTS = {"languages", "wishes", "pause", "resume", "move", "data"}


@for_one_reader
def preferences(request: HttpRequest, token: str, reader: Subscriber | None) -> HttpResponse:
    """Each form of the page is a part of it, named in the field `part`; the answer is the page itself, which says at
    that part what came of it. It shows of the address no more than `masked` does: mails are passed on to others."""
    context = {"switch": alternates.versions("newsletter:preferences", token), "token": token}
    if reader is None or reader.state == Subscriber.State.UNSUBSCRIBED:
        return render(request, "newsletter/not_subscribed.html", context)
    areas, status = list(Area.objects.prefetch_related("translations")), 200
    if request.method == "POST":
        named = request.POST.get("part")
        context["part"] = part = named if named in PARTS else "languages"
        context["form"] = form = _form(part, request.POST, [area.key for area in areas])
        status = _save(form, part, reader, request) if form.is_valid() else 200
        context["saved"] = not form.errors
    return render(request, "newsletter/preferences.html", context | _shown(reader, areas), status=status)


def _form(part: str, data: QueryDict, areas: Sequence[str]) -> forms.Form:
    match part:
        case "wishes":
            return WishesForm(data, areas=areas)
        case "pause":
            return PauseForm(data)
        case "move":
            return MoveForm(data)
        case "resume" | "data":
            return NoFields(data)
    return LanguagesForm(data)


def _save(form: forms.Form, part: str, reader: Subscriber, request: HttpRequest) -> int:
    """Do what a valid form asks for; what cannot be done becomes an error of the form. The status of the answer."""
    try:
        _act(form.cleaned_data, part, reader, request)
    except subscriptions.NoSuchPause as error:
        form.add_error("until", str(error))
    except InvalidAddress:  # their own, from before so much was asked of addresses: nothing is said of it here
        form.add_error(None, "")
    except limits.TooMany as error:
        form.add_error(None, str(error))
        return 429
    return 200


def _act(data: dict, part: str, reader: Subscriber, request: HttpRequest) -> None:
    asked = {"network": network_of(request), "now": timezone.now()}
    match part:
        case "wishes":
            subscriptions.change_areas(reader, data["areas"])
            subscriptions.choose_late(reader, data["late"])
        case "pause":
            subscriptions.pause(reader, until=data["until"], today=timezone.localdate())
        case "resume":
            subscriptions.end_pause(reader, today=timezone.localdate())
        case "move":
            moving.ask(reader, data["address"], **asked)
        case "data":
            signing_up.ask_for_link(reader.address, language=get_language(), **asked)
        case _:
            subscriptions.change_languages(reader, data["order"])


def _shown(reader: Subscriber, areas: Sequence[Area]) -> dict[str, object]:
    """The reader's choices as they are now, and what else there is to choose."""
    chosen = [(code, alternates.own_name(code)) for code in reader.languages.split()]
    every = [(code, alternates.own_name(code)) for code in translating.LANGUAGES]
    mine = [area for area in areas if area.key in reader.areas.split()]
    today = timezone.localdate()
    first, last = subscriptions.days_of_pause(today)
    paused = reader.paused_until if reader.is_paused(on=today) else None
    return {
        "masked": subscriptions.masked(reader),
        "chosen": chosen,
        "others": [pair for pair in every if pair not in chosen],
        "areas": areas,
        "mine": mine,
        "late": reader.late,
        "paused": paused,
        "paused_in_words": localising.day(paused, get_language()) if paused else "",
        "first_day": first,
        "last_day": last,
    }
