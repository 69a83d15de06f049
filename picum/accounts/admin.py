from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.utils.translation import gettext_lazy as _

from picum import keyset
from picum.accounts import audit
from picum.accounts.forms import DeskSignInForm
from picum.accounts.lists import Choice, KeysetAdmin, ReadOnly
from picum.accounts.models import AuditEntry, User

admin.site.login_form = DeskSignInForm


@admin.register(User)
class PersonAdmin(UserAdmin):
    list_display = ["email", "name", "language", "is_staff", "is_active"]
    list_filter = ["is_staff", "is_active", "groups"]
    search_fields = ["email", "name"]
    ordering = ["email"]
    readonly_fields = ["last_login", "joined_at"]
    fieldsets = [
        (None, {"fields": ["email", "password", "name", "language"]}),
        (_("Permissions"), {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
        (_("Dates"), {"fields": ["last_login", "joined_at"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "name", "language", "usable_password", "password1", "password2"]})]

    # Who may do what here is the first thing that a trail of deeds is asked for.

    def log_addition(self, request, obj, message):
        audit.record("user.add", by=request.user, on=obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request, obj, message):
        audit.record("user.change", by=request.user, on=obj, **_rights(obj))
        return super().log_change(request, obj, message)

    def log_deletions(self, request, queryset):
        for obj in queryset:
            audit.record("user.delete", by=request.user, on=obj)
        return super().log_deletions(request, queryset)


def _rights(person: User) -> dict[str, object]:
    """What somebody may do now, for the trail."""
    return {
        "active": person.is_active,
        "staff": person.is_staff,
        "superuser": person.is_superuser,
        "groups": sorted(person.groups.values_list("name", flat=True)),
        "permissions": sorted(person.user_permissions.values_list("codename", flat=True)),
    }


NOBODY = "nobody"


class ActionFilter(Choice):
    title = _("action")
    parameter_name = "action"

    def lookups(self, request, model_admin):
        return [(action, action) for action in keyset.values(AuditEntry, "action")]


class ActorFilter(Choice):
    title = _("who")
    parameter_name = "actor"

    def lookups(self, request, model_admin):
        people = User.objects.filter(is_staff=True).order_by("name", "email")
        return [(NOBODY, _("nobody: the machine")), *((str(person.pk), str(person)) for person in people)]

    def queryset(self, request, queryset):
        return queryset.filter(actor=None) if self.value() == NOBODY else super().queryset(request, queryset)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly, KeysetAdmin):
    """Evidence: to be read, never changed."""

    list_display = ["at", "actor_label", "action", "thing", "data"]
    list_filter = [ActionFilter, ActorFilter]
    fields = ["at", "actor_label", "action", "object_type", "object_id", "object_label", "data"]

    @admin.display(description=_("thing"))
    def thing(self, entry):
        return entry.object_label or f"{entry.object_type} {entry.object_id}"
