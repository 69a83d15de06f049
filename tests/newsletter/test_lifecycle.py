"""Which button works in which state: every deed of the desk × every state of an edition."""

import datetime

import pytest
from django.utils import timezone

from newsletter.models import Edition
from tests.newsletter.desk import at_the_desk, boris, carla, page
from tests.newsletter.factories import make_issue

pytestmark = pytest.mark.django_db
S = Edition.State
DEEDS = ["ready", "draft", "unschedule", "release", "pause", "resume", "cancel"]
# (deed, state before) → state after; whatever is not named here changes nothing.
EDITS = {("ready", S.DRAFT): S.READY, ("draft", S.READY): S.DRAFT}
SENDS = {
    ("unschedule", S.SCHEDULED): S.READY,
    ("unschedule", S.HELD): S.READY,
    ("release", S.HELD): S.SCHEDULED,
    ("pause", S.SENDING): S.PAUSED,
    ("resume", S.PAUSED): S.SENDING,
    ("cancel", S.SENDING): S.CANCELLED,
    ("cancel", S.PAUSED): S.CANCELLED,
}


def german(state: str) -> Edition:
    issue = make_issue(items=1, state=S.READY)
    fields = {"state": state}
    if state in {S.SCHEDULED, S.HELD}:
        fields["send_at"] = timezone.now() + datetime.timedelta(days=1)
    elif state not in {S.DRAFT, S.READY}:
        fields["frozen_at"] = timezone.now()
    issue.editions.filter(language="de").update(**fields)
    return issue.editions.get(language="de")


def pressed(person, edition: Edition, deed: str) -> tuple[int, str]:
    """The answer's status and the state after it."""
    answer = at_the_desk(person).post(page(f"issue_{deed}", edition.issue_id, "de"))
    return answer.status_code, Edition.objects.get(pk=edition.pk).state


@pytest.mark.parametrize("state", S.values)
@pytest.mark.parametrize("deed", DEEDS)
def test_a_button_does_what_it_says_and_nothing_in_any_other_state(deed, state):
    after = (EDITS | SENDS).get((deed, S(state)), state)
    assert pressed(carla(), german(state), deed) == (302, after)


@pytest.mark.parametrize("deed", DEEDS)
def test_who_may_not_send_cannot_take_back_what_was_scheduled(deed):
    assert pressed(boris(), german(S.SCHEDULED), deed) == (302 if deed in {"ready", "draft"} else 403, S.SCHEDULED)
