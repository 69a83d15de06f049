"""What staff do about one reader: each deed is asked about once more, calls the function that everybody calls, and
leaves a line in the audit trail, with the reader's number and without the address."""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from newsletter import erasing, signing_up, subscriptions, wordings
from newsletter.admin import guard
from newsletter.admin.notes import NoteForm
from newsletter.models import Consent, Subscriber
from newsletter.translating import LANGUAGES
from picum.accounts import audit
from picum.accounts.models import User
from picum.addresses import InvalidAddress, reachable
from picum.localising import language_name

CHANGE, ERASE, ADD = (f"newsletter.{right}_subscriber" for right in ("change", "delete", "add"))


@dataclass(frozen=True)
class Deed:
    """A button on a reader's page, and the view of the page behind it."""

    do_not_call_in_templates = True

    name: str
    permission: str
    button: str | Promise
    explanation: str | Promise
    do: Callable[[HttpRequest, Subscriber, str], None]  # with the note; says what came of it
    only_subscribed: bool = False
    with_note: bool = False
    dangerous: bool = False

    @property
    def url(self) -> str:
        return f"admin:newsletter_subscriber_{self.name}"

    def is_for(self, user: User, reader: Subscriber) -> bool:
        possible = reader.state == Subscriber.State.SUBSCRIBED or not self.only_subscribed
        return possible and user.has_perm(self.permission)

    def __call__(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, pk, self)


def deeds_for(user: User, reader: Subscriber) -> list[Deed]:
    return [deed for deed in DEEDS.values() if deed.is_for(user, reader)]


@require_http_methods(["GET", "HEAD", "POST"])
def _page(request: HttpRequest, pk: int, deed: Deed) -> HttpResponse:
    """GET asks; POST does it."""
    guard.require(request, (deed.permission,))
    reader = get_object_or_404(Subscriber, pk=pk)
    form = (NoteForm if deed.with_note else forms.Form)(_posted(request))
    if form.is_valid():
        deed.do(request, reader, form.cleaned_data.get("note", ""))
        there = Subscriber.objects.filter(pk=pk).exists()
        url = reverse("admin:newsletter_subscriber_change", args=[pk]) if there else _list()
        return HttpResponseRedirect(url)
    return guard.page(
        request, "reader_deed.html", deed.button, opts=Subscriber._meta, reader=reader, deed=deed, form=form
    )


def _unsubscribe(request: HttpRequest, reader: Subscriber, note: str) -> None:
    with transaction.atomic():
        audit.record("subscriber.unsubscribe", by=request.user, reader=reader.pk, **({"note": note} if note else {}))
        subscriptions.unsubscribe(reader, how=Consent.How.STAFF)
    messages.success(request, _("The reader was unsubscribed and gets nothing any more."))


def _send_link(request: HttpRequest, reader: Subscriber, note: str) -> None:
    try:
        with transaction.atomic():
            audit.record("subscriber.link", by=request.user, reader=reader.pk)
            signing_up.ask_for_link(reader.address, language=reader.language, network="", now=timezone.now())
    except InvalidAddress as why:
        messages.error(request, str(why))
    else:
        messages.success(request, _("A mail with their personal links is on its way, if they had not many today."))


def _erase(request: HttpRequest, reader: Subscriber, note: str) -> None:
    try:
        with transaction.atomic():
            audit.record("subscriber.erase", by=request.user, reader=reader.pk)
            erasing.erase_reader(reader, how=Consent.How.STAFF, now=timezone.now())
    except erasing.NotWritten:
        words = _("Nothing was erased: the ledger of erasures cannot be written. Tell those who keep the machine.")
        messages.error(request, words)
    else:
        words = _("The reader is forgotten. Only the fingerprint of the address stays, on the stop list.")
        messages.success(request, words)


DEEDS = {
    deed.name: deed
    for deed in [
        Deed(
            "unsubscribe",
            CHANGE,
            pgettext_lazy("deed of staff", "Unsubscribe"),
            gettext_lazy(
                "The reader gets nothing any more, also of what is being sent now, and no import brings the address "
                "back. Only they themselves can, by signing up again."
            ),
            _unsubscribe,
            only_subscribed=True,
            with_note=True,
        ),
        Deed(
            "link",
            CHANGE,
            gettext_lazy("Send them their links"),
            gettext_lazy(
                "The reader gets a mail with the links to their preferences, to everything that is kept about them, "
                "and to leaving. Nobody here sees the links. An address gets no more than three such mails a day."
            ),
            _send_link,
        ),
        Deed(
            "erase",
            ERASE,
            gettext_lazy("Erase"),
            gettext_lazy(
                "Everything about the reader is deleted, here and now, for good. The fingerprint of the address stays "
                "on the stop list, so that no import brings it back, and in the consent ledger. Do this only when the "
                "person has asked for it."
            ),
            _erase,
            dangerous=True,
        ),
    ]
}


# --- asking somebody new ----------------------------------------------------------------------------------------------


class AddForm(forms.Form):
    """Whom to ask, and in which languages; `languages` is the order once the form is valid."""

    address = forms.CharField(label=gettext_lazy("Address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    first = forms.ChoiceField(label=gettext_lazy("First language"))
    second = forms.ChoiceField(label=gettext_lazy("Second language"), required=False)
    third = forms.ChoiceField(label=gettext_lazy("Third language"), required=False)
    source = forms.CharField(
        label=gettext_lazy("Where they came from"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("How they came to us, such as: conference in Lisbon, 2026."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        names = [(code, language_name(code, get_language() or "en")) for code in LANGUAGES]
        self.fields["first"].choices = names
        self.fields["second"].choices = self.fields["third"].choices = [("", "–"), *names]

    def clean_address(self) -> str:
        try:
            return reachable(self.cleaned_data["address"])
        except InvalidAddress as why:
            raise forms.ValidationError(str(why)) from None

    @property
    def languages(self) -> list[str]:
        chosen = (self.cleaned_data[name] for name in ("first", "second", "third"))
        return list(dict.fromkeys(code for code in chosen if code))


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Ask somebody whether they want to read: nobody is subscribed before they have confirmed it."""
    guard.require(request, (ADD,))
    form = AddForm(_posted(request))
    if form.is_valid():
        _ask(request, form)
        return HttpResponseRedirect(_list())
    return guard.page(request, "reader_add.html", _("Ask somebody to read"), opts=Subscriber._meta, form=form)


def _ask(request: HttpRequest, form: AddForm) -> None:
    languages = form.languages
    with transaction.atomic():
        audit.record("subscriber.ask", by=request.user, languages=" ".join(languages))
        signing_up.request(
            form.cleaned_data["address"],
            languages=languages,
            how=Consent.How.STAFF,
            source=form.cleaned_data["source"],
            wording=wordings.current(languages[0]),
            network="",
            now=timezone.now(),
        )
    words = _("They get a mail, and are readers as soon as they have confirmed it. Until then nothing else is sent.")
    messages.success(request, words)


def _posted(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _list() -> str:
    return reverse("admin:newsletter_subscriber_changelist")
