"""People who translate into some languages and see nothing else: which languages, what they have in hand, and how they
leave."""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from newsletter import translating
from newsletter.models import Text, Translator
from newsletter.translation import texts
from newsletter.translation.access import ALL, TRANSLATE
from picum.accounts import audit, inviting
from picum.accounts.models import User


def volunteers() -> QuerySet[User]:
    """Whoever works at the desk as a translator and does not edit, each with `in_hand`: how many texts they have that
    are not approved. One query, with their languages."""
    others = Q(groups__permissions__in=_permissions(*ALL)) | Q(user_permissions__in=_permissions(*ALL))
    mine = Q(groups__permissions__in=_permissions(TRANSLATE)) | Q(user_permissions__in=_permissions(TRANSLATE))
    pks = User.objects.filter(mine, is_staff=True, is_active=True, is_superuser=False).values("pk")
    open_ones = Text.objects.filter(assignee=OuterRef("pk")).exclude(state=Text.State.APPROVED)
    counted = open_ones.order_by().values("assignee").annotate(count=Count("pk")).values("count")
    in_hand = Coalesce(Subquery(counted, output_field=IntegerField()), 0)
    editors = User.objects.filter(others).values("pk")
    people = User.objects.filter(pk__in=pks).exclude(pk__in=editors)
    return people.select_related("translator").annotate(in_hand=in_hand).order_by("name", "email")


def roles() -> QuerySet[Group]:
    """The roles that let translate and do nothing else."""
    own = _permissions(TRANSLATE)
    others = Permission.objects.exclude(pk__in=own)
    return Group.objects.filter(permissions__in=own).exclude(permissions__in=others).distinct()


def into_languages(user: User, languages: Iterable[str], *, by: User | None) -> None:
    """Somebody translates into these languages from now on, and into no others. Audited; nobody is told."""
    spoken = _in_order(languages)
    Translator.objects.update_or_create(user=user, defaults={"languages": spoken})
    audit.record("translator.languages", by=by, on=user, languages=spoken)


@inviting.follows("languages")
def _welcome(user: User, languages: str) -> None:
    into_languages(user, languages.split(), by=user)


@transaction.atomic
def take_away(user: User, *, by: User) -> int:
    """Somebody does not translate any more: what they have in hand, and is not approved, is nobody's from now on, with
    its day; what they typed stays. Audited; nobody is told. Returns how many texts."""
    mine = list(Text.objects.filter(assignee=user).exclude(state=Text.State.APPROVED))
    for due_on in {text.due_on for text in mine}:
        texts.assign([text for text in mine if text.due_on == due_on], to=None, due_on=due_on, by=by)
    Translator.objects.filter(user=user).delete()
    user.user_permissions.remove(*_permissions(TRANSLATE))
    inviting.take_away(user, roles().filter(user=user), by=by)
    return len(mine)


def _in_order(languages: Iterable[str]) -> str:
    wanted = set(languages)
    return " ".join(code for code in translating.LANGUAGES if code in wanted)


def _permissions(*names: str) -> QuerySet[Permission]:
    wanted = Q(pk=None)
    for app, codename in (name.split(".") for name in names):
        wanted |= Q(content_type__app_label=app, codename=codename)
    return Permission.objects.filter(wanted)
