"""Addresses of members' public pages."""

from django.utils.text import slugify

from members.models import Member


def free_slug(name: str, *, besides: int | None = None) -> str:
    """An address that no other member has, made from a name."""
    stem = slugify(name)[:70] or "member"
    taken = set(Member.objects.exclude(pk=besides).filter(slug__startswith=stem).values_list("slug", flat=True))
    return next(slug for slug in (stem, *(f"{stem}-{number}" for number in range(2, 10_000))) if slug not in taken)
