"""Every page and every button of the desk × who asks for it."""

import uuid

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch
from django.utils import timezone

from newsletter import consents, signing_up, wordings
from newsletter.models import Body, Consent, Delivery, Edition, Item, SignUp, Suppression, SystemMail, Term
from picum.accounts.models import AuditEntry, User
from tests.html import Page
from tests.newsletter.desk import amal, at_the_desk, boris, carla, page, staff
from tests.newsletter.factories import make_issue, make_item, make_subscriber, make_texts
from tests.newsletter.lists import uploaded

pytestmark = pytest.mark.django_db

READING = ["issue_progress", "issue_progress_now"]
OF_AN_EDITION = ["issue_preview", "issue_preview_html", "issue_preview_text"]
EDITING = ["issue_ready", "issue_draft", "issue_test_mail"]
SENDING = ["issue_unschedule", "issue_pause", "issue_resume", "issue_cancel"]


@pytest.fixture
def issue():
    issue = make_issue()
    make_item(issue, en="First")
    make_item(issue, en="Second")
    return issue


def addresses(issue) -> dict[str, str]:
    return (
        {name: page(name, issue.pk) for name in [*READING, "issue_send", "issue_change"]}
        | {name: page(name, issue.pk, "de") for name in OF_AN_EDITION + EDITING + SENDING}
        | {"item_move": page("item_move", issue.items.last().pk, "up")}
        | {"section_move": page("section_move", issue.items.first().section_id, "up")}
    )


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_visitor_is_asked_to_sign_in_everywhere(issue, method):
    answers = {name: getattr(Client(), method)(url) for name, url in addresses(issue).items()}
    assert {
        name: (answer.status_code, answer.url.partition("?")[0]) for name, answer in answers.items()
    } == dict.fromkeys(answers, (302, "/en/desk/login/"))


def test_somebody_without_rights_in_the_newsletter_gets_403_everywhere(issue):
    client = at_the_desk(amal())
    get_only = {*READING, *OF_AN_EDITION, "issue_change"}
    answers = {
        name: (client.get if name in get_only else client.post)(url).status_code
        for name, url in addresses(issue).items()
    }
    assert answers == dict.fromkeys(answers, 403)


def test_an_editor_may_neither_send_nor_stop(issue):
    client = at_the_desk(boris())
    posted = {name: client.post(page(name, issue.pk, "de")).status_code for name in SENDING}
    assert posted == dict.fromkeys(SENDING, 403)
    assert client.get(page("issue_send", issue.pk)).status_code == 403
    assert client.post(page("issue_send", issue.pk), {"languages": ["de"], "when": "now"}).status_code == 403
    assert client.get(page("issue_cancel", issue.pk, "de")).status_code == 403


def test_an_editor_may_read_and_edit(issue):
    client = at_the_desk(boris())
    assert [client.get(page(name, issue.pk)).status_code for name in [*READING, "issue_change"]] == [200] * 3
    assert [client.get(page(name, issue.pk, "de")).status_code for name in OF_AN_EDITION] == [200] * 3
    assert client.post(page("issue_ready", issue.pk, "de")).status_code == 302


def test_what_does_not_exist_is_404(issue):
    client = at_the_desk(carla())
    assert client.get(page("issue_send", 999)).status_code == 404
    assert client.get(page("issue_progress", 999)).status_code == 404
    assert client.get(page("issue_preview", issue.pk, "xx")).status_code == 404
    assert client.post(page("issue_ready", issue.pk, "xx")).status_code == 404
    assert client.post(page("item_move", 999, "up")).status_code == 404
    assert client.post(page("item_move", issue.items.first().pk, "sideways")).status_code == 404
    assert client.post(page("section_move", 999, "down")).status_code == 404


def test_get_changes_nothing_anywhere(issue):
    client = at_the_desk(carla())

    def everything():
        return (
            list(Edition.objects.order_by("pk").values()),
            list(Item.objects.order_by("pk").values()),
            Delivery.objects.count(),
            AuditEntry.objects.count(),
        )

    before = everything()
    codes = {name: client.get(url).status_code for name, url in addresses(issue).items()}
    assert everything() == before
    buttons = {*EDITING, *SENDING, "item_move", "section_move"} - {"issue_cancel"}
    assert {name for name, code in codes.items() if code == 405} == buttons
    # Nothing is being sent, so there is nothing to ask about: back to the progress.
    assert {name for name, code in codes.items() if code == 302} == {"issue_cancel"}


# --- one right alone --------------------------------------------------------------------------------------------------


def with_rights(*rights: str) -> Client:
    person = User.objects.create_user("dana@example.org", "secret", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return at_the_desk(person)


def test_who_may_only_send_finds_what_there_is_to_send(issue):
    dana = with_rights("send_issue")
    html = Page(dana.get("/en/desk/"))
    assert html.links().count(page("issue_changelist")) >= 2  # in the header and on the page
    assert page("issue_change", issue.pk) in Page(dana.get(page("issue_changelist"))).links()
    html = Page(dana.get(page("issue_change", issue.pk)))
    assert page("issue_send", issue.pk) in html.links()
    assert html.all("input", name="_save") == []
    assert dana.post(page("issue_change", issue.pk), {"slug": "other"}).status_code == 403
    assert dana.get(page("issue_send", issue.pk)).status_code == 200


@pytest.mark.parametrize(("right", "told"), [("send_issue", True), ("change_issue", False)])
def test_the_first_page_tells_who_sends_what_is_ready(right, told):
    make_issue("drafts", state=Edition.State.DRAFT)
    ready = make_issue("ready", state=Edition.State.READY)
    html = Page(with_rights(right).get("/en/desk/"))
    assert ("Ready to be sent" in html.words) is told
    ways = [link for link in html.links() if link and link.endswith("/send/")]
    assert ways == ([page("issue_send", ready.pk)] if told else [])


def test_a_closed_page_leads_who_works_here_back_to_the_desk(issue):
    answer = with_rights("view_issue").get(page("issue_send", issue.pk))
    assert (answer.status_code, "/en/desk/" in Page(answer).links()) == (403, True)


def test_who_may_only_look_reads_the_words_as_readers_do(issue):
    make_texts(issue, "en", subject="May", message="<p>Dear <strong>all</strong>,<script>x</script></p>", donation="")
    dana = with_rights("view_issue", "view_item")
    html = Page(dana.get(page("issue_change", issue.pk)))
    assert [tag.words for tag in html.all("strong") if tag.words == "all"] == ["all"]
    assert "<strong>" not in html.words
    assert "<p>" not in html.words
    assert "Minor change" not in html.words
    item = issue.items.first()
    assert "<p>" not in Page(dana.get(page("item_change", item.pk))).words


@pytest.mark.parametrize(
    ("rights", "moves", "adds"),
    [
        (["change_issue"], False, False),
        (["view_issue", "change_item"], True, False),
        (["view_issue", "add_item"], False, True),
    ],
)
def test_the_contents_offer_what_the_person_may_do_with_items(issue, rights, moves, adds):
    html = Page(with_rights(*rights).get(page("issue_change", issue.pk)))
    steps = {button["formaction"] for button in html.all("button", class_="desk-step")}
    every_step = {page("item_move", item.pk, way) for item in issue.items.all() for way in ["up", "down"]}
    assert steps == (every_step if moves else set())
    assert bool(html.all("a", class_="addlink")) == adds
    assert "First" in html.words


@pytest.mark.parametrize(
    "address", ["item_changelist", "issue_changelist", "subscriber_changelist", "suppression_changelist"]
)
@pytest.mark.parametrize("name", ["q", "kind__exact", "language", "section", "state__exact", "reason__exact", "o", "p"])
def test_a_list_asked_for_a_text_that_no_database_takes_is_shown_without_it(address, name):
    answer = at_the_desk(carla()).get(page(address) + f"?{name}=a%00b", follow=True)
    assert (answer.status_code, answer.redirect_chain) == (200, [(page(address) + "?e=1", 302)])


# --- whoever types an address by hand ---------------------------------------------------------------------------------

OFFICER = [
    *(f"{right}_subscriber" for right in ("view", "add", "change", "delete", "import", "export")),
    *(f"{right}_suppression" for right in ("view", "add", "delete")),
    *("view_consent", "view_signup", "view_systemmail", "release_systemmail", "view_deliveryevent"),
]
KINDS = {"audience", "body", "consent", "deliveryevent", "export", "glossary", "import", "issue", "item", "rawevent",
         "section", "signup", "subscriber", "suppression", "systemmail", "term", "translator",
         "trialgroup"}  # fmt: skip
OF_READERS = {"audience", "consent", "deliveryevent", "export", "import", "signup", "subscriber", "suppression",
              "systemmail"}  # fmt: skip
OF_ISSUES = {"audience", "issue", "item", "section"}


def every_address(issue) -> dict[str, str]:
    """All addresses of the newsletter's desk by their names, each of something that is there."""
    reader, now = make_subscriber("fatima@example.org"), timezone.now()
    with transaction.atomic():
        consents.append([consents.Entry(consents.Kind.GIVEN, consents.How.FORM, reader.address_key)], now=now)
    asked = {"languages": ["en"], "how": "form", "wording": wordings.current("en"), "network": "", "now": now}
    signing_up.request("new@example.org", **asked)
    there = {
        "subscriber": reader,
        "consent": Consent.objects.get(),
        "suppression": Suppression.objects.create(address_key=uuid.uuid4(), reason="staff"),
        "signup": SignUp.objects.get(),
        "systemmail": SystemMail.objects.get(),
        "import": uploaded("email,languages\namal@example.org,en\n", by=None),
        "issue": issue,
        "item": issue.items.last(),
        "section": issue.items.last().section,
        "body": Body.objects.first(),
        "term": Term.objects.first(),
    }
    found = {}
    for pattern in (pattern for patterns in admin.site.urls[0] for pattern in getattr(patterns, "url_patterns", [])):
        name = (pattern.name or "").removeprefix("newsletter_")
        if name == pattern.name or not name:
            continue
        pk = there[kind].pk if (kind := name.partition("_")[0]) in there else 1
        for args in ([], [pk], [pk, "de"], [pk, "up"], [pk, "de", "around"]):
            try:
                found[name] = page(name, *args)
            except NoReverseMatch:
                continue
            break
    return found


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("rights", "opened"),
    [([], set()), (OFFICER, OF_READERS), (["view_issue", "view_item", "view_section"], OF_ISSUES)],
)
def test_no_address_of_the_desk_opens_to_who_has_no_business_there(issue, method, rights, opened):
    addresses = every_address(issue)
    assert {name.partition("_")[0] for name in addresses} == KINDS | {"audiencecount"}
    client = at_the_desk(staff(*rights))
    visitor = Client()
    for name, address in addresses.items():
        kind = name.partition("_")[0]
        answer = getattr(visitor, method)(address)
        assert (name, answer.status_code, answer.url.partition("?")[0]) == (name, 302, "/en/desk/login/")
        if kind in opened or (kind == "audiencecount" and opened):
            continue
        code = getattr(client, method)(address).status_code
        is_gone = name in {"deliveryevent_history", "rawevent_history"}  # there is none: "perhaps it was deleted"
        assert (name, code) == (name, code if code in {404, 405} else 302 if is_gone else 403)


def test_who_may_only_look_changes_nothing_about_readers(issue):
    addresses = every_address(issue)
    looking = at_the_desk(staff(*(right for right in OFFICER if right.startswith("view_"))))

    def everything():
        rows = [list(model.objects.order_by("pk").values()) for model in (Consent, SignUp, Suppression, SystemMail)]
        return [*rows, AuditEntry.objects.count()]

    before = everything()
    opened = {
        name for name, address in addresses.items() if looking.post(address, {"note": "n" * 20}).status_code < 400
    }
    assert everything() == before
    readable = ("consent", "deliveryevent", "signup", "subscriber", "suppression", "systemmail")
    assert opened <= {f"{kind}_{name}" for kind in readable for name in ("changelist", "history")} | {
        "rawevent_history"
    }
