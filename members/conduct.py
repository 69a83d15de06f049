"""The code of conduct that every member signs: which version counts, and who signed it for a member."""

import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from members.models import Application, CodeOfConduct, Member, Signature
from picum.accounts import audit
from picum.accounts.models import User


class NotPossible(ValueError):
    """It cannot be signed; the message says why to the person."""


def in_force(*, on: datetime.date) -> CodeOfConduct | None:
    """The version that counts on a day; None as long as there is none."""
    return CodeOfConduct.objects.filter(in_force_from__lte=on).prefetch_related("translations").first()


def text_in(code: CodeOfConduct, language: str) -> tuple[str, str]:
    """Its words in a language, or in English, or in whichever there are; and which language that is."""
    texts = {row.language_code: row.text for row in code.translations.all() if row.text.strip()}
    for wanted in (language, "en", *texts):
        if wanted in texts:
            return texts[wanted], wanted
    return "", language


def is_signed(code: CodeOfConduct) -> bool:
    """Whether anybody has signed it: its words must stay then."""
    signed = Application.objects.filter(code=code, code_signed_at__isnull=False)
    return Signature.objects.filter(code=code).exists() or signed.exists()


@transaction.atomic
def sign(member: Member, code: CodeOfConduct, *, name: str, by: User, now: datetime.datetime) -> Signature:
    """A person signs a version for a member, by name. Audited; nobody is told. Raises NotPossible when the version is
    not the one that counts now, or was signed for this member before."""
    held = CodeOfConduct.objects.select_for_update().get(pk=code.pk)
    today = timezone.localdate(now)
    if held != in_force(on=today):
        raise NotPossible(_("There is a newer version of the code of conduct. Please read it first."))
    signature, is_new = Signature.objects.get_or_create(
        member=member, code=held, defaults={"signed_on": today, "by": name.strip()}
    )
    if not is_new:
        raise NotPossible(_("This version was signed for you already."))
    audit.record("conduct.sign", by=by, on=member, version=held.version)
    return signature
