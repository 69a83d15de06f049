"""What the directory shows of a member, the code of conduct, documents for members, and leaving."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from members import conduct, documents, leaving, public, register, shelf, visibility
from members.access import Seat, seated
from members.forms.my import NoticeForm, SignatureForm, VisibilityForm
from members.models import CodeOfConduct, Document, Kind, Level
from members.views.page import day, page
from picum import alternates, localising

FORM = ["GET", "HEAD", "POST"]


@seated("profile")
@require_http_methods(FORM)
def directory(request: HttpRequest, seat: Seat) -> HttpResponse:
    """What the public may see of an organisation, field by field, and how it looks to them now."""
    if seat.member.kind == Kind.PERSON:
        return page(request, seat, "directory", "not_for_people")
    stored = visibility.choices_of(seat.member)
    form = VisibilityForm(request.POST if request.method == "POST" else None, stored=stored)
    if form.is_bound and form.is_valid():
        visibility.choose(seat.member, form.wanted, as_read=form.as_read)
        messages.success(request, _("Saved. This is what the public sees from now on."))
        return redirect("members:my_directory", seat.member.handle)
    seen = public.find(seat.member.slug, on=timezone.localdate())
    context = {"form": form, "public": seen, "rows": _rows(seen, get_language()) if seen else []}
    return page(request, seat, "directory", "directory", **context)


def _rows(seen: public.PublicMember, language: str) -> list[tuple[str, str, str]]:
    """What the public sees of a member: label, words, and the language of these if it is their own. One query."""
    terms = public.terms(language)
    rows = [
        (_("Country of representation"), localising.country_name(seen.country, language), ""),
        (_("Type"), terms.types.get(seen.type, seen.type), ""),
        (_("Level"), str(Level(seen.level).label) if seen.level else "", ""),
        (_("Activity areas"), " · ".join(terms.areas.get(key, key) for key in seen.areas), ""),
        (_("Rights"), " · ".join(terms.rights.get(key, key) for key in seen.rights), ""),
        (_("Website"), seen.website, ""),
        (_("Mail address"), seen.email, ""),
        (_("Telephone"), seen.telephone, ""),
        (_("Address"), ", ".join(filter(None, [seen.street, f"{seen.postcode} {seen.city}".strip()])), ""),
        *((alternates.own_name(code), text, code) for code, text in seen.texts.items()),
    ]
    return [row for row in rows if row[1]]


@seated("conduct")
@require_http_methods(FORM)
def sign(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The code of conduct that counts now: to be read, and signed once."""
    code = conduct.in_force(on=timezone.localdate())
    if code is None:
        return page(request, seat, "conduct", "conduct")
    signature = seat.member.signatures.filter(code=code).first()
    posted = request.POST if request.method == "POST" else None
    form = SignatureForm(posted, initial={"code": code.pk, "name": seat.contact.name})
    if form.is_bound and form.is_valid() and _signed(request, seat, form):
        return redirect("members:conduct", seat.member.handle)
    text, language = conduct.text_in(code, get_language())
    context = {"code": code, "signature": signature, "form": form, "text": text, "text_language": language}
    context["in_force_from"] = day(code.in_force_from)
    context["signed_on"] = day(signature.signed_on) if signature else ""
    return page(request, seat, "conduct", "conduct", **context)


def _signed(request: HttpRequest, seat: Seat, form: SignatureForm) -> bool:
    """Sign the version that the person has read; or say why not, in the form."""
    code = get_object_or_404(CodeOfConduct, pk=form.cleaned_data["code"])
    try:
        conduct.sign(seat.member, code, name=form.cleaned_data["name"], by=request.user, now=timezone.now())
    except conduct.NotPossible as why:
        form.add_error(None, str(why))
        return False
    messages.success(request, _("Thank you: the code of conduct is signed."))
    return True


@seated("documents")
@require_safe
def papers(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Documents for members."""
    rows = documents.told(get_language(), on=timezone.localdate())
    return page(request, seat, "documents", "documents", documents=rows)


@seated("documents")
@require_safe
def paper(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """One of them, as a download."""
    published = Document.objects.filter(published_on__lte=timezone.localdate())
    document = get_object_or_404(published, pk=pk)
    return shelf.serve(document.file, name=document.name, content_type=document.content_type)


@seated("leave")
@require_http_methods(FORM)
def leave(request: HttpRequest, seat: Seat) -> HttpResponse:
    """What leaving means; then the same with a second button, which does it."""
    today = timezone.localdate()
    membership = leaving.running(seat.member, on=today)
    if membership is None:  # admitted from a day that lies ahead
        raise Http404
    if membership.until_on:
        context = {"until_on": day(membership.until_on), "given_on": day(membership.ended_on)}
        return page(request, seat, "leave", "leaving", **context)
    form = NoticeForm(request.POST if request.method == "POST" else None)
    is_valid = form.is_bound and form.is_valid()
    if is_valid and form.cleaned_data["sure"] and _noticed(request, seat, form, membership):
        return redirect("members:leave", seat.member.handle)
    context = {"form": form, "until_on": day(leaving.last_day(today)), "year": today.year, "asks": is_valid}
    return page(request, seat, "leave", "leave", **context)


def _noticed(request: HttpRequest, seat: Seat, form: NoticeForm, membership) -> bool:
    try:
        leaving.give_notice(membership, by=request.user, now=timezone.now(), why=form.cleaned_data["why"])
    except register.NotPossible as why:
        form.add_error(None, str(why))
        return False
    return True
