"""What the demo's members write, what waits for approval, and the papers that lie there for them."""

import datetime

from members import documents, profiles, reports
from members.access import Seat
from members.models import Contact, Document, FieldReport, Member
from members.reports import Told
from newsletter.models import Issue, Item, Revision, Text
from newsletter.translation import texts
from picum.accounts.models import User
from picum.pages.demo.drawings import paper
from picum.pages.demo.organisations import read
from picum.pages.demo.timeline import done_on, last_assembly


def report_all(members: dict[str, Member], *, by: User, today: datetime.date) -> None:
    """Field reports in every state. One is in the issue “next”, translated, if there is that issue."""
    for one in read("reports")["reports"]:
        member = members.get(one["member"])
        author = member and Contact.objects.active().filter(member=member).first()
        if author:
            _report(one, member, author, by=by, today=today)


def _report(one: dict, member: Member, author: Contact, *, by: User, today: datetime.date) -> None:
    day = today - datetime.timedelta(days=one["days"])
    roles = frozenset(role.role for role in author.roles.all())
    with done_on(day) as moment:
        row = reports.send(Seat(member, author, roles), _told(one, today), now=moment)
    with done_on(day + datetime.timedelta(days=2)) as moment:
        match one["fate"]:
            case "asked":
                reports.ask(row, one["words"], by=by, now=moment)
            case "answered":
                reports.ask(row, one["words"], by=by, now=moment)
                reports.answer(row, one["answer"], contact=author, now=moment + datetime.timedelta(days=1))
            case "declined":
                reports.decline(row, one["words"], by=by, now=moment)
            case "withdrawn":
                reports.withdraw(row, contact=author, now=moment)
            case "taken":
                _take(row, by=by, now=moment)


def _told(one: dict, today: datetime.date) -> Told:
    embargo = one.get("embargo")
    return Told(
        language=one["language"],
        title=one["title"],
        text=one["text"],
        countries=one["countries"],
        areas=one["areas"],
        rights=one["rights"],
        may_publish=one["may_publish"],
        embargo_until=today + datetime.timedelta(days=embargo) if embargo else None,
        anonymous=one.get("anonymous", False),
    )


def _take(row: FieldReport, *, by: User, now: datetime.datetime) -> None:
    """In the words of the desk; then the translators do their part, and nothing is missing for that issue."""
    issue = Issue.objects.filter(slug="next").first()
    if issue is None:
        return
    item = read("reports")["item"]
    words = {code: words for code, words in item.items() if isinstance(words, dict)}
    number = reports.take(row, issue=issue.pk, section=item["section"], by=by, now=now, **words[row.language])
    item = Item.objects.get(pk=number)
    texts.approve(texts.find(item, row.language), by=by, now=now)
    fields = {"state": Text.State.APPROVED, "how": Revision.How.PAGE, "by": by, "now": now}
    for code in words.keys() - {row.language}:
        said = {"title": words[code]["title"], "text": f"<p>{words[code]['text']}</p>"}
        texts.store(texts.find(item, code), said, **fields)


def wish(members: dict[str, Member], *, today: datetime.date) -> None:
    """Two organisations want to be called, or registered, otherwise: that waits for the secretariat."""
    wishes = {
        "Rua Aberta": {"name": "Rua Aberta – Casa de Passagem", "telephone": "+351 21 000 00 17"},
        "Offene Tür Leinetal": {"registration_number": "VR 000 417 Hannover"},
    }
    for ago, (name, values) in enumerate(wishes.items(), 2):
        user = User.objects.filter(contacts__member=members[name], contacts__roles__role="contact").first()
        with done_on(today - datetime.timedelta(days=ago)) as moment:
            profiles.change(members[name], values, by=user, now=moment)


def publish(*, today: datetime.date) -> None:
    """Three papers for members."""
    for position, one in enumerate(read("documents")["documents"], 1):
        document = Document(
            position=position,
            language=one["language"],
            published_on=last_assembly(today) + datetime.timedelta(days=10 - position),
        )
        documents.put_in(document, paper(one["name"], one["heading"], one["paragraphs"]))
        document.save()
        for code, title in one["title"].items():
            document.translations.create(language_code=code, title=title)
