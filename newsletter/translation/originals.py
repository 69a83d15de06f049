"""An item gets another original language: its translations then say revisions of another text."""

from django.db import transaction

from newsletter.models import Item, Text
from newsletter.translation import texts


@transaction.atomic
def turned(item: Item, *, was: str) -> None:
    """The item's original language, stored already, was another one before. What said the old original says the new
    one as it is now, the old original itself too; what was outdated stays outdated, and if the new original was, all
    others are."""
    old = texts.find(item, was)
    new = texts.find(item, item.original_language)
    behind = texts.is_outdated_by(old, new.source_number)
    for text in Text.objects.select_for_update().filter(item=item).exclude(pk=new.pk):
        said = old.number if text.pk == old.pk else text.source_number
        fields = {"source_number": _now_says(said, old, new, behind=behind)}
        if text.working is not None:
            said = old.number if text.pk == old.pk else text.working_source
            fields["working_source"] = _now_says(said, old, new, behind=behind)
        Text.objects.filter(pk=text.pk).update(**fields)
    Text.objects.filter(pk=new.pk).update(source_number=None, working_source=None)


def _now_says(said: int | None, old: Text, new: Text, *, behind: bool) -> int | None:
    """The revision of the new original that stands for one of the old; 0 is before the first."""
    if not new.number:
        return None
    return 0 if behind or texts.is_outdated_by(old, said) else new.number
