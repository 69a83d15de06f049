"""Members that have given notice, and may still stay."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from members import leaving, register
from members.admin import frame
from members.models import Member, Membership

CHANGE = "members.change_member"
LOOK = (CHANGE, "members.view_member")


@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """Who leaves, and when: the next first."""
    frame.require(request, *LOOK)
    rows = leaving.notices(on=timezone.localdate()).prefetch_related("category__translations")
    context = {"notices": rows, "may_take_back": request.user.has_perm(CHANGE)}
    return frame.page(request, "notices.html", _("Notices to leave"), model=Member, **context)


@require_POST
def take_back(request: HttpRequest, number: int) -> HttpResponse:
    """The member stays, at its own word."""
    frame.require(request, CHANGE)
    membership = get_object_or_404(Membership.objects.select_related("member", "category"), pk=number)
    try:
        leaving.take_back(membership, by=request.user, now=timezone.now())
    except register.NotPossible as why:
        messages.error(request, str(why))
    else:
        messages.success(request, _("%s stays; its member contacts get a mail.") % membership.member)
    return HttpResponseRedirect(reverse("admin:members_notices"))


def urls(site: admin.AdminSite) -> list[URLPattern]:
    """Below the members' part of the desk."""
    return [
        path("notices/", site.admin_view(notices), name="members_notices"),
        path("notices/<int:number>/take-back/", site.admin_view(take_back), name="members_take_back"),
    ]
