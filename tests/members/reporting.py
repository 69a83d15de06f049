"""Field reports of a member in Lisbon, and the issue into which they come."""

import datetime

from django.utils.translation import gettext, override

from members.models import FieldReport
from members.reports import Told
from picum.areas.models import Area, Right
from tests.newsletter.factories import make_issue

NOW = datetime.datetime(2026, 5, 4, 10, 0, tzinfo=datetime.UTC)
TITLE = "Crianças sem lugar na escola"
TEXT = "Três crianças foram recusadas.\n\nA escola pediu um documento."
TOLD = Told(
    language="pt",
    title=TITLE,
    text=TEXT,
    countries=["PT", "ES"],
    areas=["monitoring"],
    rights=["education"],
    may_publish=True,
)


def in_portuguese(words: str) -> str:
    """What the site says in Portuguese."""
    with override("pt"):
        return gettext(words)


def make_report(member, *, contact=None, state="sent", areas=(), rights=(), **fields) -> FieldReport:
    """A report of 4 May 2026 in Portuguese that may be published, unless said otherwise."""
    report = FieldReport.objects.create(
        member=member,
        contact=contact,
        author_label=contact.name if contact else "",
        state=state,
        **{
            "language": "pt",
            "title": TITLE,
            "text": TEXT,
            "countries": ["PT"],
            "may_publish": True,
            "state_since": NOW,
            "created_at": NOW,
        }
        | fields,
    )
    report.areas.set(Area.objects.filter(key__in=areas))
    report.rights.set(Right.objects.filter(key__in=rights))
    return report


def october(**fields):
    """An issue with all editions being written and one item in all languages."""
    return make_issue("2026-10", items=1, **fields)
