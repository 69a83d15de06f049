"""A real backup of a real database, made in mid send and restored after the sending went on: it comes up held."""

import datetime
import json
import shutil
from collections import Counter, deque
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.utils import timezone

from newsletter import continuity, enqueue
from newsletter.models import Edition
from picum.chaos.relay import Relay
from tests.newsletter.crowd import crowd
from tests.newsletter.factories import make_issue
from tests.services import service

pytestmark = pytest.mark.service
READERS = 300
EMPTY = """
DO $$ BEGIN
    EXECUTE (
        SELECT 'TRUNCATE ' || string_agg(format('%I', tablename), ', ') FROM pg_tables WHERE schemaname = 'public'
    );
END $$
"""
DECIDE = """
from newsletter import enqueue
from newsletter.models import Edition
for edition in Edition.objects.filter(state="paused"): enqueue.resume(edition, by=None)
for edition in Edition.objects.filter(state="held"): enqueue.unschedule(edition, by=None)
"""


@pytest.fixture
def relay():
    with Relay() as server:
        yield server


@pytest.fixture
def site(tmp_path, relay, django_db_blocker):
    assert shutil.which("pg_dump"), "This test makes a backup; install PostgreSQL's client programs."
    with service(tmp_path, relay, django_db_blocker, SENDING_CONNECTIONS="4") as site:
        yield site


@pytest.fixture
def another(site):
    """The address of an empty database beside the site's."""
    url = site.environment["DATABASE_URL"] + "_restored"
    name = urlsplit(url).path.strip("/")
    run(url.rpartition("/")[0] + "/postgres", f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}"')
    yield url
    site.close()
    run(url.rpartition("/")[0] + "/postgres", f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def run(url: str, *statements: str) -> list[tuple]:
    """What the last statement found, in a database of its own."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def standing(site) -> dict[str, str]:
    """Language → state, in the database that the site uses now."""
    return dict(run(site.environment["DATABASE_URL"], "SELECT language, state FROM newsletter_edition"))


def stands_still(relay) -> Callable[[], bool]:
    """Whether no mail has come since the fourth call before this one."""
    counts = deque([-1] * 4, maxlen=4)

    def look() -> bool:
        counts.append(len(relay.received))
        return counts[0] == counts[-1]

    return look


def all_ready(site) -> dict[str, str]:
    return dict.fromkeys(standing(site), "ready")


def reason(url: str) -> str:
    """As English readers see it; stored are all languages."""
    ((reason,),) = run(url, "SELECT reason FROM newsletter_edition WHERE language = 'en'")
    return json.loads(reason)["en"]


def scheduled() -> None:
    """English for now, Spanish for later."""
    issue = make_issue(items=1, state=Edition.State.READY)
    enqueue.send(issue, ["es"], by=None, at=timezone.now() + datetime.timedelta(days=40))
    enqueue.send(issue, ["en"], by=None)


def backup_of(site, *what: str) -> Path:
    path = site.folder / "backup.sql"
    site.run("pg_dump", *what, "--file", path, site.environment["DATABASE_URL"]).ends()
    return path


def restore(site, backup: Path, url: str) -> None:
    site.run("psql", "--quiet", "--set=ON_ERROR_STOP=1", "--file", backup, url).ends()


def look_again(site) -> None:
    """Wait until the row has a new beat, as if half a minute had passed: somebody has looked."""
    url, beats = site.environment["DATABASE_URL"], "SELECT life, beats FROM newsletter_heartbeat"
    run(url, "UPDATE newsletter_heartbeat SET seen_at = seen_at - interval '1 minute'")
    before = run(url, beats)
    site.wait_until(lambda: run(url, beats) != before)


def test_restored_under_another_name_it_waits_for_a_person_and_then_goes_on(site, relay, another):
    """A backup after some mails, a disaster after some more, a new start from the backup."""
    crowd(READERS, "en")
    scheduled()
    programs = [site.beat(), site.worker()]
    relay.wait_for(20)
    relay.delay = 0.3  # from here on there is time for everything
    backup = backup_of(site)
    relay.wait_for(len(relay.received) + 10)
    for program in programs:
        program.kill()
    site.wait_until(stands_still(relay))
    served, relay.delay = set(relay.recipients()), 0
    assert len(served) < READERS

    restore(site, backup, another)
    site.environment["DATABASE_URL"] = another
    assert standing(site) == all_ready(site) | {"en": "sending", "es": "scheduled"}
    site.beat()
    site.worker()
    site.wait_until(lambda: standing(site)["en"] != "sending")
    look_again(site)
    assert standing(site) == all_ready(site) | {"en": "paused", "es": "held"}
    assert reason(another).startswith("The database is another one than before:")
    assert Counter(relay.recipients()) == dict.fromkeys(served, 1)

    site.manage("shell", "-c", DECIDE)
    site.wait_until(lambda: standing(site)["en"] == "sent")
    assert len(set(relay.recipients())) == READERS
    twice = {address for address, times in Counter(relay.recipients()).items() if times > 1}
    assert twice <= served, "as the warning said"
    assert standing(site)["es"] == "ready"


def test_restored_into_the_same_tables_it_is_noticed_by_what_this_machine_has_seen(site):
    scheduled()
    now, url = timezone.now(), site.environment["DATABASE_URL"]
    assert not continuity.holds(now=now)
    backup = backup_of(site, "--data-only", "--disable-triggers")
    assert not continuity.holds(now=now + datetime.timedelta(seconds=30))
    run(url, EMPTY)
    restore(site, backup, url)
    assert continuity.holds(now=now + datetime.timedelta(seconds=60))
    assert standing(site) == all_ready(site) | {"en": "held", "es": "held"}
    assert reason(url).startswith("The database has gone back in time: this machine has seen it further on.")


def test_a_dump_that_made_the_tables_anew_is_noticed_at_the_first_look(site):
    scheduled()
    assert not continuity.holds(now=timezone.now())
    restore(site, backup_of(site, "--clean"), site.environment["DATABASE_URL"])
    assert continuity.holds(now=timezone.now())
    assert standing(site) == all_ready(site) | {"en": "held", "es": "held"}
