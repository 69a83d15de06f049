"""Applying for membership: what it is, the steps of the form, and the page that tells what became of it."""

import datetime
import uuid
from collections.abc import Callable
from functools import wraps

from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, override

from members import applications, applying, conduct, shelf, steps
from members.forms.applying import Code, Papers, StepForm
from members.forms.asking import AnswerForm, StartForm
from members.forms.choosing import Lists
from members.models import Application, ApplicationEntry, Category, Paper
from members.views.by_link import by_link, for_anybody
from picum import alternates, localising
from picum.addresses import InvalidAddress
from picum.network import network_of

State = Application.State


@for_anybody
def start(request: HttpRequest) -> HttpResponse:
    """What membership is, and the form for an address. The same answer for every address."""
    now, context = timezone.now(), alternates.public_page("members:apply")
    categories = list(Category.objects.filter(is_open=True).prefetch_related("translations"))
    form = StartForm(request.POST if request.method == "POST" else None, categories=categories, now=now)
    context |= {"form": form, "categories": categories, "kept_days": applying.KEPT.days}
    if form.is_trapped:
        return render(request, "members/apply/start_done.html", context)
    status = 200
    if form.is_valid():
        wish, asked = form.cleaned_data, {"language": get_language(), "network": network_of(request), "now": now}
        try:
            applying.start(wish["address"], category=wish["category"], **asked)
        except InvalidAddress as error:
            form.add_error("address", str(error))
        except applying.TooMany as error:
            form.add_error(None, str(error))
            status = 429
        else:
            return render(request, "members/apply/start_done.html", context)
    return render(request, "members/apply/start.html", context, status=status)


def for_applicant(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view gets the application of the token; 410 in words when the draft was deleted, and once more the overview
    when it was sent meanwhile."""

    @by_link
    @wraps(view)
    def opened(request: HttpRequest, token: str, **arguments) -> HttpResponse:
        application = applying.found(token)
        if application is None:
            return render(request, "members/apply/gone.html", status=410)
        try:
            return view(request, application, token=token, **arguments)
        except (applying.NotADraft, applications.IllegalMove):
            return redirect("members:application", token)

    return opened


def for_draft(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """As `for_applicant`, for what can be done with drafts alone."""

    @for_applicant
    @wraps(view)
    def opened(request: HttpRequest, application: Application, **arguments) -> HttpResponse:
        if application.state != State.DRAFT:
            raise applying.NotADraft
        return view(request, application, **arguments)

    return opened


def _page(name: str, token: str, *args, **context) -> dict[str, object]:
    return {"token": token, "switch": alternates.versions(f"members:{name}", token, *args), **context}


def _lists() -> Lists:
    return Lists.on(timezone.localdate())


# --- the steps ----------------------------------------------------------------------------------------------------


@for_applicant
def overview(request: HttpRequest, application: Application, token: str) -> HttpResponse:
    """A draft: the steps, and what is done. Sent: what became of it, with the answer to a question."""
    if application.state != State.DRAFT:
        return _status(request, application, token)
    places = steps.places(application, _lists())
    context = _page(
        "application",
        token,
        application=application,
        places=places,
        next=next((place for place in places if not place.is_done), None),
        saved="saved" in request.GET,
        until=localising.day(applying.kept_until(application), get_language()),
    )
    return render(request, "members/apply/overview.html", context)


@for_draft
def step(request: HttpRequest, application: Application, token: str, key: str) -> HttpResponse:
    """One step. A post saves what it brings, valid or not, and goes on, leaves, or changes the language."""
    own, lists = steps.of(application), _lists()
    here = next((step for step in own if step.key == key), None)
    if here is None:
        raise Http404
    if request.method != "POST":
        return _step(request, application, token, here, here.opened(application, lists))
    form = here.form(request.POST, request.FILES, application=application, lists=lists, is_fresh=True)
    wanted = request.POST.get("language_of_page")
    language = wanted if wanted in alternates.LANGUAGES else get_language()
    is_valid = _save(form, application, language)
    if wanted == language:
        with override(language):
            return redirect("members:application_step", token, key)
    if request.POST.get("go") == "leave":
        return redirect(reverse("members:application", args=[token]) + "?saved")
    if not is_valid:
        return _step(request, application, token, here, form)
    following = own[own.index(here) + 1 :]
    return redirect(_address(token, following[0]) if following else reverse("members:application_send", args=[token]))


def _address(token: str, step: steps.Step) -> str:
    return reverse("members:application_step", args=[token, step.key])


def _save(form: StepForm, application: Application, language: str) -> bool:
    """Keep what the post brought; whether all of it is in order. What is refused only now, the form tells."""
    now = timezone.now()
    refusal = _refusal(form, application)
    is_valid = form.is_valid() and not refusal
    applying.save(application, form.kept(), language=language, now=now)
    if isinstance(form, Code) and form.shows_the_version_in_force:
        applying.sign(application, form.lists.code, by=form.cleaned_data.get("signed_by", ""), now=now)
    if refusal:
        form.add_error(None, refusal)
    if isinstance(form, Papers):
        is_valid = _attach(form, application) and is_valid
    return is_valid


def _refusal(form: Form, application: Application) -> str:
    """Why no file is taken; then none of them is looked at."""
    if not form.files:
        return ""
    try:
        applying.count_upload(application, now=timezone.now())
    except applying.TooMany as error:
        form.files.clear()
        return str(error)
    return ""


def _attach(form: Papers, application: Application) -> bool:
    for kind, paper in form.files_by_kind():
        try:
            applying.attach(application, kind, paper, now=timezone.now())
        except (applying.TooManyPapers, shelf.NotKept) as error:
            form.add_error(kind, str(error))
            return False
    return True


def _step(request: HttpRequest, application: Application, token: str, here: steps.Step, form: StepForm) -> HttpResponse:
    own = steps.of(application)
    place = own.index(here)
    context = _page("application_step", token, here.key, application=application, form=form, step=here)
    context |= {
        "number": place + 1,
        "number_of_steps": len(own),
        "title": here.title_for(application),
        "back": own[place - 1] if place else None,
    }
    if isinstance(form, Code) and form.lists.code:
        context["code"] = form.lists.code
        context["code_text"], context["code_language"] = conduct.text_in(form.lists.code, get_language())
    if isinstance(form, Papers):
        context |= {"papers": Paper.objects.filter(application=application), "most_papers": applying.MOST_PAPERS}
    return render(request, "members/apply/step.html", context)


@for_draft
def send(request: HttpRequest, application: Application, token: str) -> HttpResponse:
    """Everything once more, and the button that sends it."""
    if request.method == "POST":
        try:
            applying.send(application, now=timezone.now())
        except applying.Incomplete:
            return redirect("members:application_send", token)  # which says what is missing
        return redirect("members:application", token)
    places = steps.places(application, _lists())
    context = _page(
        "application_send",
        token,
        application=application,
        told=[(place, steps.told(place.form)) for place in places],
        papers=application.papers.all(),
        gaps=[place for place in places if not place.is_done],
    )
    return render(request, "members/apply/send.html", context)


# --- papers -------------------------------------------------------------------------------------------------------


@for_applicant
def paper(request: HttpRequest, application: Application, token: str, handle: uuid.UUID) -> HttpResponse:
    """A paper of one's own, as a download. 404 for those of others."""
    found = get_object_or_404(application.papers, handle=handle)
    return shelf.serve(found.file, name=found.name, content_type=found.content_type)


@for_draft
def remove_paper(request: HttpRequest, application: Application, token: str, handle: uuid.UUID) -> HttpResponse:
    """Takes it out of the draft (POST)."""
    if request.method == "POST":
        applying.remove(application, handle, now=timezone.now())
    return redirect("members:application_step", token, "papers")


# --- once it is sent ----------------------------------------------------------------------------------------------


def _status(request: HttpRequest, application: Application, token: str) -> HttpResponse:
    is_asked = application.state == State.ASKED
    form = None
    if is_asked:
        posted = request.method == "POST"
        form = AnswerForm(request.POST if posted else None, request.FILES if posted else None)
        if posted and _answered(form, application):
            return redirect("members:application", token)
    said = (ApplicationEntry.Kind.QUESTION, ApplicationEntry.Kind.ANSWER)
    context = _page(
        "application",
        token,
        application=application,
        form=form,
        is_final=application.state in Application.FINAL,
        since=_day(application.state_since),
        sent_on=_day(application.submitted_at),
        assembly=localising.day(application.assembly.date, get_language()) if application.assembly else "",
        entries=[(entry, _day(entry.at)) for entry in application.entries.filter(kind__in=said)],
        referees=application.referees.all(),
        papers=application.papers.all(),
    )
    return render(request, "members/apply/status.html", context)


def _day(moment: datetime.datetime | None) -> str:
    return localising.day(localising.local_day(moment), get_language()) if moment else ""


def _answered(form: AnswerForm, application: Application) -> bool:
    """Hand an answer over, with its paper; False when the form has something to say about it."""
    now = timezone.now()
    refusal = _refusal(form, application)
    if not form.is_valid():
        return False
    if refusal:
        form.add_error("paper", refusal)
        return False
    try:
        if paper := form.cleaned_data["paper"]:
            applying.attach(application, Paper.Kind.OTHER, paper, now=now)
    except (applying.TooManyPapers, shelf.NotKept) as error:
        form.add_error("paper", str(error))
        return False
    applications.answer(application, form.cleaned_data["words"], now=now)
    return True


@for_applicant
def withdraw(request: HttpRequest, application: Application, token: str) -> HttpResponse:
    """Asks once more, and then (POST) deletes a draft, or takes the application back."""
    is_draft = application.state == State.DRAFT
    if application.state in Application.FINAL:
        return redirect("members:application", token)
    if request.method != "POST":
        context = _page("application_withdraw", token, application=application, is_draft=is_draft)
        return render(request, "members/apply/withdraw.html", context)
    if is_draft:
        applying.discard(application)
        return render(request, "members/apply/gone.html", {"deleted": True})
    applications.withdraw(application, now=timezone.now())
    return redirect("members:application", token)
