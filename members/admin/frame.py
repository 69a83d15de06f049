"""Pages of ours in the frame of the desk, and who may open them."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def require(request: HttpRequest, *permissions: str) -> None:
    """One of these permissions ("members.change_member"), or 403."""
    if not any(request.user.has_perm(permission) for permission in permissions):
        raise PermissionDenied


def page(request: HttpRequest, template: str, title: str, *, model, status: int = 200, **context) -> HttpResponse:
    """`templates/members/admin/<template>`, of the part of the desk where `model` is."""
    shared = admin.site.each_context(request) | {"title": title, "opts": model._meta}
    return render(request, f"members/admin/{template}", shared | context, status=status)
