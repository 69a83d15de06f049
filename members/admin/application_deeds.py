"""What staff do about an application: each deed has a page that asks, and calls the function that everybody calls."""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods

from members import applications, register, waiting
from members.admin import frame
from members.models import Application, Category
from picum.accounts.models import User

State = Application.State
VIEW, ASSESS, DECIDE = (f"members.{right}_application" for right in ("view", "assess", "decide"))


# --- forms ----------------------------------------------------------------------------------------------------------


class SeenForm(forms.Form):
    """Carries the state that the person saw: if it is another one by now, the deed is refused."""

    state = forms.ChoiceField(choices=State.choices, widget=forms.HiddenInput)

    def __init__(self, *args, application: Application, **kwargs):
        super().__init__(*args, initial={"state": application.state, "category": application.category_id}, **kwargs)


class WordsForm(SeenForm):
    words = forms.CharField(
        label=gettext_lazy("Words"), max_length=4000, widget=forms.Textarea(attrs={"rows": 6, "cols": 60})
    )


class OptionalWordsForm(WordsForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["words"].required = False


class CategoryForm(SeenForm):
    category = forms.ModelChoiceField(Category.objects.none(), label=gettext_lazy("Category"))

    def __init__(self, *args, application: Application, **kwargs):
        super().__init__(*args, application=application, **kwargs)
        fitting = Category.objects.filter(for_whom=application.kind)
        self.fields["category"].queryset = fitting.prefetch_related("translations")


# --- deeds ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deed:
    """A button on an application's page, and what the page behind it asks and does. `states`: in which it is offered;
    whether it is possible, `members.applications` decides."""

    do_not_call_in_templates = True

    name: str
    permission: str
    states: tuple[State, ...]
    button: Promise
    explanation: Promise
    do: Callable[..., object]  # of the application and what the form asked, by= and now=
    done: Promise
    form: type[SeenForm] = WordsForm
    is_final: bool = False

    def is_for(self, user: User, application: Application) -> bool:
        offered = application.state in self.states and not (self.name == "complete" and application.complete_at)
        return offered and user.has_perm(self.permission)


def for_person(user: User, application: Application) -> list[Deed]:
    """What somebody may do about it now."""
    return [deed for deed in DEEDS.values() if deed.is_for(user, application)]


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """GET asks; POST does it."""
    if name not in DEEDS:
        raise Http404
    deed = DEEDS[name]
    frame.require(request, VIEW)
    frame.require(request, deed.permission)
    application = get_object_or_404(waiting.handed_in().select_related("category"), pk=pk)
    form = deed.form(request.POST if request.method == "POST" else None, application=application)
    if form.is_valid():
        _do(request, deed, application, **form.cleaned_data)
        return HttpResponseRedirect(reverse("admin:members_application_change", args=[pk]))
    return frame.page(
        request, "application_deed.html", deed.button, model=Application, application=application, deed=deed, form=form
    )


def _do(request: HttpRequest, deed: Deed, application: Application, *, state: str, **asked: object) -> None:
    """The deed, from the state that the person saw. What came of it, they are told."""
    application.state = state
    try:
        deed.do(application, **asked, by=request.user, now=timezone.now())
    except (applications.IllegalMove, register.NotPossible) as why:
        messages.error(request, str(why))
    else:
        messages.success(request, str(deed.done))


DEEDS = {
    deed.name: deed
    for deed in [
        Deed(
            "ask",
            ASSESS,
            (State.SUBMITTED,),
            gettext_lazy("Ask a question"),
            gettext_lazy("The applicant gets your question by mail, and answers on the page of the application."),
            applications.ask,
            gettext_lazy("The question is on its way."),
        ),
        Deed(
            "complete",
            ASSESS,
            (State.SUBMITTED, State.ASKED),
            gettext_lazy("Nothing is missing"),
            gettext_lazy("From now on the application waits for the board. Nobody gets a mail."),
            applications.complete,
            gettext_lazy("The application waits for the board."),
            form=SeenForm,
        ),
        Deed(
            "recommend",
            ASSESS,
            (State.SUBMITTED, State.DEFERRED),
            gettext_lazy("Recommend"),
            gettext_lazy(
                "The board is in favour. The application comes on the list for the next General Assembly, with what "
                "you write here. The applicant gets a mail, without these words."
            ),
            applications.recommend,
            gettext_lazy("The application is on the list for the General Assembly."),
            form=OptionalWordsForm,
        ),
        Deed(
            "decline",
            ASSESS,
            (State.SUBMITTED, State.ASKED),
            pgettext_lazy("an application", "Decline"),
            gettext_lazy(
                "The board is not in favour, and the application ends here. The applicant gets a mail with what you "
                "write: please say why, in their language."
            ),
            applications.decline,
            gettext_lazy("The application is declined."),
            is_final=True,
        ),
        Deed(
            "defer",
            DECIDE,
            (State.RECOMMENDED,),
            pgettext_lazy("an application", "Defer"),
            gettext_lazy(
                "The application leaves the list for the General Assembly until it is recommended once more. The "
                "applicant gets a mail with what you write."
            ),
            applications.defer,
            gettext_lazy("The application is deferred."),
            form=OptionalWordsForm,
        ),
        Deed(
            "category",
            ASSESS,
            (State.SUBMITTED, State.ASKED, State.RECOMMENDED, State.DEFERRED),
            gettext_lazy("Change the category"),
            gettext_lazy("In which category the applicant would be a member. Nobody gets a mail."),
            applications.set_category,
            gettext_lazy("The category is changed."),
            form=CategoryForm,
        ),
        Deed(
            "note",
            ASSESS,
            tuple(State),
            gettext_lazy("Add a note"),
            gettext_lazy("For colleagues alone: the applicant never sees it."),
            applications.note,
            gettext_lazy("The note is added."),
        ),
    ]
}
