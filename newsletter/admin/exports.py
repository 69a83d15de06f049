"""Taking the list out of the house, as a CSV file. By POST alone, with a reason, and on record."""

from collections.abc import Callable

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from newsletter import exporting
from newsletter.admin import guard
from newsletter.admin.notes import ReasonForm
from newsletter.models import Subscriber
from picum import csvfile
from picum.areas.models import Area
from picum.localising import language_name

EXPORT = ("newsletter.export_subscriber",)
# What the list of readers calls its filters, so that what it shows is what is offered here.
CALLED = {"state": "state__exact", "language": "language", "area": "area", "source": "source"}


class ExportForm(ReasonForm):
    """Which readers, and what for."""

    state = forms.ChoiceField(label=gettext_lazy("State"), required=False, initial=Subscriber.State.SUBSCRIBED)
    language = forms.ChoiceField(label=gettext_lazy("First language"), required=False)
    area = forms.ChoiceField(label=gettext_lazy("Area"), required=False)
    source = forms.CharField(label=gettext_lazy("Where they came from"), max_length=100, required=False)
    field_order = ["state", "language", "area", "source", "note"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        every = ("", _("all"))
        known = [(code, language_name(code, get_language() or "en")) for code, _name in settings.LANGUAGES]
        areas = Area.objects.prefetch_related("translations")
        self.fields["state"].choices = [every, *Subscriber.State.choices]
        self.fields["language"].choices = [every, *known]
        self.fields["area"].choices = [every, *((area.key, str(area)) for area in areas)]
        self.fields["note"].label = _("What for")


@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest) -> HttpResponse:
    """GET asks which readers, and what for; POST gives the file."""
    guard.require(request, EXPORT)
    chosen = {field: request.GET[name] for field, name in CALLED.items() if name in request.GET}
    form = ExportForm(request.POST or None, initial=chosen)
    if not form.is_valid():
        return guard.page(request, "export.html", _("Export readers"), opts=Subscriber._meta, form=form)
    values = form.cleaned_data
    reason = values.pop("note")
    filters, delimiter = exporting.Filters(**values), csvfile.delimiter()
    pieces = exporting.export(filters, reason=reason, by=request.user, delimiter=delimiter)
    name = f"readers-{timezone.localdate():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8", headers=headers)


def urls(wrap: Callable) -> list:
    return [path("export/", wrap(export), name="newsletter_export")]
