"""What was known for a decision alone goes when nobody can ask about the decision any more."""

import datetime
from datetime import UTC

import pytest

from members import applications, forgetting, shelf, upkeep
from members.models import Application, Category, Member, Paper, Referee
from picum.accounts.models import AuditEntry
from tests.members.factories import make_application, make_user

pytestmark = pytest.mark.django_db(transaction=True)  # files go when a transaction is through
NOW = datetime.datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
DAYS = datetime.timedelta(days=1)


def full(name: str, state: str, days: float) -> Application:
    """With papers, a referee and a note of Carla's, in the state for some days."""
    application = make_application(name, state="submitted", category=Category.objects.get(key="affiliated"))
    carla = make_user("carla@example.org", staff=True)
    then = NOW - days * DAYS
    for kind in Paper.Kind:
        file = shelf.keep(b"%PDF-1.4 %%EOF", "application/pdf")
        application.papers.create(kind=kind, name="Paper.pdf", file=file, content_type="application/pdf", size=14)
    application.referees.create(name="Ines", email="ines@example.org", answered_at=then, supports=True, words="Gladly.")
    applications.note(application, "They called.", by=carla, now=then)
    if state in {"admitted", "refused", "deferred", "recommended"}:
        applications.recommend(application, by=carla, now=then, words="Known for years.")
    match state:
        case "admitted":
            applications.admit(application, by=carla, on=then.date(), now=then)
        case "refused":
            applications.refuse(application, by=carla, now=then)
        case "deferred":
            applications.defer(application, by=carla, now=then)
        case "declined":
            applications.decline(application, by=carla, now=then, words="Not in Europe.")
        case "withdrawn":
            applications.withdraw(application, now=then)
    return application


def files() -> int:
    return len(list(shelf.names()))


@pytest.mark.parametrize("state", ["declined", "refused", "withdrawn"])
def test_an_application_that_led_nowhere_is_deleted_with_its_papers_and_its_name(state):
    before = files()
    old, young = full("Casa do Mar", state, 400.1), full("Young", state, 399.9)
    assert files() == before + 6
    assert forgetting.expire_applications(now=NOW) == 1
    assert list(Application.objects.all()) == [young]
    assert files() == before + 3
    assert not Referee.objects.filter(application=old.pk).exists()
    trail = AuditEntry.objects.filter(object_type="members.application")
    assert set(trail.filter(object_id=str(old.pk)).values_list("object_label", flat=True)) == {""}
    assert set(trail.filter(object_id=str(young.pk)).values_list("object_label", flat=True)) == {"Young"}
    assert "Casa do Mar" not in str(list(AuditEntry.objects.values()))
    assert forgetting.expire_applications(now=NOW) == 0


def test_of_who_was_admitted_the_dates_and_the_statutes_stay():
    before = files()
    application = full("Casa do Mar", "admitted", 401)
    told = list(application.entries.filter(kind="move").values_list("state", "at"))
    assert forgetting.expire_applications(now=NOW) == 1
    application.refresh_from_db()
    assert (application.state, application.name, application.answers, application.email) == (
        "admitted",
        "Casa do Mar",
        {},
        "",
    )
    assert [paper.kind for paper in application.papers.all()] == ["statutes"]
    assert files() == before + 1
    assert list(application.entries.values_list("state", "at", "words")) == [(*move, "") for move in told]
    assert application.referees.count() == 0
    assert Member.objects.get().street == "Rua do Porto 5"
    assert forgetting.expire_applications(now=NOW) == 0


@pytest.mark.parametrize("state", ["submitted", "recommended", "deferred"])
def test_what_waits_is_kept_however_long_it_takes(state):
    application = full("Casa do Mar", state, 900)
    Application.objects.update(state_since=NOW - 900 * DAYS)
    assert forgetting.expire_applications(now=NOW) == 0
    assert (application.papers.count(), application.referees.count()) == (3, 1)


def test_it_is_done_every_hour():
    assert upkeep.DEEDS["expire_applications"] is forgetting.expire_applications
