"""Letting applications go when nobody asks about the decision any more, with their papers, their referees and what was
said about them."""

import datetime

from django.db import transaction
from django.db.models import QuerySet

from members import shelf
from members.models import Application, ApplicationEntry, Paper, Referee
from picum.accounts.models import AuditEntry

State = Application.State
KEPT = datetime.timedelta(days=400)  # the assembly after the next one may still ask


@transaction.atomic
def expire_applications(*, now: datetime.datetime) -> int:
    """Delete applications that were declined, refused or withdrawn 400 days ago, with their files; their names go from
    the audit trail. Of those who were admitted then, the dates and the statutes stay: their answers live on in the
    member's profile. How many in all."""
    ended = Application.objects.filter(state__in=Application.FINAL, state_since__lt=now - KEPT).select_for_update()
    nowhere = list(ended.exclude(state=State.ADMITTED).values_list("pk", flat=True))
    _discard(Paper.objects.filter(application__in=nowhere))
    trail = AuditEntry.objects.filter(object_type=Application._meta.label_lower, object_id__in=map(str, nowhere))
    trail.update(object_label="")
    Application.objects.filter(pk__in=nowhere).delete()
    # An empty address: it was done before.
    members = list(ended.filter(state=State.ADMITTED).exclude(email="").values_list("pk", flat=True))
    _discard(Paper.objects.filter(application__in=members).exclude(kind=Paper.Kind.STATUTES))
    Referee.objects.filter(application__in=members).delete()
    said = ApplicationEntry.objects.filter(application__in=members)
    said.exclude(kind=ApplicationEntry.Kind.MOVE).delete()
    said.update(words="")
    Application.objects.filter(pk__in=members).update(answers={}, email="", code_signed_by="")
    return len(nowhere) + len(members)


def _discard(papers: QuerySet[Paper]) -> None:
    for name in papers.values_list("file", flat=True):
        shelf.discard(name)
    papers.delete()
