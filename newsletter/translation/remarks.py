"""What translators and editors say to each other about a text."""

import datetime

from django.db import transaction

from newsletter.models import Remark, Text
from picum.accounts import audit
from picum.accounts.models import User

MOST = Remark._meta.get_field("words").max_length  # characters


@transaction.atomic
def write(text: Text, words: str, *, by: User, now: datetime.datetime) -> Remark | None:
    """A remark at a text; None where nothing was said. What is too long is cut. Audited; nobody is told."""
    said = words.replace("\r\n", "\n").strip()[:MOST]
    if not said:
        return None
    remark = Remark.objects.create(text=text, words=said, by=by, by_label=str(by)[:150], at=now)
    audit.record("text.remark", by=by, on=text)
    return remark


@transaction.atomic
def settle(remark: Remark, *, by: User, now: datetime.datetime) -> None:
    """Nothing is left to do about it. Audited, once."""
    if Remark.objects.filter(pk=remark.pk, settled_at=None).update(settled_at=now):
        audit.record("text.remark_settled", by=by, on=remark.text)
