import contextlib
import datetime
import logging
import time

import pytest
import time_machine
from celery import current_app
from django.db import transaction

from newsletter import link_checks, tasks, upkeep
from newsletter.link_checks import Link
from newsletter.models import Edition, Issue, LinkCheck
from tests.newsletter.factories import contents, make_issue, make_item, make_texts
from tests.newsletter.internet import Internet

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)
LATER = datetime.timedelta(minutes=11)


@pytest.fixture
def net(monkeypatch, settings):
    settings.SITE_URL = "https://newsletter.picum.example"
    monkeypatch.setattr(link_checks, "PAUSE", 0)
    with Internet(monkeypatch) as there:
        yield there


@pytest.fixture
def rung(monkeypatch):
    heard = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: heard.append((name, *args)))
    return heard


def with_links(*urls, slug="next") -> Issue:
    issue = make_issue(slug)
    for url in urls:
        make_item(issue, en="Read", sources=[{"url": url}])
    return issue


def seen() -> dict[str, tuple[str, int | None, str]]:
    return {check.url: (check.state, check.status, check.note) for check in LinkCheck.objects.order_by("pk")}


def asked(issue, *, now=NOW, older_than=link_checks.AT_ONCE) -> int:
    return link_checks.ask(contents(issue), now=now, older_than=older_than)


# --- which links ----------------------------------------------------------------------------------------------------


@pytest.fixture
def issue():
    issue = make_issue(languages=["en", "de"])
    box = '<p><a href="https://give.org/?a=1&amp;b=2">Give</a> or <a href="mailto:a@b.org">write</a></p>'
    make_texts(issue, "en", message='<p><a href="http://hello.org/">Hello</a></p>', donation=box)
    both = {
        "en": ("A", '<p><a href="https://en.org/">x</a></p>'),
        "de": ("B", '<p><a href="https://de.org/">x</a></p>'),
    }
    make_item(issue, **both, sources=[{"url": "https://read.org/#p"}, {"outlet": "Il Faro"}, {"title": "Note"}])
    return issue


def test_the_links_that_editors_wrote_are_found_once_each(issue):
    (item,) = issue.items.all()
    assert set(link_checks.links_of(contents(issue))) == {
        Link("http://hello.org/", None, "en"),
        Link("https://give.org/?a=1&b=2", None, "en"),
        Link("https://en.org/", item, "en"),
        Link("https://de.org/", item, "de"),
        Link("https://read.org/#p", item, None),
    }


def test_an_edition_has_the_links_that_its_readers_are_shown(issue):
    (item,) = issue.items.all()
    only = make_item(issue, de=("Nur deutsch", '<p><a href="https://nur.org/">x</a></p>'))
    assert set(link_checks.links_of_edition(contents(issue), "en")) == {
        Link("http://hello.org/", None, "en"),
        Link("https://give.org/?a=1&b=2", None, "en"),
        Link("https://en.org/", item, "en"),
        Link("https://read.org/#p", item, None),
        Link("https://nur.org/", only, "de"),
    }
    Issue.objects.update(fallback="omit")
    urls = {link.url for link in link_checks.links_of_edition(contents(issue), "de")}
    assert urls == {"https://de.org/", "https://read.org/#p", "https://nur.org/"}


# --- asking ---------------------------------------------------------------------------------------------------------


def test_what_was_never_checked_is_due_at_once_and_the_bell_rings_on_commit(rung, django_capture_on_commit_callbacks):
    issue = with_links("https://a.org/x#1", "https://a.org/x#2", "https://b.org/")
    with django_capture_on_commit_callbacks(execute=True):
        assert asked(issue) == 2
        assert rung == []
    assert rung == [("newsletter.check_links", issue.pk)]
    assert seen() == {"https://a.org/x": ("unknown", None, ""), "https://b.org/": ("unknown", None, "")}


@pytest.mark.django_db(transaction=True)
def test_languages_that_are_made_ready_together_ring_once_for_their_issue(rung):
    """And what was taken back in the middle rings as little as the links that it asked for are there."""
    issues = [with_links("https://a.org/", slug=slug) for slug in ("one", "two")]
    with transaction.atomic():
        with contextlib.suppress(KeyError), transaction.atomic():
            asked(issues[0])
            raise KeyError
        asked(issues[1])
        with transaction.atomic():
            asked(issues[0])
        for _language in range(3):
            asked(issues[0])
    assert rung == [("newsletter.check_links", issues[1].pk), ("newsletter.check_links", issues[0].pk)]
    asked(issues[0])
    assert len(rung) == 3


def test_an_issue_without_links_rings_nobody(rung, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert asked(make_issue(items=1)) == 0
    assert rung == []


def test_what_was_checked_is_asked_again_only_after_a_while(net):
    issue = with_links(net.site("a.org"))
    with time_machine.travel(NOW, tick=False):
        assert asked(issue) == 1
        assert link_checks.check(contents(issue)) is False
        assert asked(issue, now=NOW + datetime.timedelta(minutes=9)) == 0
        assert asked(issue, now=NOW + LATER) == 1


@pytest.mark.parametrize("rows", [1, 3])
def test_asking_takes_the_same_queries_for_one_link_and_three(rows, django_assert_num_queries):
    whole = contents(with_links(*[f"https://{n}.org/" for n in range(rows)]))
    with django_assert_num_queries(3):
        link_checks.ask(whole, now=NOW, older_than=link_checks.AT_ONCE)


# --- checking -------------------------------------------------------------------------------------------------------


def test_links_are_checked_and_what_came_of_them_is_kept(net):
    issue = with_links(
        net.site("fine.org"), net.site("gone.org", status=410), net.site("shy.org", status=429),
        net.site("inside.org", at=["10.0.0.1"]), "http://nowhere.org/",
    )  # fmt: skip
    with time_machine.travel(NOW, tick=False):
        asked(issue)
        assert link_checks.check(contents(issue)) is False
    assert seen() == {
        "http://fine.org/": ("ok", 200, ""),
        "http://gone.org/": ("broken", 410, ""),
        "http://shy.org/": ("refused", 429, ""),
        "http://inside.org/": ("private", None, "not-public"),
        "http://nowhere.org/": ("broken", None, "no-host"),
    }
    assert set(LinkCheck.objects.values_list("checked_at", "due_at", "claimed_until")) == {(NOW, None, None)}
    assert {host for _method, host, _path in net.asked} == {"fine.org", "gone.org", "shy.org"}


def test_only_the_links_of_the_issue_are_checked(net):
    mine, other = with_links(net.site("mine.org")), with_links(net.site("other.org"), slug="other")
    asked(mine)
    asked(other)
    link_checks.check(contents(mine))
    assert seen() == {"http://mine.org/": ("ok", 200, ""), "http://other.org/": ("unknown", None, "")}


def test_hosts_take_turns_and_one_host_has_a_pause(net, monkeypatch):
    monkeypatch.setattr(link_checks, "PAUSE", 0.3)
    issue = with_links(
        net.site("a.org", "/1"), net.site("a.org", "/2"), net.site("a.org", "/3"), net.site("b.org", "/1")
    )
    asked(issue)
    link_checks.check(contents(issue))
    assert [host + path for _method, host, path in net.asked] == ["a.org/1", "b.org/1", "a.org/2", "a.org/3"]
    first, _other, second, third = net.moments
    assert second - first > 0.25
    assert third - second > 0.25


def test_a_site_that_nobody_asks_is_not_waited_for(net, monkeypatch):
    monkeypatch.setattr(link_checks, "PAUSE", 30)
    issue = with_links("https://a.example/1", "https://a.example/2", "https://user@b.org/1", "https://user@b.org/2")
    asked(issue)
    began = time.monotonic()
    link_checks.check(contents(issue))
    assert time.monotonic() - began < 20
    assert [state for state, _status, _note in seen().values()] == ["broken", "broken", "private", "private"]
    assert net.asked == []


def test_a_site_that_leads_to_one_that_nobody_asks_has_its_pause(net, monkeypatch):
    monkeypatch.setattr(link_checks, "PAUSE", 0.3)
    onward = {"status": 302, "headers": {"Location": "https://a.example/"}}
    issue = with_links(net.site("a.org", "/1", **onward), net.site("a.org", "/2", **onward))
    asked(issue)
    link_checks.check(contents(issue))
    first, second = net.moments
    assert second - first > 0.25


def test_a_turn_that_is_over_is_gone_on_with_in_the_next(net, monkeypatch):
    monkeypatch.setattr(link_checks, "MOST", 2)
    issue = with_links(*[net.site(f"{name}.org") for name in "abcde"])
    asked(issue)
    assert [link_checks.check(contents(issue)) for _turn in range(3)] == [True, True, False]
    assert [host for _method, host, _path in net.asked] == [f"{name}.org" for name in "abcde"]
    assert {state for state, _status, _note in seen().values()} == {"ok"}


def test_a_worker_that_is_asked_to_stop_leaves_the_rest(net):
    issue = with_links(net.site("a.org"), net.site("b.org"))
    asked(issue)
    assert link_checks.check(contents(issue), until=lambda: bool(net.asked)) is True
    assert [state for state, _status, _note in seen().values()] == ["ok", "unknown"]
    assert link_checks.check(contents(issue), seconds=0) is True


def test_what_another_worker_is_asking_is_left_to_it_until_its_time_is_over(net):
    issue = with_links(net.site("a.org"))
    asked(issue)
    LinkCheck.objects.update(claimed_until=datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30))
    assert link_checks.check(contents(issue)) is False
    assert net.asked == []
    LinkCheck.objects.update(claimed_until=datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1))
    link_checks.check(contents(issue))
    assert seen() == {"http://a.org/": ("ok", 200, "")}


def test_the_bell_wakes_a_worker_who_rings_again_while_something_is_left(net, rung, monkeypatch):
    monkeypatch.setattr(link_checks, "MOST", 1)
    issue = with_links(net.site("a.org"), net.site("b.org"))
    asked(issue)
    tasks.check_links(issue.pk)
    assert rung == [("newsletter.check_links", issue.pk)]
    tasks.check_links(issue.pk)
    assert len(rung) == 1


def test_a_bell_for_an_issue_that_is_not_there_is_logged(caplog):
    tasks.check_links(4711)
    assert caplog.messages == ["There is no issue 4711."]


def test_no_address_is_ever_logged(net, caplog):
    urls = [net.site("secret-site.org", "/t?token=s3cret"), net.site("secret-site.org", "/x", status=500),
            "http://secret-site.nowhere.org/", "http://u:s3cret@secret-site.org/"]  # fmt: skip
    issue = with_links(*urls)
    with caplog.at_level(logging.DEBUG):
        asked(issue)
        tasks.check_links(issue.pk)
        upkeep.look_outside(now=NOW)
    # What a developer sees of the database in DEBUG is not written anywhere else.
    said = "".join(record.getMessage() for record in caplog.records if record.name != "django.db.backends")
    assert "secret-site" not in said
    assert "s3cret" not in said


# --- now and then ---------------------------------------------------------------------------------------------------


def test_links_of_issues_that_are_being_made_are_checked_now_and_then(rung, django_capture_on_commit_callbacks):
    made = with_links("https://made.org/")
    sent = with_links("https://sent.org/", slug="sent")
    sent.editions.update(state=Edition.State.SENT, frozen_at=NOW)
    old = with_links("https://old.org/", slug="old")
    Issue.objects.filter(pk=old.pk).update(created_at=NOW - datetime.timedelta(days=91))
    Issue.objects.filter(pk=made.pk).update(created_at=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        report = upkeep.look_outside(now=NOW)
    assert report.words == "1 link is to be checked; forgot 0 links."
    assert rung == [("newsletter.check_links", made.pk)]
    LinkCheck.objects.update(state="ok", checked_at=NOW, due_at=None)
    for days, due in [(6, 0), (8, 1)]:
        assert link_checks.look_after(now=NOW + datetime.timedelta(days=days)) == (due, 0)


def test_links_that_nobody_asked_about_for_half_a_year_are_forgotten():
    def check(url, **fields):
        LinkCheck.objects.create(url=url, url_key=LinkCheck.key_of(url), **fields)

    long_ago = NOW - datetime.timedelta(days=181)
    check("https://old.org/", checked_at=long_ago, due_at=None)
    check("https://never.org/", due_at=long_ago)
    check("https://new.org/", checked_at=NOW, due_at=None)
    assert link_checks.look_after(now=NOW) == (0, 2)
    assert list(seen()) == ["https://new.org/"]
