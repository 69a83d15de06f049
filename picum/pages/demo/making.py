"""The demo's issue that is being written: who has which text, what is late, what a trainee's change made outdated."""

import datetime

from newsletter.models import Issue, Item, Revision, Text
from newsletter.translation import remarks, texts
from picum.accounts.models import User
from picum.localising import local_day
from picum.pages.demo import content

# (position in the pool, language): not begun yet.
MISSING = (
    {(at, "pt") for at in (4, 6, 8, 10, 14, 16, 18, 20, 22, 24)}
    | {(at, "nl") for at in (20, 24)}
    | {(8, "it"), (28, "it"), (28, "es")}
)
IN_REVIEW = {"nl": range(6), "it": range(2, 5), "de": range(9, 10)}
DRAFTS = {"it": range(5, 7), "fr": range(12, 14)}
# A number that a trainee corrects after it was translated: the item's place in the issue, and the words.
CORRECTED, BEFORE, AFTER = 1, "35 minutes", "45 minutes"
HALF = {"title": "Pedido de contributos sobre o registo de nascimento", "text": "<p>O Gabinete do Alto Comissariado"}
ASKED = "«Statement»: escrevemos «declaração» ou «comunicado»?"


def make(pool: list[dict], people: dict[str, User], *, now: datetime.datetime) -> Issue:
    """`people` by the name before the @ of their address. No mail leaves."""
    issue = content.make_following(pool, skip={place for place in MISSING if place[0] < len(pool)})
    items = list(issue.items.order_by("position"))
    for state, where in ((Text.State.REVIEW, IN_REVIEW), (Text.State.DRAFT, DRAFTS)):
        for language, positions in where.items():
            wanted = [items[at].pk for at in positions if at < len(items)]
            Text.objects.filter(item__in=wanted, language=language).update(state=state, approved_at=None)
    _hand_out(items, people, now=now)
    _correct(items[CORRECTED], by=people["mira"], now=now)
    return issue


def _hand_out(items: list[Item], people: dict[str, User], *, now: datetime.datetime) -> None:
    """Rui is late with Portuguese, and has begun one text; Greta has time for Dutch."""
    today = local_day(now)
    for name, language, day in (
        ("rui", "pt", today - datetime.timedelta(2)),
        ("greta", "nl", today + datetime.timedelta(4)),
    ):
        written = set(Text.objects.filter(item__in=items, language=language).values_list("item", flat=True))
        theirs = [texts.find(item, language) for item in items if item.pk not in written]
        texts.assign(theirs, to=people[name], due_on=day, by=people["mira"])
        if name == "rui" and theirs:
            texts.keep(theirs[0], HALF, seen=0, source_seen=1, by=people[name], now=now)
            remarks.write(theirs[0], ASKED, by=people[name], now=now)


def _correct(item: Item, *, by: User, now: datetime.datetime) -> None:
    """One sentence of the original: six translations do not say it yet."""
    source = texts.find(item, item.original_language)
    words = texts.stored_words(item, item.original_language)
    words["text"] = words["text"].replace(BEFORE, AFTER)
    fields = {"state": Text.State.APPROVED, "how": Revision.How.PAGE, "by": by, "now": now}
    texts.store(source, words, **fields)
