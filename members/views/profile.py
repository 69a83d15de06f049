"""What a member's people change about their public profile, and the yearly word that it is right."""

from collections.abc import Mapping

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from members import confirming, differences, profile_fields, profiles, shelf
from members.access import Seat, seated
from members.forms.profile import ComparedForm, DescriptionForm, FactsForm, LogoForm
from members.models import ProfileChange
from members.profile_fields import Values
from members.views.page import day, page
from picum import alternates, localising

FORM = ["GET", "HEAD", "POST"]


@seated("profile")
@require_http_methods(FORM)
def facts(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The profile: what fits into one form, and the ways to descriptions, logo and directory."""
    live, waits = profile_fields.read(seat.member), profiles.waiting(seat.member)
    stored = profiles.wishes(live, waits)
    form = FactsForm(_posted(request), member=seat.member, stored=stored)
    if form.is_bound and form.is_valid() and _saved(request, seat, form):
        return redirect("members:profile", seat.member.handle)
    _tell_what_waits(form, live, waits)
    context = {
        "form": form,
        "has_texts": "original_language" in stored,
        "texts": _texts(stored, waits),
        "logo": stored.get("logo"),
        "logo_waits": "logo" in waits,
        "is_due": confirming.is_due(seat.member, on=timezone.localdate()),
        "confirmed_on": day(seat.member.confirmed_on),
    }
    return page(request, seat, "profile", "profile", **context)


@seated("profile")
@require_http_methods(FORM)
def description(request: HttpRequest, seat: Seat, language: str) -> HttpResponse:
    """The description in one language; the others are links beside it."""
    key = profile_fields.key_of("description", language)
    live, waits = profile_fields.read(seat.member), profiles.waiting(seat.member)
    stored = profiles.wishes(live, waits)
    if key not in stored:
        raise Http404
    form = DescriptionForm(_posted(request), text_language=language, stored=stored)
    if form.is_bound and form.is_valid() and _saved(request, seat, form):
        return redirect("members:profile_description", seat.member.handle, language)
    _tell_what_waits(form, live, waits)
    original = stored["original_language"]
    context = {
        "form": form,
        "texts": _texts(stored, waits),
        "text_language": language,
        "language_name": localising.language_name(language, get_language()),
        "is_original": language == original,
        "original": stored[profile_fields.key_of("description", original)],
        "original_language": original,
        "original_name": localising.language_name(original, get_language()),
    }
    return page(request, seat, "profile", "description", **context)


@seated("profile")
@require_http_methods(FORM)
def logo(request: HttpRequest, seat: Seat) -> HttpResponse:
    """A new logo, or none."""
    live, waits = profile_fields.read(seat.member), profiles.waiting(seat.member)
    stored = profiles.wishes(live, waits)
    if "logo" not in stored:
        raise Http404
    is_removal = "remove" in request.POST
    form = LogoForm(*((request.POST, request.FILES) if request.method == "POST" and not is_removal else ()))
    if is_removal or form.is_valid():
        try:
            _save_logo(request, seat, None if is_removal else form.cleaned_data["logo"])
            return redirect("members:profile_logo", seat.member.handle)
        except shelf.NotKept as error:
            form.add_error("logo", str(error))
    context = {"form": form, "logo": stored["logo"], "live": live["logo"], "waits": "logo" in waits}
    return page(request, seat, "profile", "logo", **context)


@seated("profile")
@require_POST
def confirm(request: HttpRequest, seat: Seat) -> HttpResponse:
    """This is still right."""
    confirming.confirm(seat.member, on=timezone.localdate())
    messages.success(request, _("Thank you. We will ask again in a year."))
    return redirect("members:profile", seat.member.handle)


# --- saving -------------------------------------------------------------------------------------------------------


def _posted(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _saved(request: HttpRequest, seat: Seat, form: ComparedForm) -> bool:
    """Save a valid form, and say what became of it; what cannot be saved becomes an error of the form."""
    try:
        done = profiles.change(seat.member, form.values, by=request.user, now=timezone.now(), as_read=form.as_read)
    except profiles.Conflict as conflict:
        form.tell_conflict(conflict.stored)
        return False
    except profile_fields.Gone:
        form.add_error(None, _("Something you chose does not exist any more. Please look again."))
        return False
    _say(request, done)
    return True


def _save_logo(request: HttpRequest, seat: Seat, new) -> None:
    """The logo as it was drawn, or none. A file that no row comes to name is a leftover, and goes. Raises
    shelf.NotKept."""
    value = None
    if new is not None:
        value = {"file": shelf.keep(new.content, "image/png"), "width": new.width, "height": new.height}
    _say(request, profiles.change(seat.member, {"logo": value}, by=request.user, now=timezone.now()))


def _say(request: HttpRequest, done: profiles.Changed) -> None:
    if not (done.live or done.waiting or done.taken_back):
        messages.info(request, _("There was nothing to change."))
    if done.live:
        messages.success(request, _("Saved."))
    for keys, words in (
        (done.waiting, _("The secretariat looks at this before it goes live: %s.")),
        (done.taken_back, _("This stays as it was, and nothing waits any more: %s.")),
    ):
        if keys:
            labels = ", ".join(profile_fields.label(key, get_language()) for key in keys)
            messages.success(request, words % labels)


# --- showing ------------------------------------------------------------------------------------------------------


def _tell_what_waits(form: ComparedForm, live: Values, waits: Mapping[str, ProfileChange]) -> None:
    """Beside each field of which a change waits: what would become of it; beside those of which one would wait: that.
    Part of the field's hint, so that it is read out with it."""
    language, policy = get_language(), profiles.fields_that_wait()
    for name, field in form.fields.items():
        key = form.key(name)
        if name in policy and key not in waits:
            field.help_text = format_html("{} {}", field.help_text, _("A change waits for the secretariat."))
        if asked := waits.get(key):
            old, new = (profile_fields.in_words(key, value, language) for value in (live[key], asked.new))
            told = {"pieces": differences.between(old, new), "since": day(localising.local_day(asked.at))}
            told["text_language"] = profile_fields.apart(key)[1]
            field.help_text = format_html("{} {}", field.help_text, render_to_string("members/my/_waits.html", told))


def _texts(stored: Values, waits: Mapping[str, ProfileChange]) -> list[dict[str, object]]:
    """The descriptions of a member, by language, the original first."""
    original = stored.get("original_language", "")
    order = [original, *(code for code in alternates.LANGUAGES if code != original)] if original else []
    keys = {code: profile_fields.key_of("description", code) for code in order}
    return [
        {
            "code": code,
            "name": alternates.own_name(code),
            "is_original": code == original,
            "is_written": bool(stored[key]),
            "waits": key in waits,
        }
        for code, key in keys.items()
    ]
