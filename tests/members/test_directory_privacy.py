"""What a member does not show is nowhere: not on a page, not between its lines, not in a list, nor in what a filter or
a search gives away."""

import itertools
import json
import re
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from members import public
from members.models import Kind, Member, Shown
from tests.members.factories import make_contact, make_member

pytestmark = pytest.mark.django_db
SUBSETS = [set(some) for size in range(8) for some in itertools.combinations(Shown, size)]
# Something to leak: words that stand nowhere else, by the choice that lets them out.
TOLD = {
    Shown.LOGO: {"logo": "logosecret.png", "logo_width": 120, "logo_height": 60},
    Shown.ADDRESS: {"street": "Streetsecret 5", "postcode": "POSTSECRET", "city": "Citysecret"},
    Shown.EMAIL: {"email": "mailsecret@example.org"},
    Shown.TELEPHONE: {"telephone": "+35199887766"},
    Shown.WEBSITE: {"website": "https://websecret.example.org/"},
}
WORDS = {
    Shown.LOGO: ["logosecret"],
    Shown.DESCRIPTION: ["Wordsecret", "Textosecret"],
    Shown.WORK: ["Awareness raising", "minimum subsistence"],
    Shown.ADDRESS: ["Streetsecret", "POSTSECRET", "Citysecret"],
    Shown.EMAIL: ["mailsecret"],
    Shown.TELEPHONE: ["35199887766"],
    Shown.WEBSITE: ["websecret"],
}
NEVER = ["REGSECRET", "Amalsecret", "amalsecret", "+3511112223", "qq ww"]
EVERYWHERE = ["Rua Aberta", "RAB"]


def make_open(**fields) -> Member:
    """A member of which everything is filled in."""
    told = {name: value for some in TOLD.values() for name, value in some.items()}
    member = make_member(
        "Rua Aberta",
        acronym="RAB",
        level="european",
        areas=["awareness"],
        rights=["subsistence"],
        description={"pt": "Textosecret.", "en": "Wordsecret."},
        registration_number="REGSECRET",
        languages="qq ww",
        **told | {"open_data": True} | fields,
    )
    make_contact(member, "amalsecret@example.org", name="Amalsecret", telephone="+3511112223")
    return member


def said(path: str) -> str:
    """What an address answers, its headers included."""
    response = Client().get(path)
    assert response.status_code == 200, path
    return response.content.decode() + str(response.headers)


def told(shown) -> set[str]:
    return {word for what in shown for word in WORDS[what]}


# --- the rule --------------------------------------------------------------------------------------------------------


def test_each_subset_of_what_a_member_shows_lets_out_that_and_nothing_else():
    member = make_open()
    work = {"areas": ["awareness"], "rights": ["subsistence"]}
    row = SimpleNamespace(**{field: getattr(member, field, "") for field in public.FIELDS} | {"type__key": "health"})
    names = {
        Shown.LOGO: {"logo"},
        Shown.DESCRIPTION: {"texts"},
        Shown.WORK: {"level", "areas", "rights"},
        Shown.ADDRESS: {"street", "postcode", "city"},
        Shown.EMAIL: {"email"},
        Shown.TELEPHONE: {"telephone"},
        Shown.WEBSITE: {"website"},
    }
    always = {"slug", "name", "acronym", "country", "type", "open_data", "original_language"}
    for shown in SUBSETS:
        row.shown = [str(what) for what in shown]
        seen = public.public_of(row, work=work, texts={"pt": "Textosecret."})
        filled = {name for name in seen.__slots__ if getattr(seen, name)}
        assert filled == always.union(*(names[what] for what in shown)), shown
        row.in_directory = False
        seen = public.public_of(row, work=work, texts={"pt": "Textosecret."})
        assert {name for name in seen.__slots__ if getattr(seen, name)} == always
        row.in_directory = True


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(shown=st.sets(st.sampled_from(list(Shown))), junk=st.lists(st.sampled_from(["", "registration_number", "name"])))
def test_nothing_else_is_on_any_page_or_list(shown, junk):
    with transaction.atomic():
        member = make_open(shown=[*map(str, shown), *junk])
        allowed, forbidden = told(shown), told(set(Shown) - shown) | set(NEVER) | {str(member.handle)}
        page = said("/en/members/rua-aberta/")
        portuguese = said("/pt/members/rua-aberta/")
        lists = [said(path) for path in ("/en/members/", "/en/members/list.csv", "/en/members/list.json")]
        for text in (page, portuguese, *lists):
            assert [word for word in forbidden if word in text] == []
            assert all(word in text for word in EVERYWHERE)
        both = page + portuguese
        assert [word for word in allowed if word not in both] == []
        transaction.set_rollback(True)


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(shown=st.sets(st.sampled_from(list(Shown))))
def test_no_filter_and_no_search_finds_what_is_not_shown(shown):
    ways = {
        Shown.WORK: ["area=awareness", "right=subsistence"],
        Shown.ADDRESS: ["q=citysecret"],
        Shown.DESCRIPTION: ["q=wordsecret", "q=textosecret"],
    }
    never = ["q=regsecret", "q=amalsecret", "q=mailsecret", "q=streetsecret", "q=35199887766", "q=websecret", "q=ww"]
    with transaction.atomic():
        make_open(shown=[str(what) for what in shown])
        for what, queries in ways.items():
            for query in queries:
                answer = json.loads(Client().get(f"/en/members/list.json?{query}").content)
                assert len(answer["members"]) == (what in shown), query
        for query in never:
            assert json.loads(Client().get(f"/en/members/list.json?{query}").content)["members"] == []
        transaction.set_rollback(True)


# --- who is there at all ---------------------------------------------------------------------------------------------


def test_the_database_itself_lists_no_person():
    boris = make_member("Boris Person", kind=Kind.PERSON)
    for fields in ({"in_directory": True}, {"open_data": True}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Member.objects.filter(pk=boris.pk).update(**fields)


def test_who_left_the_directory_is_nowhere_at_once(client):
    make_open(shown=list(Shown))
    paths = ["/en/members/", "/en/members/list.csv", "/en/members/list.json", "/en/members/?q=rua"]
    assert all("Rua Aberta" in said(path) for path in paths)
    Member.objects.update(in_directory=False, open_data=False)
    assert not any("Rua Aberta" in said(path) for path in paths)
    assert client.get("/en/members/rua-aberta/").status_code == 404


def test_who_does_not_agree_to_lists_is_on_the_page_and_in_no_list(client):
    make_open(shown=list(Shown), open_data=False)
    assert "Rua Aberta" in said("/en/members/")
    assert "list.csv" not in said("/en/members/")
    for path in ("/en/members/list.csv", "/en/members/list.json"):
        assert not re.search("Rua Aberta|secret", said(path))


def test_what_is_never_shown_is_not_even_read(django_assert_num_queries):
    day = make_open(shown=list(Shown)).memberships.get().from_on
    with django_assert_num_queries(3) as asked:
        public.find("rua-aberta", on=day)
    sql = " ".join(query["sql"] for query in asked.captured_queries)
    assert "telephone" in sql
    assert re.findall('registration_number|"languages"|members_contact|handle', sql) == []
