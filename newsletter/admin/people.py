"""Who translates, into which languages, and with how much in hand; who is invited; and how one invites."""

from dataclasses import dataclass

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from newsletter.admin import guard
from newsletter.admin.people_forms import ROLES, InviteForm, LanguagesForm
from newsletter.models import Translator
from newsletter.rendering import language_name
from newsletter.translation import volunteers
from picum.accounts import inviting
from picum.accounts.desk import ReadOnlyAdmin
from picum.accounts.models import DeskInvitation, User

INVITE = (inviting.INVITE,)


@dataclass(frozen=True)
class Person:
    """A translator as the list shows them."""

    user: User
    languages: list[str]
    in_hand: int


@dataclass(frozen=True)
class Waiting:
    """An invitation as the list shows it. `may`: the person who looks could have sent it."""

    invitation: DeskInvitation
    roles: list[str]
    languages: list[str]
    is_open: bool
    until: object
    may: bool


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    guard.require(request, INVITE)
    shown = [_person(user) for user in volunteers.volunteers()]
    return _page(request, "people.html", _("Translators"), people=shown, invitations=_waiting(request.user))


@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Nobody is offered a role that they may not give; see `inviting.may_give`."""
    guard.require(request, INVITE)
    groups = inviting.may_give(request.user)
    first = {"language": "en", "roles": list(volunteers.roles().filter(pk__in=groups))}
    form = InviteForm(request.POST or None, groups=groups, spoken=get_language() or "en", initial=first)
    if form.is_valid():
        values = form.cleaned_data
        about = {"name": values["name"], "language": values["language"], "groups": values["roles"], "about": form.about}
        try:
            inviting.invite(values["address"], **about, by=request.user, now=timezone.now())
        except inviting.NotPossible as why:
            form.add_error(None, str(why))
        else:
            messages.success(request, _("An invitation is on its way to %s.") % values["address"])
            return _back()
    return _page(request, "invite.html", _("Invite somebody"), form=form)


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    return _press(request, pk, inviting.send_again, _("The invitation of %s is on its way once more."))


@require_POST
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    return _press(request, pk, inviting.take_back, _("The invitation of %s is void."))


def _press(request: HttpRequest, pk: int, deed, said: str) -> HttpResponse:
    guard.require(request, INVITE)
    invitation = get_object_or_404(_mine(request.user), pk=pk)
    try:
        deed(invitation, by=request.user, now=timezone.now())
    except inviting.NotPossible as why:
        messages.error(request, str(why))
    else:
        messages.success(request, said % invitation.name)
    return _back()


@require_http_methods(["GET", "HEAD", "POST"])
def languages(request: HttpRequest, pk: int) -> HttpResponse:
    """Into which languages somebody translates."""
    guard.require(request, INVITE)
    user = get_object_or_404(volunteers.volunteers(), pk=pk)
    first = {"languages": _codes(user)}
    form = LanguagesForm(request.POST or None, spoken=get_language() or "en", initial=first)
    if form.is_valid():
        volunteers.into_languages(user, form.cleaned_data["languages"], by=request.user)
        messages.success(request, _("The languages of %s are stored.") % user)
        return _back()
    return _page(request, "translator.html", str(user), form=form, person=user)


@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks; by POST somebody does not translate any more."""
    guard.require(request, INVITE)
    user = get_object_or_404(volunteers.volunteers(), pk=pk)
    if request.method != "POST":
        return _page(request, "translator_leaves.html", _("%s does not translate any more?") % user, person=user)
    number = volunteers.take_away(user, by=request.user)
    words = ngettext(
        "%(person)s does not translate any more; %(number)d text has nobody now.",
        "%(person)s does not translate any more; %(number)d texts have nobody now.",
        number,
    )
    messages.success(request, words % {"person": user, "number": number})
    return _back()


def _mine(by: User):
    """The invitations that somebody could have sent: those of which they may give every role."""
    others = DeskInvitation.groups.through.objects.exclude(group__in=inviting.may_give(by))
    return inviting.waiting().exclude(pk__in=others.values("deskinvitation"))


def _waiting(by: User) -> list[Waiting]:
    may, now = set(_mine(by).values_list("pk", flat=True)), timezone.now()
    return [
        Waiting(
            invitation=one,
            roles=[_(group.name) if group.name in ROLES else group.name for group in one.groups.all()],
            languages=_names(one.about.get("languages", "").split()),
            is_open=inviting.is_open(one, now=now),
            until=inviting.until(one),
            may=one.pk in may,
        )
        for one in inviting.waiting().select_related("invited_by").prefetch_related("groups")
    ]


def _person(user: User) -> Person:
    return Person(user, _names(_codes(user)), user.in_hand)


def _codes(user: User) -> list[str]:
    return user.translator.languages.split() if hasattr(user, "translator") else []


def _names(codes: list[str]) -> list[str]:
    return [language_name(code, get_language() or "en") for code in codes]


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:newsletter_translator_changelist"))


def _page(request: HttpRequest, template: str, title: str, **context) -> HttpResponse:
    shared = admin.site.each_context(request) | {"title": title, "opts": Translator._meta}
    return render(request, f"newsletter/admin/{template}", shared | context)


@admin.register(Translator)
class TranslatorAdmin(ReadOnlyAdmin):
    """The list, and what is done from it."""

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm(inviting.INVITE)

    def has_module_permission(self, request):
        return self.has_view_permission(request)

    def get_urls(self):
        own = [
            ("", people, "changelist"),
            ("invite/", invite, "invite"),
            ("invitations/<int:pk>/again/", again, "again"),
            ("invitations/<int:pk>/back/", take_back, "take_back"),
            ("<int:pk>/", languages, "languages"),
            ("<int:pk>/leave/", leave, "leave"),
        ]
        return [
            path(route, self.admin_site.admin_view(view), name=f"newsletter_translator_{name}")
            for route, view, name in own
        ]
