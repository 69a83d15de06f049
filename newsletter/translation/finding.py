"""Words that came by a road of their own, many at once."""

import datetime

from django.db import transaction

from newsletter.models import Issue, Item, Revision, Text
from newsletter.translation import texts

How, State = Revision.How, Text.State


@transaction.atomic
def find_all(issue: Issue, *, state: str, now: datetime.datetime) -> None:
    """What is written of an issue and not known as a text becomes one, with its words as the first revision, made of
    the original as it is. Six queries, whatever the size."""
    there = Issue.objects.prefetch_related("translations", "items__translations").get(pk=issue.pk)
    known = {(text.item_id, text.language): text.number for text in Text.objects.filter(issue=issue)}
    missing = [
        (Text(issue=there, item=thing if isinstance(thing, Item) else None, language=row.language_code), words)
        for thing in [there, *there.items.all()]
        for row in thing.translations.all()
        if texts.says_something(words := texts.stored_words(thing, row.language_code))
        and (thing.pk if isinstance(thing, Item) else None, row.language_code) not in known
    ]
    sources = known | {(text.item_id, text.language): 1 for text, _words in missing}
    for text, _words in missing:
        text.state, text.number, text.significant, text.changed_at = state, 1, 1, now
        original = texts.source_language(text)
        text.source_number = sources.get((text.item_id, original)) if text.language != original else None
        text.approved_at = now if state == State.APPROVED else None
    Text.objects.bulk_create(text for text, _words in missing)
    Revision.objects.bulk_create(
        Revision(text=text, number=1, words=words, how=How.FOUND, at=now) for text, words in missing
    )
