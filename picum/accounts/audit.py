"""The audit trail: every deed of staff leaves a line."""

from django.db import models

from picum.accounts.models import AuditEntry, User


def record(action: str, *, by: User | None, on: models.Model | None = None, **data) -> AuditEntry:
    """Write one line. `action` is dotted ("issue.send"); `by` None is the machine; `data` holds no secrets."""
    return AuditEntry.objects.create(
        actor=by,
        actor_label=str(by)[:150] if by else "",
        action=action,
        object_type=on._meta.label_lower if on else "",
        object_id=str(on.pk) if on else "",
        object_label=str(on)[:200] if on else "",
        data=data,
    )
