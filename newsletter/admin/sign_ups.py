"""Sign-ups that wait to be confirmed, the mails that were asked for, and the brake that holds them back when there are
too many: a person looks at them then, and lets them go or discards them."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from newsletter import outbox
from newsletter.admin import guard
from newsletter.admin.keyset import SEE_READERS, AddressKeyAdmin
from newsletter.models import Consent, SignUp, SystemMail
from picum.accounts.lists import Choice, ReadOnly

RELEASE = "newsletter.release_systemmail"
LOOK = (RELEASE, "newsletter.view_systemmail")
ALL = ""  # instead of a reason


class WithAddress(ReadOnly, AddressKeyAdmin):
    """Rows that hold an address themselves: shown to those who may see readers."""

    change_list_template = "admin/newsletter/list_with_brake.html"

    def _may_see(self, request, names):
        may_see = request.user.has_perm(SEE_READERS)
        return [name for name in super()._may_see(request, names) if may_see or name not in {"address", "name"}]


# --- sign-ups ---------------------------------------------------------------------------------------------------------


class ConfirmedFilter(Choice):
    title = gettext_lazy("state")
    parameter_name = "state"
    narrows = False  # sign-ups live for days

    def lookups(self, request, model_admin):
        return [("waiting", gettext_lazy("waits to be confirmed")), ("confirmed", gettext_lazy("confirmed"))]

    def queryset(self, request, queryset):
        if self.value() is None:
            return queryset
        return queryset.filter(confirmed_at__isnull=self.value() == "waiting")


class RoadFilter(Choice):
    title = gettext_lazy("how")
    parameter_name = "how"

    def lookups(self, request, model_admin):
        roads = [Consent.How.FORM, Consent.How.EMBED, Consent.How.IMPORT, Consent.How.STAFF, Consent.How.MEMBER]
        return [(road.value, road.label) for road in roads]


@admin.register(SignUp)
class SignUpAdmin(WithAddress):
    fields = [
        *("address", "name", "languages", "areas", "how", "source", "wording"),
        *("created_at", "mailed_at", "confirmed_at"),
    ]
    list_display = ["created_at", "address", "languages", "how", "source", "mailed_at", "confirmed_at"]
    list_filter = [ConfirmedFilter, RoadFilter]


# --- the mails that were asked for ------------------------------------------------------------------------------------


class KindFilter(Choice):
    title = gettext_lazy("kind")
    parameter_name = "kind"
    narrows = False

    def lookups(self, request, model_admin):
        return SystemMail.Kind.choices


class StateFilter(Choice):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return SystemMail.State.choices


@admin.register(SystemMail)
class SystemMailAdmin(WithAddress):
    """Mails with a link for one person: what became of them. Their words are written when they are sent."""

    fields = [
        *("kind", "address", "language", "state", "reason", "released", "attempts"),
        *("created_at", "due_at", "changed_at"),
    ]
    readonly_fields = ["reason"]
    list_display = ["created_at", "kind", "address", "language", "state", "reason", "changed_at"]
    list_filter = [StateFilter, KindFilter]

    def get_urls(self):
        page = path("brake/", self.admin_site.admin_view(brake), name="newsletter_systemmail_brake")
        return [page, *super().get_urls()]

    @admin.display(description=gettext_lazy("why"))
    def reason(self, mail):
        return in_words(mail.why) or "–"


def in_words(why: str) -> str:
    """What `SystemMail.why` says; as it is stored, where nobody has words for it."""
    return str(dict(outbox.Why.choices).get(why, why))


# --- the brake --------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def brake(request: HttpRequest) -> HttpResponse:
    """GET shows what is held back. POST with "send" lets it go, for one reason or for all of them; with "discard" it
    asks once more, and with "discarded" does it."""
    guard.require(request, LOOK)
    held = outbox.held_counts()
    if request.method != "POST":
        return _show(request, held)
    guard.require(request, (RELEASE,))
    verb = next((name for name in ("send", "discard", "discarded") if name in request.POST), "")
    why = request.POST.get(verb, ALL)
    meant = [one for one in held if why in {ALL, one.why}]
    if verb == "discard" and meant:
        return _show(request, held, discard=why, number=sum(one.count for one in meant))
    if verb and meant:
        _do(request, verb, why)
    else:
        messages.info(request, _("Nothing is held back for this reason any more."))
    return HttpResponseRedirect(reverse("admin:newsletter_systemmail_brake"))


def _show(request: HttpRequest, held: list[outbox.Held], **asked) -> HttpResponse:
    return guard.page(
        request,
        "brake.html",
        _("Mails held back"),
        opts=SystemMail._meta,
        held=[(one, in_words(one.why)) for one in held],
        in_all=sum(one.count for one in held),
        may_release=request.user.has_perm(RELEASE),
        **asked,
    )


def _do(request: HttpRequest, verb: str, why: str) -> None:
    mails = SystemMail.objects.filter(state=SystemMail.State.HELD)
    mails = mails if why == ALL else mails.filter(why=why)
    if verb == "send":
        number = outbox.release(mails, by=request.user)
        words = ngettext("%s mail goes out now.", "%s mails go out now.", number)
    else:
        number = outbox.discard(mails, by=request.user)
        words = ngettext("%s mail was discarded.", "%s mails were discarded.", number)
    messages.success(request, words % number_format(number, force_grouping=True))
