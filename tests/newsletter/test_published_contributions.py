"""Where what was handed in has appeared: the items that everybody can read, for readers of a language."""

import datetime

import pytest
from django.utils import timezone

from newsletter.contributions import Published, published
from newsletter.models import Issue
from tests.newsletter.factories import make_issue, make_item

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def out(issue, *languages, at=NOW):
    issue.editions.filter(language__in=languages).update(published_at=at)


def test_an_item_is_told_with_its_title_its_address_its_issue_and_the_moment_it_appeared():
    issue = make_issue()
    item = make_item(issue, en="A title", pt="Um título")
    out(issue, "en", "pt")
    assert published([item.pk], "pt", on=NOW) == [
        Published(item.pk, "Um título", "pt", f"/pt/newsletter/items/{item.pk}/", "outubro de 2026", NOW)
    ]


@pytest.mark.parametrize(
    ("texts", "editions", "fallback", "told"),
    [
        ({"en": "E", "pt": "P"}, ["en", "pt"], "mark", ("E", "/en/")),
        ({"pt": "P"}, ["en", "pt"], "mark", ("P", "/en/")),  # on the English page in Portuguese, marked
        ({"pt": "P"}, ["en", "pt"], "omit", ("P", "/pt/")),  # the English page leaves it out
        ({"en": "E", "pt": "P"}, ["pt"], "mark", ("P", "/pt/")),  # there is no English page yet
        ({"pt": "P"}, ["en"], "omit", None),
        ({"pt": ("P", "")}, ["en", "pt"], "mark", None),
        ({"pt": "P"}, [], "mark", None),
    ],
)
def test_it_is_told_in_the_language_asked_for_or_where_it_can_be_read(client, texts, editions, fallback, told):
    issue = make_issue(fallback=Issue.Fallback(fallback))
    item = make_item(issue, **texts)
    out(issue, *editions)
    found = [(one.title, one.path[:4]) for one in published([item.pk], "en", on=NOW)]
    assert found == ([told] if told else [])
    for one in published([item.pk], "en", on=NOW):
        assert client.get(one.path).status_code == 200


def test_what_appeared_last_comes_first_and_what_is_to_come_does_not():
    items = []
    for days in (3, 1, 2, -1):
        issue = make_issue(f"issue-{days + 5}")
        items.append(make_item(issue, en=f"{days} days ago").pk)
        out(issue, "en", at=NOW - datetime.timedelta(days=days))
    titles = [one.title for one in published([*items, 10**9], "en", on=NOW)]
    assert titles == ["1 days ago", "2 days ago", "3 days ago"]


@pytest.mark.parametrize("number", [1, 3])
def test_three_questions_to_the_database_and_none_about_nothing(django_assert_num_queries, number):
    items = []
    for count in range(number):
        issue = make_issue(f"issue-{count}")
        items.append(make_item(issue, en="E", pt="P").pk)
        out(issue, "en", "pt")
    with django_assert_num_queries(3):
        assert len(published(items, "de", on=NOW)) == number
    with django_assert_num_queries(0):
        assert published([], "de", on=NOW) == []
