"""How many words to be avoided the board tells of. `texts` counts them where words are stored; here they are counted
again when the glossary has changed.
"""

from newsletter.models import Issue, Text
from newsletter.translation import texts
from newsletter.translation.avoided import avoided_in
from picum.doorbell import ring_once_on_commit

ISSUES = 6  # the latest of those of which something has not gone out yet


def glossary_changed() -> None:
    """A worker counts again, rung for on commit, or within the hour."""
    ring_once_on_commit("newsletter.upkeep", "count_avoided")


def count_again() -> int:
    """In the issues that are being made, by the present glossary; of how many texts the number is another one now."""
    unfinished = Issue.objects.newsletters().filter(editions__frozen_at=None).distinct().order_by("-period", "-pk")
    pks = list(unfinished.values_list("pk", flat=True)[:ISSUES])
    return sum(map(_count, Issue.objects.with_contents().filter(pk__in=pks)))


def _count(issue: Issue) -> int:
    things = {None: issue} | {item.pk: item for item in issue.items.all()}
    rows = [text for text in issue.texts.defer("working", "machine") if text.item_id in things and text.number]
    said = [(texts.stored_words(things[text.item_id], text.language), text.language) for text in rows]
    changed = 0
    for text, found in zip(rows, avoided_in(said), strict=True):
        if (number := len(set(found))) != text.avoided:
            # Unless somebody has stored other words meanwhile: those were counted then.
            changed += Text.objects.filter(pk=text.pk, number=text.number).update(avoided=number)
    return changed
