"""Whoever can read an address' mail sees everything that is held about it, as a page and as a file."""

import datetime
import json

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.serializers.json import DjangoJSONEncoder
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from newsletter import erasing, importing, my_data, my_data_in_words, subscriptions, suppressing, wordings
from newsletter.lists import Row
from newsletter.models import (
    Consent,
    Delivery,
    DeliveryEvent,
    Move,
    Recipient,
    SignUp,
    Subscriber,
    Suppression,
    SystemMail,
    Wording,
)
from picum import links
from picum.accounts.models import AuditEntry, User
from tests.html import Page
from tests.newsletter.factories import make_subscriber
from tests.newsletter.sent import NOW, sent_issue
from tests.newsletter.somebody import all_about

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _name in django_settings.LANGUAGES]


@pytest.fixture
def client():
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def amal():
    """And boris, of whom there is as much."""
    return all_about(("amal@example.org", "Amal Haddad"), ("boris@example.org", "Boris"))[0]


@pytest.fixture
def reader():
    """Amal, of whom there is little."""
    return make_subscriber("amal@example.org")


def address_of(reader, language="en", page="", now=None):
    return f"/{language}/newsletter/data/{my_data.token_for(reader, now=now or timezone.now())}/{page}"


def leaves(value):
    """All values of what `about` tells, however deep."""
    if isinstance(value, dict | list):
        return [leaf for one in (value.values() if isinstance(value, dict) else value) for leaf in leaves(one)]
    return [value]


# --- everything -------------------------------------------------------------------------------------------------------


def test_all_that_is_held_is_told(amal):
    words = {"language": "pt", "number": 1, "text": wordings.text("pt")}
    told = my_data.about(amal.address_key)
    assert timezone.now() - told.pop("told_at") < datetime.timedelta(minutes=1)
    deeds = told.pop("staff")
    assert [(deed["action"], deed["note"]) for deed in deeds] == [
        ("subscriber.change", ""),
        ("subscriber.unsubscribe", "They wrote us a letter."),
    ]
    mail = {"address": "amal@example.org", "language": "pt", "state": "waiting", "why": "", "attempts": 0}
    mail |= {"created_at": NOW, "changed_at": NOW}
    event = {"kind": "soft", "source": "dsn", "code": "4.2.2", "detail": "amal@example.org is full"}
    event |= {"happened_at": NOW, "received_at": NOW}
    delivery = {"language": "en", "detail": "550 no amal@example.org here", "attempts": 1, "events": [event]}
    delivery |= {"due_at": NOW, "changed_at": NOW}
    assert told == {
        "reader": {
            "address": "amal@example.org",
            "name": "Amal Haddad",
            "languages": ["pt", "es", "en"],
            "areas": ["monitoring", "advocacy"],
            "late": "wait",
            "paused_until": None,
            "state": "subscribed",
            "source": "list with Amal Haddad",
            "created_at": NOW,
            "subscribed_at": NOW,
            "unsubscribed_at": None,
            "address_key": amal.address_key,
            "handle": amal.handle,
        },
        "moves": [
            {
                "address": "new.amal@example.org",
                "created_at": NOW,
                "old_confirmed_at": None,
                "new_confirmed_at": None,
                "asked_by_you": True,
            }
        ],
        "sign_ups": [
            {
                "address": "amal@example.org",
                "languages": ["pt"],
                "areas": ["advocacy"],
                "name": "Amal Haddad",
                "how": "form",
                "source": "congress",
                "created_at": NOW,
                "mailed_at": None,
                "confirmed_at": None,
                "consent_text": words,
            }
        ],
        "consents": [{"number": 1, "kind": "given", "how": "form", "at": NOW, "detail": "", "consent_text": words}],
        "stop_list": None,
        "deliveries": [
            delivery | {"issue": "october", "state": "accepted", "why": ""},
            delivery | {"issue": "november", "state": "failed", "why": "hard-bounce"},
        ],
        "mails": [
            mail | {"kind": "sign-up"},
            mail | {"kind": "link", "state": "held", "why": "domain"},
            mail | {"kind": "link", "state": "sent", "address": ""},
            mail | {"kind": "move-old"},
        ],
        "circulars": [],
        "limits": {"link": 1},
    }


def test_of_an_address_that_nobody_knows_nothing_is_told(amal):
    told = my_data.about(subscriptions.uuid.UUID(int=0))
    assert [leaf for name, leaf in told.items() if leaf and name != "told_at"] == []


# What is not told, because it says nothing about anybody: numbers of rows, keys to others, leases.
MACHINE = {
    Subscriber: {"id"},
    Move: {"id", "subscriber_id", "address_key", "old_handle", "new_handle"},
    SignUp: {"id", "handle", "address_key", "wording_id"},
    Consent: {"id", "address_key", "wording_id", "previous", "digest"},
    Suppression: {"id", "address_key"},
    Delivery: {
        "id", "issue_id", "edition_id", "rendition_id", "subscriber_id", "recipient_id", "address_key", "worker",
        "lease_until",
    },
    Recipient: {"id", "issue_id", "address_key", "handle"},
    DeliveryEvent: {"id", "delivery_id", "key"},
    SystemMail: {"id", "address_key", "sign_up_id", "move_id", "released", "due_at", "lease_until"},
    AuditEntry: {"id", "actor_id", "actor_label", "object_type", "object_id", "object_label", "data"},
}  # fmt: skip


def test_every_field_is_told_or_the_machines_own():
    for model, names in my_data.TELLS.items():
        assert {field.attname for field in model._meta.fields} == set(names) | MACHINE[model], model.__name__
    assert set(MACHINE) == set(my_data.TELLS)


def test_every_model_that_knows_a_reader_is_told():
    about_readers = {"address", "address_key", "subscriber", "delivery", "reader"}
    theirs = apps.get_app_config("newsletter").get_models()  # a member's people see theirs where they sign in
    models = [model for model in theirs if {field.name for field in model._meta.fields} & about_readers]
    assert set(models) <= set(my_data.TELLS)


@pytest.mark.parametrize("issues", [1, 3])
def test_the_number_of_deliveries_costs_no_queries(django_assert_num_queries, issues):
    reader = make_subscriber()
    for number in range(issues):
        sent_issue(reader, slug=f"issue-{number}")
    with django_assert_num_queries(12):
        my_data.about(reader.address_key)


def test_the_page_costs_a_fixed_number_of_queries(client, amal, django_assert_num_queries):
    address = address_of(amal)
    with django_assert_num_queries(16):  # the reader, `about`, and the names of areas and issues
        client.get(address)


# --- special cases ----------------------------------------------------------------------------------------------------


def test_who_has_left_sees_why_they_are_stopped(client, amal):
    subscriptions.unsubscribe(amal, how="page")
    told = my_data.about(amal.address_key)
    assert (told["reader"]["state"], told["stop_list"]["reason"]) == ("unsubscribed", "unsubscribed")
    assert [(line["kind"], line["how"]) for line in told["consents"]] == [("given", "form"), ("withdrawn", "page")]
    assert "Stop list Reason unsubscribed" in Page(client.get(address_of(amal))).words


def test_what_was_sent_to_the_former_address_is_told_too(amal):
    Subscriber.objects.filter(pk=amal.pk).update(address_key=subscriptions.uuid.UUID(int=9))
    told = my_data.about(subscriptions.uuid.UUID(int=9))
    assert [row["issue"] for row in told["deliveries"]] == ["october", "november"]


def test_another_readers_wish_to_move_here_is_told_without_them(client, amal):
    boris = Subscriber.objects.get(address="boris@example.org")
    Move.objects.filter(subscriber=boris).update(address=amal.address, address_key=amal.address_key)
    assert [move["asked_by_you"] for move in my_data.about(amal.address_key)["moves"]] == [True, False]
    assert "boris" not in client.get(address_of(amal)).content.decode().casefold()


def test_what_staff_did_with_the_stop_list_is_told_without_who():
    carla = User.objects.create_user("carla@picum.test", name="Carla")
    amal = make_subscriber("amal@example.org")
    suppressing.add("amal@example.org", by=carla, note="asked for it by telephone", now=NOW)
    suppressing.add("boris@example.org", by=carla, note="another matter", now=NOW)
    (deed,) = my_data.about(amal.address_key)["staff"]
    assert (deed["action"], deed["note"]) == ("suppression.add", "asked for it by telephone")
    assert "Carla" not in json.dumps(deed, cls=DjangoJSONEncoder)


def test_what_staff_did_with_the_stop_list_is_said_in_words():
    carla = User.objects.create_user("carla@picum.test", name="Carla")
    amal = make_subscriber("amal@example.org")
    suppressing.add("amal@example.org", by=carla, note="asked for it by telephone", now=NOW)
    suppressing.lift(Suppression.objects.get(), by=carla, note="asked for it by letter")
    (staff,) = (one for one in my_data_in_words.sections(my_data.about(amal.address_key), "en") if one.key == "staff")
    assert [[fact.value for fact in deed.facts] for deed in staff.records] == [
        ["staff put the address on the stop list", "asked for it by telephone"],
        ["The entry was lifted: mail may go to the address again.", "asked for it by letter"],
    ]


def test_who_was_imported_sees_from_where():
    importing.import_rows([Row(2, "amal@example.org", "de")], source="congress 2024")
    told = my_data.about(Subscriber.objects.get().address_key)
    assert told["reader"]["source"] == "congress 2024"


def test_who_signed_up_reads_by_which_road_in_words():
    reader = make_subscriber("amal@example.org", source="embed")
    for language, words in (("en", "form on another site"), ("de", "Formular auf einer anderen Website")):
        with override(language):
            told = my_data_in_words.sections(my_data.about(reader.address_key), language)
        (you,) = (section for section in told if section.key == "reader")
        assert words in [fact.value for fact in you.records[0].facts]


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_has_its_parts_under_headings_in_the_readers_language(client, amal, language):
    page = Page(client.get(address_of(amal, language)))
    assert page.one("html")["lang"] == language
    parts = [tag for tag in page.all("section") if tag["aria-labelledby"] and not tag["class"]]
    assert [part["aria-labelledby"] for part in parts] == [
        "reader", "moves", "sign-ups", "consents", "stop-list", "deliveries", "mails", "limits", "staff",
    ]  # fmt: skip
    assert [part["aria-labelledby"] for part in parts] == [tag["id"] for tag in page.all("h2") if tag["id"]][:9]
    assert len(page.all("dt")) == len(page.all("dd")) > 50
    assert [tag["lang"] for tag in page.all("dd") if tag["lang"]] == ["pt", "pt"]


def test_what_the_file_says_the_page_says_too(client, amal):
    page = Page(client.get(address_of(amal))).words
    texts = {leaf for leaf in leaves(my_data.about(amal.address_key)) if isinstance(leaf, str) and leaf}
    # Codes are put in words.
    codes = {
        "pt", "es", "en", "monitoring", "advocacy", "wait", "form", "given", "failed", "hard-bounce", "domain", "link",
        "held", "sent", "sign-up", "move-old", "soft", "october", "november", "subscriber.change",
        "subscriber.unsubscribe", "waiting", "accepted", "subscribed",
    }  # fmt: skip
    assert sorted(text for text in texts - codes if " ".join(text.split()) not in page) == []
    words = [
        "Portuguese, Spanish, English",
        "wait for mine",
        "Consented, 3 November 2026, 13:00",
        "October 2026, English",
    ]
    words += ["The mailbox does not exist.", "Not now, 3 November 2026, 13:00", "unsubscribed by staff"]
    words += [str(amal.handle.hex), "too many mails to one domain within an hour", "Monitoring"]
    assert [one for one in words if one not in page] == []


def test_dates_and_languages_are_as_each_language_writes_them(client, amal):
    page = Page(client.get(address_of(amal, "de"))).words
    assert "3. November 2026, 13:00" in page
    assert "Portugiesisch, Spanisch, Englisch" in page


def test_nothing_of_anybody_else_is_shown(client, amal):
    for page in ("", "json/"):
        assert "boris" not in client.get(address_of(amal, page=page)).content.decode().casefold()


def test_what_people_wrote_is_shown_and_not_run(client):
    reader = make_subscriber(name="<script>alert(1)</script>")
    assert "&lt;script&gt;alert(1)" in client.get(address_of(reader)).content.decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_there_in_every_language(client, reader, language):
    page = Page(client.get(address_of(reader, language)))
    assert page.one("html")["lang"] == language
    assert "amal@example.org" in page.words


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_file_holds_everything_under_the_same_names(client, amal):
    response = client.get(address_of(amal, page="json/"))
    assert response["Content-Type"] == "application/json"
    assert response["Content-Disposition"] == f'attachment; filename="picum-my-data-{timezone.now():%Y-%m-%d}.json"'
    told = my_data.about(amal.address_key)
    expected = json.loads(json.dumps(told, cls=DjangoJSONEncoder))
    assert json.loads(response.content) | {"told_at": ""} == expected | {"told_at": ""}
    assert list(told) == list(expected)


def test_the_file_is_in_plain_utf_8_and_speaks_english_in_every_language(client):
    reader = make_subscriber("amal@münster.example", name="Åsa Źródło")
    german = client.get(address_of(reader, "de", "json/")).content.decode("utf-8")
    assert '"name": "Åsa Źródło"' in german
    assert '"state": "subscribed"' in german


# --- the link ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["", "json/", "erase/"])
def test_the_answers_are_kept_by_nobody(client, reader, page):
    for address in (address_of(reader, page=page), f"/en/newsletter/data/nonsense/{page}"):
        response = client.get(address)
        assert "no-store" in response["Cache-Control"]
        assert response["Referrer-Policy"] == "no-referrer"
        assert response["X-Robots-Tag"] == "noindex, nofollow"
        assert not response.cookies


@pytest.mark.parametrize("page", ["", "json/", "erase/"])
def test_a_false_link_gets_404_and_a_sentence(client, reader, page):
    now = timezone.now()
    genuine = my_data.token_for(reader, now=now)
    false = [
        "nonsense",
        genuine[:-1],
        genuine[:-1] + ("A" if genuine[-1] != "A" else "B"),
        subscriptions.token_for(reader),
        links.sign(reader.handle, purpose="data"),
        links.sign_until(reader.handle, purpose="confirm", until=now + my_data.VALID),
        str(reader.handle),
    ]
    for token in false:
        response = client.get(f"/en/newsletter/data/{token}/{page}")
        assert (response.status_code, Page(response).one("h1").words) == (404, "This link is not complete")
        assert "amal" not in response.content.decode()


@pytest.mark.parametrize("page", ["", "json/", "erase/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_after_three_days_the_link_offers_a_new_one(client, reader, page, method):
    hour = datetime.timedelta(hours=1)
    ago = timezone.now() - my_data.VALID
    assert client.get(address_of(reader, page=page, now=ago + hour)).status_code == 200
    response = getattr(client, method)(address_of(reader, page=page, now=ago - hour))
    if (method, page) in {("post", ""), ("post", "json/")}:
        assert response.status_code == 405
        return
    assert (response.status_code, Page(response).one("h1").words) == (410, "This link has expired")
    assert "/en/newsletter/link/" in Page(response).links()
    assert "amal" not in response.content.decode()
    assert Subscriber.objects.filter(pk=reader.pk).exists()


def test_the_link_outlives_a_change_of_keys(client, reader, settings):
    address = address_of(reader)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key of fifty characters " * 2
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("page", ["", "json/"])
def test_who_was_erased_is_told_that_there_is_nothing(client, reader, page, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    address = address_of(reader, page=page)
    erasing.erase(reader.address_key, how="staff", now=timezone.now())
    response = client.get(address)
    assert (response.status_code, Page(response).one("h1").words) == (200, "There is nothing about you here")
    assert response["Content-Type"] == "text/html; charset=utf-8"


def test_looking_changes_nothing(client, amal):
    told = my_data.about(amal.address_key) | {"told_at": None}
    for page in ("", "json/"):
        for method in ("get", "head"):
            assert getattr(client, method)(address_of(amal, page=page)).status_code == 200
        assert client.post(address_of(amal, page=page)).status_code == 405
    assert my_data.about(amal.address_key) | {"told_at": None} == told
    assert Wording.objects.count() == len(LANGUAGES)
