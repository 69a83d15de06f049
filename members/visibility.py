"""What the public may see of an organisation: a choice for each thing, made by the member. Individuals have none."""

from collections.abc import Mapping

from django.db import transaction

from members.models import Kind, Member, Shown

IN_DIRECTORY, OPEN_DATA = "in_directory", "open_data"
CHOICES = (IN_DIRECTORY, *Shown.values, OPEN_DATA)


class NotForPeople(Exception):
    """Individual members are never in the directory."""


def choices_of(member: Member) -> dict[str, bool]:
    """Each choice as it is now, by its name in CHOICES."""
    shown = {what: what in member.shown for what in Shown.values}
    return {IN_DIRECTORY: member.in_directory, **shown, OPEN_DATA: member.open_data}


@transaction.atomic
def choose(member: Member, wanted: Mapping[str, bool], *, as_read: Mapping[str, bool]) -> dict[str, bool]:
    """What the person has changed since they read the choices is changed, and nothing else: colleagues who tick other
    things at once keep theirs. Out of the directory is out of its lists too. Live at once; nobody is told. The choices
    as they are then. Raises NotForPeople."""
    held = Member.objects.select_for_update().get(pk=member.pk)
    if held.kind == Kind.PERSON:
        raise NotForPeople
    now = choices_of(held)
    now |= {name: wanted[name] for name in CHOICES if wanted[name] != as_read.get(name, now[name])}
    now[OPEN_DATA] = now[OPEN_DATA] and now[IN_DIRECTORY]
    held.in_directory, held.open_data = now[IN_DIRECTORY], now[OPEN_DATA]
    held.shown = [what for what in Shown.values if now[what]]
    held.save(update_fields=["in_directory", "open_data", "shown"])
    return now
