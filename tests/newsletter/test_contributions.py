"""What others hand in becomes an item, keeps its day and its silence, and can be asked after."""

import datetime
import re

import pytest
from django.utils import timezone
from django.utils.html import escape

from members import reports
from newsletter import contributions, enqueue, problems, rendering
from newsletter.contributions import Contribution, Fate, NotPossible, OpenIssue
from newsletter.models import Edition, Issue, Item
from picum.accounts.models import AuditEntry
from tests.members.factories import make_contact, make_member
from tests.members.reporting import in_portuguese, make_report
from tests.newsletter import desk
from tests.newsletter.factories import LANGUAGES, contents, make_issue, make_item, make_subscriber
from tests.newsletter.test_archive import publish

pytestmark = pytest.mark.django_db
State = Edition.State
NOW = datetime.datetime(2026, 11, 3, 12, 0, tzinfo=datetime.UTC)
SCHOOL = Contribution(
    language="pt",
    title="Crianças sem escola",
    paragraphs=("Três foram recusadas <b>hoje</b>.", "A escola pediu\num documento."),
    source_outlet="Rua Aberta",
    source_title="Relato do terreno",
    source_date=datetime.date(2026, 5, 4),
    source_language="pt",
    countries=("PT", "ES"),
    areas=("monitoring",),
    rights=("education",),
)


@pytest.fixture
def carla():
    return desk.carla()


def take(contribution, issue, carla) -> Item:
    number = contributions.take(contribution, issue_number=issue.pk, section_key="borders", by=carla)
    return Item.objects.get(pk=number)


def embargoed(issue, day, carla) -> Item:
    return take(Contribution("pt", "Mais tarde", ("Texto.",), "Rua Aberta", not_before=day), issue, carla)


def days(number: int) -> datetime.timedelta:
    return datetime.timedelta(days=number)


# --- taking ---------------------------------------------------------------------------------------------------------


def test_a_contribution_becomes_an_item_with_its_words_and_its_source(carla):
    issue = make_issue()
    make_item(issue, "borders", position=4)
    item = take(SCHOOL, issue, carla)
    assert (item.issue, item.section.key, item.position, item.original_language) == (issue, "borders", 5, "pt")
    assert [country.code for country in item.countries] == ["ES", "PT"]
    assert [area.key for area in item.areas.all()] == ["monitoring"]
    assert [right.key for right in item.rights.all()] == ["education"]
    assert [(row.language_code, row.title, row.text) for row in item.translations.all()] == [
        (
            "pt",
            SCHOOL.title,
            "<p>Três foram recusadas &lt;b&gt;hoje&lt;/b&gt;.</p><p>A escola pediu<br>um documento.</p>",
        )
    ]
    source = item.sources.get()
    assert (source.outlet, source.title, source.date) == ("Rua Aberta", "Relato do terreno", SCHOOL.source_date)
    assert (source.language, source.url, source.position) == ("pt", "", 1)
    trail = AuditEntry.objects.get()
    assert (trail.action, trail.actor, trail.data) == ("item.contributed", carla, {"issue": "next"})


def test_the_preview_is_what_the_reader_sees_then(carla):
    shown = contributions.preview(SCHOOL)
    issue = make_issue()
    take(SCHOOL, issue, carla)
    entry = rendering.compose(contents(issue), "pt").entries[0]
    assert (shown.place, shown.title, shown.text) == (entry.place, entry.title, entry.text)
    assert shown.source == "Rua Aberta, «Relato do terreno», 4 de maio de 2026"
    assert entry.sources[0].name == "Rua Aberta, «Relato do terreno»"


def test_only_what_is_unfinished_and_no_circular_is_offered():
    make_issue("sent", state=State.READY).editions.update(state=State.SENDING, frozen_at=NOW)
    make_issue("a-circular", kind=Issue.Kind.CIRCULAR)
    half = make_issue("half", period=datetime.date(2026, 9, 1))
    half.editions.filter(language__in=["pt", "de"]).update(state=State.SENT, frozen_at=NOW)
    draft = make_issue("draft", period=datetime.date(2026, 12, 1))
    assert contributions.open_issues("de") == [
        OpenIssue(draft.pk, "Dezember 2026", ()),
        OpenIssue(half.pk, "September 2026", ("de", "pt")),
    ]


@pytest.mark.parametrize("state", [State.SCHEDULED, State.SENT])
def test_a_finished_issue_takes_nothing(state, carla):
    issue = make_issue()
    issue.editions.update(state=state, frozen_at=NOW, send_at=NOW)
    with pytest.raises(NotPossible, match="finished"):
        take(SCHOOL, issue, carla)
    assert not Item.objects.exists()


def test_what_is_not_there_takes_nothing(carla):
    issue, circular = make_issue(), make_issue("circular", kind=Issue.Kind.CIRCULAR)
    for number, section in [(issue.pk + 99, "borders"), (issue.pk, "no-such"), (circular.pk, "borders")]:
        with pytest.raises(NotPossible, match="no such issue or section"):
            contributions.take(SCHOOL, issue_number=number, section_key=section, by=carla)
    assert (Item.objects.count(), AuditEntry.objects.count()) == (0, 0)


def test_it_is_given_back_until_something_went_out(carla):
    issue = make_issue()
    item, kept = take(SCHOOL, issue, carla), make_item(issue)
    contributions.give_back(item.pk)
    contributions.give_back(item.pk)
    assert list(issue.items.all()) == [kept]
    assert AuditEntry.objects.filter(action="item.given_back", actor=None).count() == 1
    publish(issue, "it")
    with pytest.raises(NotPossible):
        contributions.give_back(kept.pk)
    assert list(issue.items.all()) == [kept]


# --- not before its day ---------------------------------------------------------------------------------------------


def ready(carla, day) -> tuple[Issue, Item]:
    issue = make_issue(items=1, state=State.READY)
    return issue, embargoed(issue, day, carla)


def test_an_edition_may_be_ready_but_does_not_go_out_before_the_day(carla):
    tomorrow = timezone.localdate() + days(1)
    issue, item = ready(carla, tomorrow)
    edition = contents(issue).editions.all()[0]
    edition.issue = contents(issue)
    found = problems.of(edition.issue, [edition.language])[edition.language]
    (note,) = [problem for problem in found if "must not appear yet" in problem.text]
    assert (note.blocking, note.items) == (False, (item,))
    with pytest.raises(enqueue.NotReady, match="1 item must not appear yet: this edition can go out on"):
        enqueue.send(issue, LANGUAGES, by=carla)
    with pytest.raises(enqueue.NotReady, match="must not appear yet"):
        enqueue.send(issue, LANGUAGES, by=carla, at=timezone.now() + datetime.timedelta(minutes=1))
    assert set(issue.editions.values_list("state", flat=True)) == {State.READY}
    enqueue.send(issue, LANGUAGES, by=carla, at=timezone.now() + days(2))
    assert set(issue.editions.values_list("state", flat=True)) == {State.SCHEDULED}


def test_what_came_into_a_scheduled_edition_sets_it_back_and_says_why(carla):
    issue, item = ready(carla, None)
    make_subscriber(languages="pt")
    enqueue.send(issue, ["pt"], by=carla, at=timezone.now() + datetime.timedelta(hours=1))
    Item.objects.filter(pk=item.pk).update(not_before=timezone.localdate() + days(40))
    assert enqueue.freeze_due(issue.pk, now=timezone.now() + datetime.timedelta(hours=1, minutes=1)) == []
    edition = issue.editions.get(language="pt")
    assert (edition.state, edition.deliveries.count()) == (State.READY, 0)
    assert "must not appear yet" in str(edition.reason)


def test_a_held_edition_is_not_let_go_before_the_day(carla):
    issue, _item = ready(carla, timezone.localdate() + days(3))
    edition = issue.editions.get(language="pt")
    Edition.objects.filter(pk=edition.pk).update(state=State.HELD, send_at=timezone.now() - days(1))
    edition.refresh_from_db()
    with pytest.raises(enqueue.NotReady, match="must not appear yet"):
        enqueue.release(edition, by=carla)


def test_an_edition_that_leaves_the_item_out_may_go(carla):
    issue, _item = ready(carla, timezone.localdate() + days(3))
    Issue.objects.update(fallback=Issue.Fallback.OMIT)
    enqueue.send(issue, ["de"], by=carla, at=timezone.now() + datetime.timedelta(hours=1))
    with pytest.raises(enqueue.NotReady):
        enqueue.send(issue, ["pt"], by=carla)


def test_the_send_page_refuses_the_moment_before_and_takes_the_one_after(carla):
    day = timezone.localdate() + days(5)
    issue, _item = ready(carla, day)
    browser, address = desk.at_the_desk(carla), desk.page("issue_send", issue.pk)
    assert "must not appear yet" in browser.get(address).content.decode()
    fields = {"languages": ["pt", "en"], "when": "now"}
    assert "must not appear yet" in browser.post(address, fields).context["form"].errors["when"][0]
    later = fields | {"when": "later", "time": "08:00", "date": (day - days(1)).isoformat()}
    assert list(browser.post(address, later).context["form"].errors) == ["date"]
    assert browser.post(address, later | {"date": day.isoformat()}).context["form"].errors == {}


def test_the_day_counts_by_our_clock(settings):
    issue = make_issue(items=1, state=State.READY)
    issue.items.update(not_before=datetime.date(2026, 6, 5))
    midnight = datetime.datetime(2026, 6, 4, 22, 0, tzinfo=datetime.UTC)  # in Brussels
    assert settings.TIME_ZONE == "Europe/Brussels"
    before, after = (
        problems.too_early(contents(issue), "en", at=midnight + datetime.timedelta(seconds=n)) for n in (-1, 0)
    )
    assert ([problem.blocking for problem in before], after) == ([True], [])


def test_an_issue_that_is_out_in_one_language_shows_nobody_the_item_before_its_day(carla, client):
    issue = make_issue(items=1)
    publish(issue, "en", "pt", at=NOW)
    item = embargoed(issue, timezone.localdate() + days(2), carla)
    addresses = ["/pt/newsletter/next/", "/en/newsletter/next/", "/pt/newsletter/feed/"]
    assert client.get(f"/pt/newsletter/items/{item.pk}/").status_code == 404
    assert all("Mais tarde" not in client.get(address).content.decode() for address in addresses)
    assert contributions.published([item.pk], "pt", on=timezone.now()) == []
    Item.objects.update(not_before=timezone.localdate())
    assert client.get(f"/pt/newsletter/items/{item.pk}/").status_code == 200
    assert all("Mais tarde" in client.get(address).content.decode() for address in addresses)


def test_readers_who_are_served_late_by_an_edition_that_went_out_do_not_get_it_either(carla):
    boris = make_subscriber("boris@example.org", languages="it en")
    issue = make_issue(items=1, state=State.READY)
    issue.editions.filter(language="it").update(state=State.DRAFT)
    enqueue.send(issue, ["en"], by=carla)
    enqueue.freeze_due(issue.pk)
    embargoed(issue, timezone.localdate() + days(2), carla)
    boris.languages = "it en nl"  # nobody had this order before: his mail is looked at anew
    boris.save(update_fields=["languages"])
    assert enqueue.give_up(issue, ["it"], by=carla) == 1
    renditions = issue.editions.get(language="en").renditions.all()
    assert ["Item 1" in one.html for one in renditions] == [True] * len(renditions)
    assert ["Mais tarde" in one.html + one.text for one in renditions] == [False] * len(renditions)


def test_editors_see_and_change_the_day(carla):
    item = embargoed(make_issue(), datetime.date(2026, 12, 1), carla)
    page = desk.at_the_desk(carla).get(desk.page("item_change", item.pk)).content.decode()
    assert 'name="not_before" value="2026-12-01"' in page


# --- naming neither place nor person --------------------------------------------------------------------------------


@pytest.fixture
def silent(carla):
    """A report that names nobody, taken into an issue that is published, and what must not be found."""
    member = make_member("Rua Aberta", acronym="R.ABERTA", city="Setúbal", country="PT")
    author = make_contact(member, "amal@example.org", name="Amal Duarte")
    report = make_report(member, contact=author, anonymous=True, countries=["PT", "ES"], rights=["education"])
    issue = make_issue(state=State.READY)
    number = reports.take(
        report, issue=issue.pk, section="borders", title="Sem escola", text="Foram recusadas.", by=carla, now=NOW
    )
    return Item.objects.get(pk=number)


SECRETS = [
    "Rua Aberta",
    "R.ABERTA",
    "Setúbal",
    "Amal",
    "Duarte",
    "Portugal",
    "PORTUGAL",
    "Spain",
    "SPAIN",
    "Espanha",
    "2026-05",
]


def test_item_and_source_of_a_silent_report_hold_nothing_that_leads_to_the_member(silent):
    assert list(silent.countries) == []
    assert [right.key for right in silent.rights.all()] == ["education"]
    source = silent.sources.get()
    assert (source.date, source.language, source.url, source.page) == (None, "", "", "")
    assert source.outlet == in_portuguese("A member of the network")
    assert source.title == in_portuguese("Field report")
    rows = [silent, source, silent.translations.get(), *AuditEntry.objects.filter(object_type="newsletter.item")]
    held = " ".join(f"{name}={value}" for row in rows for name, value in vars(row).items())
    assert [secret for secret in SECRETS[:-1] if secret in held] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_mail_page_or_feed_of_a_silent_report_names_anybody(silent, client, language):
    make_item(silent.issue, en="Beside it")
    composition = rendering.compose(contents(silent.issue), language)
    mail = rendering.render_mail(composition, token="preview")
    publish(silent.issue, language)
    seen = [mail.subject, mail.html, mail.text]
    for address in (f"items/{silent.pk}/", "next/", "feed/", "feed/", ""):
        answer = client.get(f"/{language}/newsletter/{address}")
        assert answer.status_code == 200
        seen.append(answer.content.decode())
    assert "Sem escola" in mail.html
    # Not within words: the tokens of a page may have four letters by chance.
    words = [re.compile(rf"(?<!\w)({re.escape(one)}|{re.escape(escape(one))})(?!\w)") for one in SECRETS]
    assert [word.pattern for word in words for page in seen if word.search(page)] == []


def test_a_named_report_does_name_the_member(carla, client):
    """So that the tests above have something to find."""
    report = make_report(make_member("Rua Aberta"), countries=["PT"])
    issue = make_issue(state=State.READY)
    number = reports.take(
        report, issue=issue.pk, section="borders", title="Sem escola", text="Foram.", by=carla, now=NOW
    )
    publish(issue, "en")
    page = client.get(f"/en/newsletter/items/{number}/").content.decode()
    assert ("Rua Aberta" in page, "PORTUGAL" in page, "4 May 2026" in page) == (True, True, True)


# --- what became of it ----------------------------------------------------------------------------------------------


def test_what_became_of_items_in_the_readers_language_or_the_next(carla, django_assert_num_queries):
    issue, later = make_issue(), make_issue("later", period=datetime.date(2026, 12, 1))
    out, waits = take(SCHOOL, issue, carla), take(SCHOOL, later, carla)
    out.translations.create(language_code="de", title="Ohne Schule", text="<p>Drei.</p>")
    publish(issue, "de", "pt", at=NOW)
    with django_assert_num_queries(5):
        found = contributions.became([out.pk, waits.pk, 999], "de", on=NOW)
    assert found == {
        out.pk: Fate("Oktober 2026", f"/de/newsletter/items/{out.pk}/", "Ohne Schule", "de"),
        waits.pk: Fate("Dezember 2026", "", SCHOOL.title, "pt"),
    }
    assert contributions.became([out.pk], "fr", on=NOW)[out.pk].path.endswith(f"/newsletter/items/{out.pk}/")
    with django_assert_num_queries(0):
        assert contributions.became([], "de", on=NOW) == {}
