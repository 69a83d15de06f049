"""One reader's page: what happened with them, and what staff do about it, asked about once more and on record."""

import datetime

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from newsletter import consents, erasure_ledger, signing_up, wordings
from newsletter.admin import timeline
from newsletter.consents import Entry, How, Kind
from newsletter.models import Consent, SignUp, Subscriber, Suppression, SystemMail
from picum.accounts.models import AuditEntry
from picum.addresses import address_key
from tests.html import Page
from tests.newsletter.desk import amal, at_the_desk, carla, page, said, staff
from tests.newsletter.factories import make_subscriber
from tests.newsletter.somebody import all_about

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 11, 3, 12, tzinfo=datetime.UTC)
DEEDS = ["unsubscribe", "link", "erase"]


@pytest.fixture
def desk():
    return at_the_desk(carla())


@pytest.fixture
def fatima() -> Subscriber:
    return make_subscriber("fatima@example.org", "pt es", areas="monitoring advocacy", paused_until="2026-12-24")


def shown(desk, reader, query="") -> Page:
    return Page(desk.get(page("subscriber_change", reader.pk) + query))


def lines(html: Page) -> list[str]:
    return [item.words for item in html.all("li", class_="desk-time__entry")]


def do(desk, deed, reader, **typed):
    return desk.post(page(f"subscriber_{deed}", reader.pk), typed, follow=True)


def trail() -> list[tuple[str, dict]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "data"))


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_the_page_says_what_the_reader_chose(desk, fatima):
    words = shown(desk, fatima).words
    for told in ["Monitoring and reporting, Advocacy", "wait for mine", "Dec. 24, 2026", "subscribed", "test"]:
        assert told in words


def test_what_was_not_chosen_is_a_dash_and_no_english_word(desk):
    german = page("subscriber_change", make_subscriber("amal@example.org").pk).replace("/en/", "/de/")
    assert "Arbeitsbereiche: –" in Page(desk.get(german)).words


@pytest.mark.parametrize(("rights", "linked"), [([], False), (["view_issue"], True), (["send_issue"], True)])
def test_issues_are_linked_to_for_those_who_may_see_them(rights, linked):
    (reader,) = all_about(("amal@example.org", "Amal"))
    dana = at_the_desk(staff("view_subscriber", *rights))
    progress = page("issue_progress", reader.deliveries.latest("pk").edition.issue_id)
    assert (progress in shown(dana, reader).links()) == linked


def test_the_timeline_tells_what_happened_the_newest_first(desk):
    reader, _other = all_about(("amal@example.org", "Amal"), ("boris@example.org", "Boris"))
    Suppression.objects.create(address_key=reader.address_key, reason="bounced", created_at=NOON)
    told = lines(shown(desk, reader))
    assert sorted(line.partition(":")[0] + line.partition(":")[2][2:] for line in told) == sorted(
        [
            "3 November 2026, 13 Consented form on this site The words, in Portuguese, version 1 "
            + wordings.text("pt"),
            "3 November 2026, 13 Issue october (en): accepted 550 no amal@example.org here",
            "3 November 2026, 13 Issue november (en): failed The mailbox does not exist. 550 no amal@example.org here",
            "3 November 2026, 13 Word of issue october: not now dsn · 4.2.2 · amal@example.org is full",
            "3 November 2026, 13 Word of issue november: not now dsn · 4.2.2 · amal@example.org is full",
            "3 November 2026, 13 On the stop list: does not exist",
            *(line.partition(":")[0] + line.partition(":")[2][2:] for line in told[:2]),
        ]
    )
    assert told[0].endswith("Unsubscribed by staff They wrote us a letter.")
    assert told[1].endswith("Changed by staff")
    assert "boris" not in " ".join(told)


def test_the_exact_words_are_there_on_demand_and_in_their_language(desk, fatima):
    with transaction.atomic():
        consents.append([Entry(Kind.GIVEN, How.EMBED, fatima.address_key, wordings.current("de"))], now=NOON)
    html = shown(desk, fatima)
    assert html.one("blockquote", lang="de").words == wordings.text("de")
    assert html.one("summary").words == "The words, in German, version 1"
    assert len(html.all("details")) == 1


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_takes_the_same_queries_however_much_happened(desk, fatima, rows, django_assert_num_queries):
    with transaction.atomic():
        given = Entry(Kind.GIVEN, How.FORM, fatima.address_key, wordings.current("en"))
        consents.append([given] * rows, now=NOON)
    # session, person, reader, areas with their names, and five kinds of lines
    with django_assert_num_queries(10):
        assert len(lines(shown(desk, fatima))) == rows


def test_what_is_older_is_one_step_away_and_nothing_is_shown_twice_or_left_out(desk, fatima, monkeypatch):
    monkeypatch.setattr(timeline, "SHOWN", 2)
    hours = [0, 1, 1, 2, 3]  # two of one moment are never torn apart
    for number, hour in enumerate(hours):
        entry = Entry(Kind.GIVEN, How.FORM, fatima.address_key, detail=f"line {number}")
        with transaction.atomic():
            consents.append([entry], now=NOON + datetime.timedelta(hours=hour))
    seen, html = [], shown(desk, fatima)
    while True:
        seen.append([line.rpartition(" ")[2] for line in lines(html)])
        older = [link["href"] for link in html.all("a") if link.words == "Older"]
        if not older:
            break
        html = shown(desk, fatima, older[0].partition("#")[0])
        assert "Newest" in html.words
    assert seen == [["4", "3"], ["2", "1"], ["0"]]


NO_MOMENTS = ["x", "2026-13-01", "2026-11-03T12:00:00", "", "%00"]


@pytest.mark.parametrize("before", [*NO_MOMENTS, "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59"])
def test_a_moment_that_makes_no_sense_is_now(desk, fatima, before):
    with transaction.atomic():
        consents.append([Entry(Kind.GIVEN, How.FORM, fatima.address_key)], now=NOON)
    assert len(lines(shown(desk, fatima, f"?before={before}"))) == 1


# --- deeds ------------------------------------------------------------------------------------------------------------


def test_a_reader_who_wrote_to_us_is_unsubscribed_with_a_note(desk, fatima):
    answer = do(desk, "unsubscribe", fatima, note=" By telephone,\n3 November. ")
    assert said(answer) == ["The reader was unsubscribed and gets nothing any more."]
    fatima.refresh_from_db()
    assert fatima.state == "unsubscribed"
    assert Suppression.objects.get().address_key == fatima.address_key
    assert list(Consent.objects.values_list("kind", "how")) == [("withdrawn", "staff")]
    assert trail() == [("subscriber.unsubscribe", {"reader": fatima.pk, "note": "By telephone, 3 November."})]
    assert page("subscriber_unsubscribe", fatima.pk) not in Page(answer).links()


def test_a_note_with_an_address_in_it_is_refused(desk, fatima):
    answer = do(desk, "unsubscribe", fatima, note="fatima@example.org wrote to us.")
    assert answer.context["form"].errors["note"] == [
        "Leave the address out: the note stays when the reader is forgotten."
    ]
    fatima.refresh_from_db()
    assert (fatima.state, trail()) == ("subscribed", [])


@time_machine.travel(NOON, tick=False)
def test_a_reader_gets_their_links_and_nobody_here_sees_them(desk, fatima):
    answer = do(desk, "link", fatima)
    assert said(answer) == ["A mail with their personal links is on its way, if they had not many today."]
    mail = SystemMail.objects.get()
    assert (mail.kind, mail.address, mail.language) == ("link", "fatima@example.org", "pt")
    assert trail() == [("subscriber.link", {"reader": fatima.pk})]


def test_a_reader_is_erased_and_only_the_fingerprint_stays(desk, fatima, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    make_subscriber("boris@example.org")
    assert "for good" in Page(desk.get(page("subscriber_erase", fatima.pk))).words
    answer = do(desk, "erase", fatima)
    assert said(answer) == ["The reader is forgotten. Only the fingerprint of the address stays, on the stop list."]
    assert answer.redirect_chain == [(page("subscriber_changelist"), 302)]
    assert list(Subscriber.objects.values_list("address", flat=True)) == ["boris@example.org"]
    assert list(Suppression.objects.values_list("address_key", "reason")) == [(fatima.address_key, "erased")]
    assert list(Consent.objects.values_list("kind", "how")) == [("erased", "staff")]
    assert trail() == [("subscriber.erase", {"reader": fatima.pk})]
    assert erasure_ledger.path().exists()


def test_nobody_is_erased_when_it_cannot_be_written_down(desk, fatima, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    (tmp_path / "erasures").write_text("a file where a folder should be")
    assert "Nothing was erased" in said(do(desk, "erase", fatima))[0]
    assert (Subscriber.objects.count(), trail()) == (1, [])


@pytest.mark.parametrize("deed", DEEDS)
def test_looking_at_a_question_changes_nothing(desk, fatima, deed):
    html = Page(desk.get(page(f"subscriber_{deed}", fatima.pk)))
    assert "fatima@example.org" in html.words
    assert html.all("a", class_="closelink")
    assert (Subscriber.objects.subscribed().count(), SystemMail.objects.count(), trail()) == (1, 0, [])


@pytest.mark.parametrize(
    ("rights", "offered"),
    [
        (["view_subscriber"], []),
        (["view_subscriber", "change_subscriber"], ["unsubscribe", "link"]),
        (["view_subscriber", "delete_subscriber"], ["erase"]),
        (["view_subscriber", "change_subscriber", "delete_subscriber"], DEEDS),
    ],
)
def test_the_buttons_are_those_that_the_person_may_press(fatima, rights, offered, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    dana = at_the_desk(staff(*rights))
    links = shown(dana, fatima).links()
    assert [deed for deed in DEEDS if page(f"subscriber_{deed}", fatima.pk) in links] == offered
    for method, allowed in [(dana.get, 200), (dana.post, 302)]:
        codes = {deed: method(page(f"subscriber_{deed}", fatima.pk)).status_code for deed in DEEDS}
        assert codes == {deed: allowed if deed in offered else 403 for deed in DEEDS}


@pytest.mark.parametrize("name", ["changelist", "change", "add", *DEEDS])
def test_who_has_no_rights_here_gets_403_and_a_visitor_is_asked_to_sign_in(client, fatima, name):
    address = page(f"subscriber_{name}", *([] if name in {"changelist", "add"} else [fatima.pk]))
    assert at_the_desk(amal()).get(address).status_code == 403
    assert client.get(address).url.startswith("/en/desk/login/")


def test_a_reader_who_is_gone_is_404(desk):
    assert [desk.post(page(f"subscriber_{deed}", 999)).status_code for deed in DEEDS] == [404] * 3


def test_erasing_is_the_only_way_to_delete(desk, fatima):
    assert desk.post(page("subscriber_delete", fatima.pk), {"post": "yes"}).status_code == 403
    actions = Page(desk.get(page("subscriber_changelist"))).all("option")
    assert [action["value"] for action in actions] == ["", "unsubscribe"]


# --- asking somebody --------------------------------------------------------------------------------------------------


@time_machine.travel(NOON, tick=False)
def test_staff_ask_somebody_who_reads_only_after_they_have_confirmed(desk):
    typed = {"address": " Amal@Example.ORG", "first": "de", "second": "fr", "third": "de", "source": "By telephone"}
    answer = desk.post(page("subscriber_add"), typed, follow=True)
    assert said(answer) == [
        "They get a mail, and are readers as soon as they have confirmed it. Until then nothing else is sent."
    ]
    assert (Subscriber.objects.count(), Consent.objects.count()) == (0, 0)
    sign_up = SignUp.objects.get()
    asked = (sign_up.address, sign_up.languages, sign_up.how, sign_up.source, sign_up.wording.language)
    assert asked == ("Amal@example.org", "de fr", "staff", "By telephone", "de")
    assert SystemMail.objects.get().sign_up == sign_up
    assert trail() == [("subscriber.ask", {"languages": "de fr"})]
    reader = signing_up.confirm(sign_up.handle, now=timezone.now())
    assert (reader.state, reader.languages, reader.source) == ("subscribed", "de fr", "By telephone")
    assert list(Consent.objects.order_by("number").values_list("kind", "how")) == [
        ("requested", "staff"),
        ("given", "staff"),
    ]


@pytest.mark.parametrize("typed", ["", "amal", "a@localhost", "a@example.org, b@example.org"])
def test_what_is_no_address_is_refused_in_words(desk, typed):
    answer = desk.post(page("subscriber_add"), {"address": typed, "first": "en"})
    assert answer.context["form"].errors["address"]
    assert (SignUp.objects.count(), trail()) == (0, [])


def test_only_who_may_add_readers_asks_them():
    dana = at_the_desk(staff("add_subscriber"))
    assert dana.get(page("subscriber_add")).status_code == 200
    assert (
        at_the_desk(amal()).post(page("subscriber_add"), {"address": "a@example.org", "first": "en"}).status_code == 403
    )
    assert SignUp.objects.count() == 0


def test_no_deed_leaves_an_address_in_the_trail(desk, fatima, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    desk.post(page("subscriber_add"), {"address": "new@example.org", "first": "en"})
    for deed in ["link", "unsubscribe", "erase"]:
        do(desk, deed, fatima)
    kept = list(AuditEntry.objects.exclude(action="").values_list("object_label", "data"))
    assert len(kept) == 4
    assert "@" not in str(kept)
    assert address_key("new@example.org").hex not in str(kept)
