"""The only writer of `Edition.state`: a move is a conditional update that refuses if the row moved meanwhile."""

from collections.abc import Collection

from django.utils import timezone
from django.utils.translation import gettext as _

from newsletter.models import Edition
from picum.accounts import audit
from picum.accounts.models import User

State = Edition.State
MOVES: dict[str, set[str]] = {
    State.DRAFT: {State.READY},
    State.READY: {State.DRAFT, State.SCHEDULED},
    State.SCHEDULED: {State.READY, State.SENDING, State.HELD},
    State.HELD: {State.SCHEDULED, State.READY},  # a person's decision
    State.SENDING: {State.PAUSED, State.SENT, State.CANCELLED},
    State.PAUSED: {State.SENDING, State.SENT, State.CANCELLED},
    State.SENT: {State.SENDING},  # readers of a language that was given up later
    State.CANCELLED: set(),
}


class IllegalMove(Exception):
    """The edition is not in a state from which it may go there; the message says so to the person."""


def move(edition: Edition, to: str, *, by: User | None, of: Collection[str] = State, **fields) -> Edition:
    """Set the state and `fields` in one conditional update, and leave an audit line.

    `by` None is the machine. `of`: the states that this deed may start from, where several deeds lead to one state:
    "ready" is reached from a draft by who edits, and from a schedule by who sends. Raises IllegalMove when the move is
    not in MOVES, does not start from there, or somebody else was quicker.
    """
    before = State(edition.state)
    allowed = before in of and to in MOVES[before]
    changed = allowed and Edition.objects.filter(pk=edition.pk, state=before).update(state=to, **fields)
    if not changed:
        edition.refresh_from_db(fields=["state"])
        raise IllegalMove(
            _("The %(language)s edition is now “%(now)s”; it cannot become “%(to)s”.")
            % {
                "language": edition.get_language_display(),
                "now": edition.get_state_display(),
                "to": State(to).label,
            }
        )
    edition.state = to
    for name, value in fields.items():
        setattr(edition, name, value)
    audit.record(f"edition.{to}", by=by, on=edition, before=before.value, at=timezone.now().isoformat())
    return edition
