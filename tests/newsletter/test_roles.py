"""Every page and every button of the newsletter's desk × who asks for it, in one table.

A new address must be added here: the first test says which line is missing. A line has the answers to GET and to POST,
each a letter for the translator (of Portuguese), the editor, the publisher, the readers' desk, and the superuser:

    2  200, shown        3  302, done or led on      .  403       4  404       5  405, not by this method       0  400

What stands in a line is to be judged, not only copied: whose business is it? Visitors and members are led to the
sign-in everywhere; that is tested without a table.
"""

import re
import uuid
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.urls.resolvers import URLResolver
from django.utils import timezone

from newsletter import consents, signing_up, wordings
from newsletter.models import (
    Body,
    Consent,
    DeliveryEvent,
    RawEvent,
    SignUp,
    Suppression,
    SystemMail,
    Term,
    Text,
    TrialGroup,
)
from newsletter.translation import texts
from picum.accounts import inviting
from picum.accounts.models import User
from tests.html import Page
from tests.newsletter.desk import at_the_desk
from tests.newsletter.factories import make_issue, make_item, make_subscriber
from tests.newsletter.lists import uploaded
from tests.newsletter.roles import boris, dora, ines, make_roles, rui

WHO = ["translator", "editor", "publisher", "readers' desk", "superuser"]
LETTERS = {200: "2", 302: "3", 403: ".", 404: "4", 405: "5", 400: "0"}

TABLE = {
    "audience": ".2222 55555",
    "audiencecount_changelist": ".2222 55555",
    "issue_send": "..2.2 ..2.2",
    "issue_progress": ".22.2 55555",
    "issue_progress_now": ".22.2 55555",
    "issue_unknowns": "..2.2 ..3.3",
    "issue_figures": ".22.2 55555",
    "issue_problems_of_all": "22242 55555",
    "issue_problems": "22242 33343",
    "issue_preview": "222.2 55555",
    "issue_preview_html": "222.2 55555",
    "issue_preview_text": "222.2 55555",
    "issue_board": "22242 55555",
    "issue_outdated": "22242 55555",
    "issue_board_move": "55555 44444",
    "issue_translate": "22442 44444",
    "issue_translate_keep": "55555 00440",
    "issue_translate_aid": "55555 00440",
    "issue_translate_preview": "22442 55555",
    "issue_translate_remark": "55555 33443",
    "issue_trial": ".22.2 .22.2",
    "issue_test_mail": ".55.5 .33.3",
    "issue_text_history": "22442 55555",
    "issue_text_restore": "55555 33443",
    "issue_ready": ".55.5 .3..3",
    "issue_draft": ".55.5 .3..3",
    "issue_unschedule": ".55.5 ..3.3",
    "issue_release": ".55.5 ..3.3",
    "issue_pause": ".55.5 ..3.3",
    "issue_resume": ".55.5 ..3.3",
    "issue_cancel": "..3.3 ..3.3",
    "issue_next": ".2..2 .3..3",
    "issue_delete_translation": "..... .....",
    "issue_changelist": ".22.2 .22.2",
    "issue_add": ".2..2 .2..2",
    "issue_history": ".22.2 .22.2",
    "issue_delete": "..... .....",
    "issue_change": ".22.2 .2..2",
    "issue_exchange": "22442 22442",
    "issue_exchange_file": "33443 33443",
    "issue_exchange_confirm": "33443 33443",
    "issue_exchange_draft": "44444 44444",
    "issue_exchange_use": "43443 43443",
    "item_move": "55555 .3..3",
    "item_transfer": "55555 .3..3",
    "item_references": "44444 55555",
    "item_search": "22242 55555",
    "item_search_export": "33343 55555",
    "item_search_titles": "22242 55555",
    "item_delete_translation": ".2..2 .2..2",
    "item_changelist": ".22.2 .22.2",
    "item_add": ".2..2 .2..2",
    "item_history": ".22.2 .22.2",
    "item_delete": ".2..2 .2..2",
    "item_change": ".22.2 .2..2",
    "section_move": "55555 .3..3",
    "section_delete_translation": "....2 ....2",
    "section_changelist": ".22.2 .22.2",
    "section_add": ".2..2 .2..2",
    "section_history": ".22.2 .22.2",
    "section_delete": "....2 ....2",
    "section_change": ".22.2 .2..2",
    "body_delete_translation": "....2 ....2",
    "body_changelist": ".22.2 .22.2",
    "body_add": ".2..2 .2..2",
    "body_history": ".22.2 .22.2",
    "body_delete": "....2 ....2",
    "body_change": ".22.2 .2..2",
    "term_changelist": ".22.2 .22.2",
    "term_add": ".2..2 .2..2",
    "term_history": ".22.2 .22.2",
    "term_delete": ".2..2 .2..2",
    "term_change": ".22.2 .2..2",
    "glossary_import": ".2..2 .2..2",
    "glossary_export": ".22.2 55555",
    "translator_changelist": ".2..2 55555",
    "translator_invite": ".2..2 .2..2",
    "translator_again": "55555 .3..3",
    "translator_take_back": "55555 .3..3",
    "translator_languages": ".2..2 .2..2",
    "translator_leave": ".2..2 .3..3",
    "trialgroup_changelist": ".22.2 55555",
    "trialgroup_add": ".2..2 .2..2",
    "trialgroup_change": ".2..2 .2..2",
    "trialgroup_delete": ".2..2 .3..3",
    "subscriber_unsubscribe": "...22 ...33",
    "subscriber_link": "...22 ...33",
    "subscriber_erase": "...22 ...33",
    "subscriber_changelist": "...22 ...22",
    "subscriber_add": "...22 ...22",
    "subscriber_history": "...22 ...22",
    "subscriber_delete": "..... .....",
    "subscriber_change": "...22 ...22",
    "import": "...22 ...22",
    "import_job": "...33 55555",
    "import_now": "...22 55555",
    "import_columns": "...22 ...22",
    "import_start": "...33 ...33",
    "import_cancel": "...33 ...33",
    "import_report": "...44 55555",
    "export": "...22 ...22",
    "consent_changelist": "...22 ...22",
    "consent_add": "..... .....",
    "consent_history": "...22 ...22",
    "consent_delete": "..... .....",
    "consent_change": "...22 .....",
    "signup_changelist": "...22 ...22",
    "signup_add": "..... .....",
    "signup_history": "...22 ...22",
    "signup_delete": "..... .....",
    "signup_change": "...22 .....",
    "systemmail_brake": "...22 ...33",
    "systemmail_changelist": "...22 ...22",
    "systemmail_add": "..... .....",
    "systemmail_history": "...22 ...22",
    "systemmail_delete": "..... .....",
    "systemmail_change": "...22 .....",
    "suppression_lift": "...22 ...22",
    "suppression_changelist": "...22 ...22",
    "suppression_add": "...22 ...22",
    "suppression_history": "...22 ...22",
    "suppression_delete": "..... .....",
    "suppression_change": "...22 .....",
    "deliveryevent_changelist": "...22 ...22",
    "deliveryevent_add": "..... .....",
    "deliveryevent_history": "33333 33333",
    "deliveryevent_delete": "..... .....",
    "deliveryevent_change": "...33 .....",
    "rawevent_changelist": "....2 ....2",
    "rawevent_add": "..... .....",
    "rawevent_history": "33333 33333",
    "rawevent_delete": "..... .....",
    "rawevent_change": "....3 .....",
}


@pytest.fixture
def there(db) -> dict[str, object]:
    """One thing of every kind, by the first word of the names of its addresses; and what else stands in addresses."""
    issue = make_issue(items=1, state="ready")
    item = make_item(issue, en="Second", pt="Segundo")
    reader, now = make_subscriber("fatima@example.org"), timezone.now()
    consents.append([consents.Entry(consents.Kind.GIVEN, consents.How.FORM, reader.address_key)], now=now)
    asked = {"languages": ["en"], "how": "form", "wording": wordings.current("en"), "network": "", "now": now}
    signing_up.request("new@example.org", **asked)
    make_roles()
    by = User.objects.create_superuser("carla@example.org", "secret", name="Carla")
    invited = {"name": "Ana", "language": "es", "groups": Group.objects.filter(name="Translators")}
    for one in issue.items.all():
        for language in ("en", "pt"):
            texts.find(one, language)
    return {
        "issue": issue,
        "item": item,
        "section": item.section,
        "body": Body.objects.first(),
        "term": Term.objects.create(language="en", words="a word of ours"),
        "subscriber": reader,
        "consent": Consent.objects.get(),
        "suppression": Suppression.objects.create(address_key=uuid.uuid4(), reason="staff"),
        "signup": SignUp.objects.get(),
        "systemmail": SystemMail.objects.get(),
        "import": uploaded("email,languages\namal@example.org,en\n", by=None),
        "trialgroup": TrialGroup.objects.create(name="Proofreaders"),
        "translator": User.objects.get(pk=ines().pk),
        "invitation": inviting.invite("ana@example.org", **invited, by=by, about={"languages": "es"}, now=now),
        "text": Text.objects.filter(item=item, language="pt").get(),
        "deliveryevent": DeliveryEvent(pk=1),
        "rawevent": RawEvent(pk=1),
        "carla": by,
    }


@pytest.fixture
def people(there) -> dict[str, Client]:
    """Everybody, each with a browser of their own."""
    persons = [there["translator"], boris(), dora(), rui(), there["carla"]]
    return {who: at_the_desk(person) for who, person in zip(WHO, persons, strict=True)}


def addresses(there: dict, *, language: str = "pt") -> dict[str, str]:
    """Every address of the newsletter's desk, of something that is there, by its name."""
    return {name: _address(name, arguments, there, language) for name, arguments in _named().items()}


def _named() -> dict[str, list[str]]:
    """The names of the addresses, and what stands in each."""
    # Parler's address for deleting a translation has groups without names.
    found = {name: re.findall(r"<(?:\w+:)?(\w+)>", route) or ["", ""] * ("(.+)" in route) for name, route in _routes()}
    return {name.removeprefix("newsletter_"): args for name, args in found.items() if name.startswith("newsletter_")}


def _routes(patterns=None, route="") -> Iterator[tuple[str, str]]:
    for one in admin.site.urls[0] if patterns is None else patterns:
        if isinstance(one, URLResolver):
            yield from _routes(one.url_patterns, route + str(one.pattern))
        else:
            yield one.name or "", route + str(one.pattern)


# Addresses whose number is not that of their own kind.
NUMBERS = {"translator_again": "invitation", "translator_take_back": "invitation"}


def _address(name: str, arguments: list[str], there: dict, language: str) -> str:
    kind = NUMBERS.get(name, name.partition("_")[0])
    number = there[kind].pk if kind in there else 1
    known = {
        "pk": number,
        "object_id": number,
        "language": language,
        "what": str(there["item"].pk),
        "way": "up",
        "number": 1,
        "kind": "xlf",
    }
    if "" in arguments:
        return reverse(f"admin:newsletter_{name}", args=[number, language])
    assert set(arguments) <= set(known), f"{name}: say in `_address` what {set(arguments) - set(known)} is"
    return reverse(f"admin:newsletter_{name}", kwargs={key: known[key] for key in arguments})


def statuses(client: Client, address: str) -> tuple[int, int]:
    """Of GET and POST; whatever they change is taken back."""
    codes = []
    for method in (client.get, client.post):
        with transaction.atomic():
            answer = method(address)
            codes.append(answer.status_code)
            for close in answer._resource_closers:  # of a file; `close()` would end the test's connection too
                close()
            transaction.set_rollback(True)
    return codes[0], codes[1]


def _line(people: dict[str, Client], address: str) -> str:
    pairs = [statuses(people[who], address) for who in WHO]
    return " ".join("".join(LETTERS.get(pair[at], f"({pair[at]})") for pair in pairs) for at in (0, 1))


# --- the table -------------------------------------------------------------------------------------------------------


def test_every_address_of_the_desk_is_in_the_table():
    assert sorted(_named()) == sorted(TABLE)


def test_everybody_gets_where_the_table_says_and_nowhere_else(people, there):
    found = {name: _line(people, address) for name, address in addresses(there).items()}
    wrong = [f'    "{name}": "{line}",' for name, line in found.items() if line != TABLE.get(name)]
    assert not wrong, "These lines are new, or were others:\n" + "\n".join(wrong)


@pytest.mark.parametrize("who", ["visitor", "member"])
def test_who_does_not_work_here_is_led_to_the_sign_in_everywhere(who, there):
    client = Client()
    if who == "member":
        client.force_login(User.objects.create_user("amal@example.org", "secret"))
    for name, address in addresses(there).items():
        for method in (client.get, client.post):
            answer = method(address)
            assert (answer.status_code, answer.url.partition("?")[0]) == (302, "/en/desk/login/"), name


def test_who_works_here_without_a_role_gets_nowhere(there):
    client = at_the_desk(User.objects.create_user("tariq@example.org", "secret", is_staff=True))
    for name, address in addresses(there).items():
        found = set(statuses(client, address))
        # "Perhaps it was deleted" is said before anything else by Django's own page of a history.
        lost = name in {"deliveryevent_history", "rawevent_history"}
        assert found <= {403, 404, 405} | ({302} if lost else set()), (name, found)


# --- translators see their languages, and nothing else ----------------------------------------------------------------


def test_a_translator_reaches_no_language_but_their_own(people, there):
    """What is theirs in Portuguese is not there in German, for all addresses that name a language."""
    named = _named()
    in_german = addresses(there, language="de")
    open_in_portuguese = {
        name
        for name, line in TABLE.items()
        if {"language", ""} & set(named[name]) and set(line[0] + line[6]) & set("23")
    }
    assert open_in_portuguese  # there is something to reach
    for name in open_in_portuguese:
        assert set(statuses(people["translator"], in_german[name])) <= {403, 404, 405}, name


def test_a_translator_opens_nothing_of_the_other_parts_of_the_desk(there):
    found = {}
    for name, route in _routes():
        if name.startswith("newsletter_") or not name:
            continue
        address = "/en/desk/" + re.sub(r"<[^>]+>", "1", route.replace("^", "").replace("$", ""))
        if "(" not in address:
            found[name] = statuses(at_the_desk(there["translator"]), address)
    # Of a row that is not there Django's own pages say so before anything else, by leading back.
    opened = {name: codes for name, codes in found.items() if 200 in codes}
    assert opened == {
        "index": (200, 200),
        "login": (302, 200),
        "logout": (405, 200),
        "password_change": (200, 200),
        "password_change_done": (200, 405),
        "jsi18n": (200, 405),
    }


def test_the_translator_s_own_page_offers_nothing_that_is_closed_to_them(people):
    """Each link of the page they come in by opens."""
    client = people["translator"]
    links = {link for link in Page(client.get("/en/desk/")).links() if link.startswith("/en/desk/")}
    for link in links - {"/en/desk/logout/"}:
        assert client.get(link).status_code == 200, link


# --- the roles themselves ---------------------------------------------------------------------------------------------


def rights(name: str) -> set[str]:
    group = Group.objects.get(name=name)
    return {f"{one.content_type.app_label}.{one.codename}" for one in group.permissions.select_related("content_type")}


def test_nobody_but_the_readers_desk_sees_readers(there):
    about_readers = {"subscriber", "consent", "suppression", "signup", "systemmail"}
    for name in ("Translators", "Editors", "Publishers", "Secretariat"):
        assert not {one for one in rights(name) if one.rpartition("_")[2] in about_readers}, name
    assert "newsletter.export_subscriber" in rights("Readers' desk")


def test_who_sends_does_not_write_and_who_writes_does_not_send(there):
    assert "newsletter.send_issue" not in rights("Editors")
    changing = {one for one in rights("Publishers") if "view" not in one}
    assert changing == {"newsletter.send_issue"}
    assert rights("Translators") == {"newsletter.translate_text"}


@pytest.mark.django_db
def test_a_group_that_is_there_keeps_its_rights_and_the_others_are_made():
    Group.objects.filter(name__in=["Editors", "Secretariat"]).delete()
    own = Group.objects.create(name="Editors")
    own.permissions.set(Permission.objects.filter(codename="view_issue"))
    make_roles()
    make_roles()
    assert rights("Editors") == {"newsletter.view_issue"}
    assert rights("Translators") == {"newsletter.translate_text"}
    assert len(rights("Secretariat")) == Permission.objects.filter(content_type__app_label="members").count()
    assert Group.objects.filter(name="Editors").count() == 1


@pytest.mark.django_db
def test_the_migration_makes_the_permissions_that_it_needs():
    """In a fresh database they are made after all migrations: too late for it."""
    Group.objects.all().delete()
    Permission.objects.filter(content_type__app_label__in=["newsletter", "accounts", "members"]).delete()
    make_roles()
    assert rights("Publishers") >= {"newsletter.send_issue", "newsletter.view_issue"}
    assert "accounts.invite_user" in rights("Editors")
    assert Permission.objects.filter(codename="send_issue").count() == 1
