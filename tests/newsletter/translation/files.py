"""An issue to be translated elsewhere, and what comes back."""

from django.utils import timezone

from newsletter.models import Issue, Revision, Text
from newsletter.translation import texts
from newsletter.translation.exchange import importing, po, units, xliff
from picum.accounts.models import User
from tests.newsletter.factories import contents, make_issue, make_item

NOW = timezone.now()
TEXT = (
    '<p>A boat sank. <strong>Two</strong> people <a href="https://x.example/?a=1&amp;b=2">died</a>.<br>Nobody came.</p>'
    "<ul><li>One &lt;2&gt;</li></ul>"
)
PORTUGUESE = (
    '<p>Um barco afundou. <strong>Duas</strong> pessoas <a href="https://x.example/?a=1&amp;b=2">morreram</a>.'
    "<br>Ninguém veio.</p><ul><li>Um &lt;2&gt;</li></ul>"
)
FORMATS = {"xliff": xliff, "po": po}


def ines() -> User:
    return User.objects.create_user("ines@example.org", name="Ines")


def an_issue(**words) -> Issue:
    """With one item, "Boat", in English, and in `words` by language; around it there is nothing."""
    issue = make_issue(languages=[])
    make_item(issue, original="en", **{"en": ("Boat", TEXT)} | words)
    return issue


def sheets(issue, language="pt") -> list[units.Sheet]:
    issue = contents(issue)
    units.make_known(issue, language)
    return units.sheets(issue, language)


def written(issue, kind="xliff", language="pt") -> str:
    return FORMATS[kind].write(issue, language, sheets(issue, language), now=NOW)


def read(content: str | bytes, kind="xliff") -> units.File:
    return FORMATS[kind].read(content.encode() if isinstance(content, str) else content)


def returned(issue, language="pt", **targets) -> units.File:
    """The file of an issue with one item as somebody brings it back who has translated these sentences:
    `text_0_1="Um barco."`."""
    file = read(written(issue, language=language))
    said = {key.replace("_", "."): words for key, words in targets.items()}
    return units.File(
        file.language,
        [
            units.Returned(
                **{
                    name: said[one.key] if name == "target" and one.key in said else getattr(one, name)
                    for name in units.Returned.__dataclass_fields__
                }
            )
            for one in file.sentences
        ],
    )


def proposed(issue, file, language="pt"):
    return importing.propose(sheets(issue, language), file)


def kinds(issue, file, language="pt") -> dict[str, str]:
    """What becomes of each sentence that the file says something about."""
    proposals, strangers = proposed(issue, file, language)
    verdicts = [one for proposal in proposals for one in proposal.verdicts]
    return {one.returned.key: one.kind.value for one in [*verdicts, *strangers]}


def brought_in(issue, file, by, language="pt", now=NOW) -> list[tuple[str, str]]:
    """What came of each thing."""
    proposals, _strangers = proposed(issue, file, language)
    wishes = [importing.wish(one) for one in proposals if one.changes_something]
    outcomes = importing.apply(contents(issue), language, wishes, by=by, now=now)
    return [(one.what, one.why) for one in outcomes]


def store(item, language, title, text, *, by, **fields) -> Text:
    fields = {"state": Text.State.REVIEW, "how": Revision.How.PAGE, "now": NOW} | fields
    return texts.store(texts.find(item, language), {"title": title, "text": text}, by=by, **fields)
