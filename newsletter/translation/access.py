"""Who may write in which languages."""

from django.db.models import Q

from newsletter import translating
from newsletter.models import Edition, Text, Translator
from picum.accounts.models import User

ALL = ("newsletter.change_item", "newsletter.approve_text")
TRANSLATE = "newsletter.translate_text"


def languages_of(user: User) -> list[str]:
    """Languages in which somebody may write, in the order of the masthead: all for editors, their own for translators.
    One query at most, beside those of the permissions."""
    if any(user.has_perm(permission) for permission in ALL):
        return translating.LANGUAGES
    if not user.has_perm(TRANSLATE):
        return []
    own = Translator.objects.filter(user=user).values_list("languages", flat=True).first() or ""
    return [code for code in translating.LANGUAGES if code in own.split()]


def may_approve(user: User) -> bool:
    return user.has_perm("newsletter.approve_text")


def may_store(user: User, text: Text) -> bool:
    """May their words become those that readers get? What went out, and stands in the archive, only editors change. One
    query, for translators."""
    if any(user.has_perm(permission) for permission in ALL):
        return True
    went_out = Q(frozen_at__isnull=False) | Q(published_at__isnull=False)
    return not Edition.objects.filter(went_out, issue=text.issue_id, language=text.language).exists()


def writers() -> dict[User, list[str]]:
    """Everybody who may write, by name, and in which languages. Three queries."""
    found: dict[User, list[str]] = {}
    own = {row.user_id: row.languages.split() for row in Translator.objects.all()}
    everywhere = set(_holding(*ALL).values_list("pk", flat=True))
    for user in sorted(_holding(*ALL, TRANSLATE), key=lambda user: str(user).casefold()):
        mine = translating.LANGUAGES if user.pk in everywhere else own.get(user.pk, [])
        if mine:
            found[user] = [code for code in translating.LANGUAGES if code in mine]
    return found


def _holding(*permissions: str):
    """The active staff with one of these permissions, by themselves or by a group."""
    codenames = [permission.partition(".")[2] for permission in permissions]
    own = {"user_permissions__content_type__app_label": "newsletter", "user_permissions__codename__in": codenames}
    of_group = {
        "groups__permissions__content_type__app_label": "newsletter",
        "groups__permissions__codename__in": codenames,
    }
    people = User.objects.filter(is_active=True, is_staff=True)
    return people.filter(Q(is_superuser=True) | Q(**own) | Q(**of_group)).distinct()
