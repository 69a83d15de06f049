"""The pages by which somebody becomes a reader: the form, the same for other sites, and the link of the mail.

Whoever fills in a form learns nothing about an address, for every one is answered alike. Its owner learns the rest
by mail: `newsletter.signing_up`.
"""

import datetime
import uuid
from collections.abc import Callable, Mapping
from functools import wraps

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from newsletter import archive, signing_up, subscriptions, wordings
from newsletter.forms.signing_up import SignUpForm
from newsletter.models import Consent, SignUp, Subscriber
from newsletter.views.reader import private
from picum import alternates, links
from picum.addresses import InvalidAddress
from picum.areas.models import Area
from picum.network import network_of
from picum.stranger import AddressForm


def for_anybody(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """GET, HEAD and POST, without protection against posts from other sites: there is no cookie, hence nothing that
    such a post could do in somebody's name. What programs do with the forms is limited elsewhere
    (`picum.accounts.limits`). No cache keeps the answers, and no other site learns where somebody comes from.
    """

    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def open_to_all(request: HttpRequest, **arguments: str) -> HttpResponse:
        response = view(request, **arguments)
        response["Referrer-Policy"] = "no-referrer"
        return response

    return open_to_all


@for_anybody
def sign_up(request: HttpRequest) -> HttpResponse:
    """The form with all its choices; the forms at the foot of the other pages post to it too."""
    context = alternates.public_page("newsletter:sign_up") | {
        "snippet_of": links.page("newsletter:embed", language=get_language())
    }
    return _sign_up(request, "newsletter/sign_up", how=Consent.How.FORM, context=context)


@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})
@for_anybody
def embed(request: HttpRequest) -> HttpResponse:
    """The small form, in the language of its address, to be shown by any other site in a frame."""
    return _sign_up(request, "newsletter/embed", how=Consent.How.EMBED, context={})


def _sign_up(request: HttpRequest, template: str, *, how: str, context: dict) -> HttpResponse:
    now, language = timezone.now(), get_language()
    context["areas"] = Area.objects.prefetch_related("translations")
    form = SignUpForm(
        request.POST if request.method == "POST" else None,
        language=language,
        areas=[area.key for area in context["areas"]],
        now=now,
    )

    def ask(data: dict) -> None:
        signing_up.request(
            data["address"],
            languages=data["languages"],
            areas=data["areas"],
            how=how,
            wording=wordings.current(language),
            network=network_of(request),
            now=now,
        )

    return _answer(request, form, ask, template, context)


@for_anybody
def ask_link(request: HttpRequest) -> HttpResponse:
    """A reader who has no mail of ours at hand asks for their personal links."""
    now, language = timezone.now(), get_language()
    form = AddressForm(request.POST if request.method == "POST" else None, now=now)

    def ask(data: dict) -> None:
        signing_up.ask_for_link(data["address"], language=language, network=network_of(request), now=now)

    return _answer(request, form, ask, "newsletter/ask_link", alternates.public_page("newsletter:link"))


def _answer(
    request: HttpRequest, form: AddressForm, ask: Callable[[dict], None], template: str, context: dict
) -> HttpResponse:
    """The form, the form again with what is wrong in it, or the page that says it is done.

    That page is one and the same for every address, and for a program that filled in the field which nobody sees.
    """
    status = 200
    if form.is_trapped:
        return render(request, f"{template}_done.html", context)
    if form.is_valid():
        try:
            ask(form.cleaned_data)
        except InvalidAddress as error:
            form.add_error("address", str(error))
        except signing_up.TooMany as error:
            form.add_error(None, str(error))
            status = 429
        else:
            return render(request, f"{template}_done.html", context)
    return render(request, f"{template}.html", context | {"form": form}, status=status)


@private
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the first mail. GET and HEAD show what will be subscribed, and a button; only the button does it.

    An expired link, and one whose sign-up has vanished, offer a new mail in the same words.
    """
    now, context = timezone.now(), {"switch": alternates.versions("newsletter:confirm", token)}
    pressed = request.POST if request.method == "POST" else {}
    try:
        handle = links.unsign_until(token, purpose="confirm", now=now)
    except links.Expired as expired:
        return _expired(request, context, expired.handle, pressed)
    if "confirm" in pressed and (reader := signing_up.confirm(handle, now=now)):
        return render(request, "newsletter/confirmed.html", context | _welcome(reader, now))
    waiting = SignUp.objects.filter(handle=handle).first()
    if waiting is None:
        return _expired(request, context, handle, pressed)
    if waiting.confirmed_at or "confirm" in pressed:
        return render(request, "newsletter/confirmed.html", context)
    context |= {"masked": subscriptions.masked(waiting), **_choice(waiting)}
    return render(request, "newsletter/confirm.html", context)


def _expired(request: HttpRequest, context: dict, handle: uuid.UUID, pressed: Mapping[str, str]) -> HttpResponse:
    if "renew" in pressed:
        signing_up.renew(handle, now=timezone.now())
        context["renewed"] = True
    return render(request, "newsletter/link_expired.html", context)


def _welcome(reader: Subscriber, now: datetime.datetime) -> dict[str, object]:
    """What a new reader may want next: the newest issue, feeds, and the page where all this can be changed."""
    return _choice(reader) | {
        "reader": reader,
        "token": subscriptions.token_for(reader),
        "newest": archive.newest(get_language(), on=now),
    }


def _choice(chosen: SignUp | Subscriber) -> dict[str, object]:
    """Languages, as they call themselves, in their order, and areas, in the order of the site."""
    languages = [(code, alternates.own_name(code)) for code in chosen.languages.split()]
    areas = Area.objects.filter(key__in=chosen.areas.split()).prefetch_related("translations") if chosen.areas else []
    return {"languages": languages, "areas": areas}
