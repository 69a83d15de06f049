"""The site's own pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from members import applying, forgetting, former_people
from newsletter import archive, retention
from picum import alternates
from picum.areas.models import Area, Right


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Who PICUM is, the newest issue in the language of the page, the five areas and the eight rights.

    `/` leads here: LocaleMiddleware redirects it, for now and by Accept-Language.
    """
    context = {
        "newest": archive.newest(get_language(), on=timezone.now()),
        "areas": Area.objects.prefetch_related("translations"),
        "rights": Right.objects.prefetch_related("translations"),
        "description": _(
            "PICUM, the Platform for International Cooperation on Undocumented Migrants: "
            "its newsletter in seven languages, its work and the rights it stands for."
        ),
    }
    return render(request, "pages/home.html", context | alternates.public_page("pages:home", default="/"))


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """What is kept about readers and members, why and for how long (GDPR, articles 13 and 14)."""
    kept = {
        "unconfirmed": retention.UNCONFIRMED,
        "left": retention.LEFT,
        "deliveries": retention.DELIVERIES,
        "drafts": applying.KEPT,
        "applications": forgetting.KEPT,
        "people": former_people.LEFT,
    }
    context = {
        "kept": {name: span.days for name, span in kept.items()},
        "description": _("What PICUM keeps about readers of its newsletter and about members, why, and for how long."),
    }
    return render(request, "pages/privacy.html", context | alternates.public_page("pages:privacy"))
