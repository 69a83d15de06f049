"""A member's people change its profile: field by field, live or with approval, and two at once."""

import datetime

import pytest
from django.utils import timezone

from members import differences, profile_fields, profiles
from members.models import FieldPolicy, Kind, OrganisationType, ProfileChange
from members.profile_fields import fingerprint
from tests.members.factories import make_contact, make_member, make_user

pytestmark = pytest.mark.django_db
NOW = timezone.now()
State = ProfileChange.State


@pytest.fixture
def member():
    return make_member(
        acronym="RA",
        city="Lisboa",
        areas=["advocacy"],
        rights=["health-care"],
        description={"pt": "Acolhemos pessoas.", "en": "We welcome people."},
    )


@pytest.fixture
def amal(member):
    return make_contact(member).user


def change(member, by, as_read=None, **values):
    return profiles.change(member, values, by=by, now=NOW, as_read=as_read)


def live(member):
    return profile_fields.read(type(member).objects.get(pk=member.pk))


def prints(member):
    stored = profiles.wishes(live(member), profiles.waiting(member))
    return {key: fingerprint(value) for key, value in stored.items()}


def test_what_needs_no_approval_is_live_at_once_and_nothing_else_is_touched(member, amal):
    before = live(member)
    values = {
        "city": "Porto",
        "website": "https://ruaaberta.example",
        "level": "national",
        "areas": ["awareness", "advocacy"],
        "rights": [],
        "languages": "ar pt",
        "description:fr": "Nous accueillons.",
    }
    done = profiles.change(member, values, by=amal, now=NOW)
    assert sorted(done.live) == sorted(values)
    assert live(member) == before | values | {"areas": ["advocacy", "awareness"]}
    assert not ProfileChange.objects.exists()


def test_what_needs_approval_waits_with_the_old_and_the_new_value(member, amal):
    done = change(member, amal, name="Rua Aberta Lisboa", type="health", city="Porto")
    assert (done.live, sorted(done.waiting), done.taken_back) == (["city"], ["name", "type"], [])
    assert live(member)["name"] == "Rua Aberta"
    rows = member.changes.order_by("field").values_list("field", "language", "old", "new", "state", "by", "by_label")
    assert list(rows) == [
        ("name", "", "Rua Aberta", "Rua Aberta Lisboa", "waiting", amal.pk, "Amal"),
        ("type", "", "human-rights", "health", "waiting", amal.pk, "Amal"),
    ]


def test_the_secretariat_decides_which_fields_wait(member, amal):
    FieldPolicy.objects.filter(field="name").update(needs_approval=False)
    FieldPolicy.objects.create(field="description")
    done = profiles.change(member, {"name": "Nova", "description:pt": "Novo."}, by=amal, now=NOW)
    assert (done.live, done.waiting) == (["name"], ["description:pt"])
    assert member.changes.values_list("field", "language").get() == ("description", "pt")


def test_what_was_not_changed_is_no_change(member, amal):
    done = profiles.change(member, live(member), by=amal, now=NOW)
    assert (done.live, done.waiting, done.taken_back) == ([], [], [])


def test_a_later_wish_replaces_the_one_that_waits(member, amal):
    change(member, amal, name="Primeiro")
    change(member, amal, name="Segundo")
    assert list(member.changes.order_by("pk").values_list("new", "state")) == [
        ("Primeiro", "replaced"),
        ("Segundo", "waiting"),
    ]


def test_writing_back_what_is_live_takes_the_wish_back(member, amal):
    change(member, amal, name="Primeiro")
    done = change(member, amal, name="Rua Aberta")
    assert (done.live, done.waiting, done.taken_back) == ([], [], ["name"])
    assert member.changes.get().state == State.REPLACED


def test_two_colleagues_who_change_different_fields_at_once_both_keep_theirs(member, amal):
    boris = make_contact(member, "boris@example.org", "communications").user
    page = prints(member)
    old = live(member)
    profiles.change(member, old | {"city": "Porto"}, by=amal, now=NOW, as_read=page)
    done = profiles.change(member, old | {"telephone": "+351 21 000"}, by=boris, now=NOW, as_read=page)
    assert done.live == ["telephone"]
    assert (live(member)["city"], live(member)["telephone"]) == ("Porto", "+351 21 000")


def test_an_old_page_does_not_take_back_what_a_colleague_has_sent_for_approval(member, amal):
    page, old = prints(member), live(member)
    change(member, amal, name="Rua Aberta Lisboa")
    profiles.change(member, old | {"city": "Porto"}, by=amal, now=NOW, as_read=page)
    assert member.changes.values_list("new", "state").get() == ("Rua Aberta Lisboa", "waiting")


def test_two_who_change_one_field_differently_are_told_and_nothing_is_saved(member, amal):
    page = prints(member)
    change(member, amal, city="Porto")
    with pytest.raises(profiles.Conflict) as conflict:
        change(member, amal, as_read=page, city="Braga", telephone="+351 21 000")
    assert conflict.value.stored == {"city": "Porto"}
    assert (live(member)["city"], live(member)["telephone"]) == ("Porto", "")


def test_two_who_write_the_same_agree(member, amal):
    page = prints(member)
    change(member, amal, city="Porto")
    assert change(member, amal, as_read=page, city="Porto").live == []


def test_a_person_has_no_fields_of_the_directory(amal):
    maria = make_member("Maria Lopes", kind=Kind.PERSON)
    assert profile_fields.keys_of(maria) == set(profile_fields.OF_PEOPLE)
    with pytest.raises(KeyError):
        profiles.change(maria, {"description:pt": "Eu."}, by=amal, now=NOW)


def test_a_type_that_is_gone_cannot_be_chosen(member, amal):
    FieldPolicy.objects.all().delete()
    OrganisationType.objects.filter(key="health").delete()
    with pytest.raises(profile_fields.Gone):
        change(member, amal, type="health", city="Porto")
    assert live(member)["city"] == "Lisboa"


def test_the_public_address_outlives_a_new_name(member, amal):
    FieldPolicy.objects.all().delete()
    change(member, amal, name="Casa Nova")
    member.refresh_from_db()
    assert (member.name, member.slug) == ("Casa Nova", "rua-aberta")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("country", "DE", "Alemanha"),
        ("languages", "pt ar", "árabe, português"),
        ("type", "trade-union", "Sindicato"),
        ("level", "", ""),
        ("description:en", "Hello.", "Hello."),
    ],
)
def test_values_are_told_in_the_language_of_the_reader(key, value, words):
    from django.utils.translation import override

    with override("pt"):
        assert profile_fields.in_words(key, value, "pt") == words


def test_short_texts_differ_as_a_whole_and_long_ones_word_by_word():
    assert [(piece.how, piece.words) for piece in differences.between("Lisboa", "Porto")] == [
        ("gone", "Lisboa"),
        ("new", "Porto"),
    ]
    old = "We help people who are undocumented to see a doctor, to find a lawyer and to learn."
    pieces = differences.between(old, old.replace("a lawyer", "a good lawyer"))
    assert [(piece.how, piece.words) for piece in pieces if piece.how != "same"] == [("new", "good ")]
    assert "".join(piece.words for piece in pieces if piece.how != "new") == old


def test_a_profile_is_read_and_changed_in_a_few_queries(member, amal, django_assert_num_queries):
    fresh = type(member).objects.get(pk=member.pk)
    with django_assert_num_queries(4):
        profile_fields.read(fresh)
    day = datetime.timedelta(days=1)
    with django_assert_num_queries(11):
        profiles.change(member, {"city": "Porto", "name": "Nova"}, by=amal, now=NOW + day)


def test_a_stranger_changes_nothing_through_another_member(member, amal):
    other = make_member("Casa Azul", country="ES")
    change(other, make_user("boris@example.org"), city="Sevilla")
    assert live(member)["city"] == "Lisboa"
