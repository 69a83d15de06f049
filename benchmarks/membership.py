"""Members as the directory shows them."""

import datetime
import itertools

from django.db import transaction
from django.utils import timezone

from members.models import Category, FieldReport, Member, Membership, OrganisationType, Shown
from newsletter.models import Edition, Issue, Item, Section
from newsletter.translating import LANGUAGES
from picum.areas.models import Area, Right

COUNTRIES = "AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IT LT LU LV MA MT NL NO PL PT RO SE SI SK TN TR UA US"
TOWNS = ["Lisboa", "Łódź", "Köln", "Liège", "Malmö", "Palermo", "Αθήνα"]
WORDS = "Acompanhamos pessoas em situação irregular: à consulta, à escola, ao tribunal. We stand by people, every day. "
JOINED = datetime.date(2020, 5, 30)
QUERIES = [
    *("", "country=PT", "area=advocacy", "right=legal-aid&type=health", "country=PT&area=advocacy&right=shelter"),
    *("q=situacao", "q=lodz+people", "q=everyday&area=advocacy", "country=XX"),
]


@transaction.atomic
def make(number: int) -> list[str]:
    """So many organisations that show everything, in 35 countries, each with a description of some 750 characters in
    two languages; addresses of the directory's pages."""
    types = itertools.cycle(OrganisationType.objects.all())
    countries = itertools.cycle(COUNTRIES.split())
    members = Member.objects.bulk_create(
        Member(
            name=f"Organisation for the Rights of Undocumented People {one}",
            slug=f"organisation-{one}",
            country=next(countries),
            type=next(types),
            city=TOWNS[one % len(TOWNS)],
            email=f"office@organisation{one}.example",
            original_language="pt",
            in_directory=True,
            open_data=True,
            shown=[str(what) for what in Shown],
        )
        for one in range(number)
    )
    texts = Member._parler_meta.root_model
    texts.objects.bulk_create(
        texts(master=member, language_code=code, description=WORDS * 7) for member in members for code in ("pt", "en")
    )
    for through, name, rows in ((Member.areas.through, "area", Area), (Member.rights.through, "right", Right)):
        some = itertools.cycle(itertools.combinations(rows.objects.all(), 3))
        through.objects.bulk_create(through(member=member, **{name: row}) for member in members for row in next(some))
    category = Category.objects.get(key="affiliated")
    period = {"category": category, "joined_on": JOINED, "from_on": JOINED, "decided_by": "assembly"}
    Membership.objects.bulk_create(Membership(member=member, **period) for member in members)
    _reported(members[0])
    pages = [f"/{code}/members/" for code in ("en", "pt")]
    lists = [f"{page}?{query}" if query else page for page in pages for query in QUERIES]
    return [*lists, f"{pages[0]}organisation-0/", f"{pages[0]}list.csv", f"{pages[0]}list.json"]


def _reported(member: Member) -> None:
    """Twenty items of the newsletter came from it."""
    issue = Issue.objects.create(slug="reported", period=JOINED)
    Edition.objects.bulk_create(Edition(issue=issue, language=code, published_at=timezone.now()) for code in LANGUAGES)
    for number in range(20):
        item = Item.objects.create(issue=issue, section=Section.objects.first(), position=number)
        for code in LANGUAGES:
            item.translations.create(language_code=code, title=f"Item {number}", text=f"<p>{WORDS}</p>")
        told = {"language": "pt", "title": "t", "text": "t", "may_publish": True, "state": FieldReport.State.TAKEN}
        FieldReport.objects.create(member=member, item_number=item.pk, **told)
