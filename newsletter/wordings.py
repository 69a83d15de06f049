"""The words of consent that readers are shown, kept for ever in each version that was ever used."""

import hashlib

from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from newsletter.models import Wording
from newsletter.translating import LANGUAGES


def text(language: str) -> str:
    """The consent text of today in a language: what the sign-up forms show, without markup."""
    with override(language):
        return _(
            "I want to receive the PICUM newsletter at this address, about once a month. PICUM keeps my address, my "
            "languages and the areas that I choose for this purpose only, gives my address to nobody but the service "
            "that delivers the mails, and does not watch what I read. I can leave at any time by a link in each mail, "
            "see everything that is kept about me, and have it erased."
        )


def digest(language: str) -> str:
    """What a form carries of the text that it shows."""
    return hashlib.sha256(f"{language}\n{text(language)}".encode()).hexdigest()


def current(language: str) -> Wording:
    """Today's text in a language. It is there since the last `migrate`, unless translations were compiled after it."""
    today = Wording.objects.filter(digest=digest(language))
    if (row := today.first()) is None:
        record()
        row = today.get()
    return row


def record(*, using: str = "default") -> int:
    """Give every text that is new since the last time its version; how many. After every `migrate`."""
    known = set(Wording.objects.using(using).values_list("digest", flat=True))
    new = [language for language in LANGUAGES if digest(language) not in known]
    for language in new:
        versions = Wording.objects.using(using).filter(language=language)
        Wording.objects.using(using).get_or_create(
            digest=digest(language),
            defaults={
                "language": language,
                "number": (versions.aggregate(last=Max("number"))["last"] or 0) + 1,
                "text": text(language),
                "first_used_at": timezone.now(),
            },
        )
    return len(new)
