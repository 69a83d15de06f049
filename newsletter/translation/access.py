"""Who may write in which languages."""

from newsletter import translating
from newsletter.models import Translator
from picum.accounts.models import User

ALL = ("newsletter.change_item", "newsletter.approve_text")


def languages_of(user: User) -> list[str]:
    """Languages in which somebody may write, in the order of the masthead: all for editors, their own for translators.
    One query at most, beside those of the permissions."""
    if any(user.has_perm(permission) for permission in ALL):
        return translating.LANGUAGES
    if not user.has_perm("newsletter.translate_text"):
        return []
    own = Translator.objects.filter(user=user).values_list("languages", flat=True).first() or ""
    return [code for code in translating.LANGUAGES if code in own.split()]


def may_approve(user: User) -> bool:
    return user.has_perm("newsletter.approve_text")
