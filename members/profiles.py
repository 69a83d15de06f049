"""What members change in their own profile: live at once, or after the secretariat has approved it, field by field.

Colleagues may have the same page open: three states of each field are compared, as read, as stored, as posted (see
`picum.accounts.meanwhile`). A field counts as it is wished: with what waits for approval, if something does. Whoever
writes back what is live takes the wish back.

The part of the public address that was made of a name stays when the name changes: links to it are out in the world.
"""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from members import profile_fields, shelf
from members.models import Contact, ContactRole, FieldPolicy, Member, ProfileChange
from members.profile_fields import Value, Values, fingerprint
from picum.accounts import audit
from picum.accounts.models import User
from picum.letters import post

State = ProfileChange.State
KEPT = datetime.timedelta(days=400)  # changes that are settled; what staff decided stays in the audit trail


class Conflict(Exception):
    """Others changed the same fields meanwhile, and differently. `stored`: what each is now, by its key."""

    def __init__(self, stored: dict[str, Value]):
        super().__init__()
        self.stored = stored


class NotPossible(ValueError):
    """A change cannot be decided like this; the message says why to the person."""


@dataclass
class Changed:
    """What became of each field that was truly changed, by its key."""

    live: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    taken_back: list[str] = field(default_factory=list)  # what waited, and is not wished any more


def waiting(member: Member) -> dict[str, ProfileChange]:
    """What waits for the secretariat, by the key of the field. One query."""
    rows = member.changes.filter(state=State.WAITING)
    return {profile_fields.key_of(row.field, row.language): row for row in rows}


def wishes(live: Values, waits: Mapping[str, ProfileChange]) -> dict[str, Value]:
    """Each field as the member wants it."""
    return {**live, **{key: row.new for key, row in waits.items()}}


def fields_that_wait() -> set[str]:
    """The fields of which changes wait for the secretariat."""
    return set(FieldPolicy.objects.filter(needs_approval=True).values_list("field", flat=True))


@transaction.atomic
def change(
    member: Member, values: Values, *, by: User, now: datetime.datetime, as_read: Mapping[str, str] | None = None
) -> Changed:
    """The member wants these values, by key, as a form cleaned them. `as_read`: the fingerprints of the fields when the
    person began; a field without one counts as read just now. A later wish replaces the one that waits.

    Nobody is told: the desk's list shows what waits. Files of logos that are not wished any more are deleted. Raises
    Conflict, and then has changed nothing; profile_fields.Gone; KeyError for what is no field of such a member.
    """
    held = Member.objects.select_for_update().get(pk=member.pk)
    live, waits = profile_fields.read(held), waiting(held)
    wanted = _wanted(values, wishes(live, waits), as_read or {})
    policy, done = fields_that_wait() if wanted else set(), Changed()
    for key, new in wanted.items():
        old_wish = waits.get(key)
        if old_wish:
            _settle(old_wish, State.REPLACED, now=now)
            _discard(old_wish.new, key)
        if fingerprint(new) == fingerprint(live[key]):
            done.taken_back.append(key)
        elif profile_fields.apart(key)[0] in policy:
            _put_on_the_desk(held, key, live[key], new, by=by, now=now)
            done.waiting.append(key)
        else:
            profile_fields.write(held, key, new)
            _discard(live[key], key)
            done.live.append(key)
    return done


def _wanted(values: Values, stored: Values, as_read: Mapping[str, str]) -> dict[str, Value]:
    """What the person truly changed. Raises Conflict."""
    wanted, conflicts = {}, {}
    for key, new in values.items():
        now, mine = fingerprint(stored[key]), fingerprint(new)
        found = as_read.get(key, now)
        if mine in {found, now}:
            continue
        if found != now:
            conflicts[key] = stored[key]
        wanted[key] = new
    if conflicts:
        raise Conflict(conflicts)
    return wanted


def _put_on_the_desk(
    member: Member, key: str, old: Value, new: Value, *, by: User, now: datetime.datetime
) -> ProfileChange:
    name, language = profile_fields.apart(key)
    return ProfileChange.objects.create(
        member=member, field=name, language=language, old=old, new=new, by=by, by_label=str(by)[:150], at=now
    )


def _discard(value: Value, key: str) -> None:
    if key == "logo" and value:
        shelf.discard(value["file"])


# --- the secretariat's word ---------------------------------------------------------------------------------------


@transaction.atomic
def approve(asked: ProfileChange, *, by: User, now: datetime.datetime, seen: str = "") -> None:
    """What was asked for goes live: this field alone. `seen`: the fingerprint of the live value beside which staff saw
    it. Audited; whoever asked and the member contact get a letter.

    Raises NotPossible when it does not wait any more, when the live value is another one than was seen, or when the
    value names something that is gone.
    """
    member = Member.objects.select_for_update().get(pk=asked.member_id)
    key = profile_fields.key_of(asked.field, asked.language)
    live = profile_fields.read(member)[key]
    if seen and seen != fingerprint(live):
        raise NotPossible(_("This field was changed meanwhile. Please look at the difference again."))
    _settle(asked, State.APPROVED, now=now)
    try:
        profile_fields.write(member, key, asked.new)
    except profile_fields.Gone:
        raise NotPossible(_("This cannot be approved: it names something that does not exist any more.")) from None
    _discard(live, key)
    audit.record("profile.approve", by=by, on=member, field=key, change=asked.pk)
    _tell(asked, now=now)


@transaction.atomic
def decline(asked: ProfileChange, *, by: User, now: datetime.datetime, word: str) -> None:
    """The field stays as it is, with a word to the member. Audited; whoever asked and the member contact get a letter
    with it. Raises NotPossible without a word, or when it does not wait any more."""
    word = word.strip()
    if not word:
        raise NotPossible(_("Please write a word to the member: why does it stay as it is?"))
    member = Member.objects.select_for_update().get(pk=asked.member_id)
    _settle(asked, State.DECLINED, now=now, word=word[:300])
    key = profile_fields.key_of(asked.field, asked.language)
    _discard(asked.new, key)
    audit.record("profile.decline", by=by, on=member, field=key, change=asked.pk)
    _tell(asked, now=now)


def _settle(asked: ProfileChange, state: str, *, now: datetime.datetime, word: str = "") -> None:
    """From waiting, and only from there. Raises NotPossible."""
    still = ProfileChange.objects.filter(pk=asked.pk, state=State.WAITING)
    if not still.update(state=state, decided_at=now, word=word):
        raise NotPossible(_("This change does not wait any more: somebody was quicker."))
    asked.state, asked.decided_at, asked.word = state, now, word


def expire_profile_changes(*, now: datetime.datetime) -> int:
    """Upkeep: changes that were settled 400 days ago are deleted, with the old addresses and telephones in them. How
    many."""
    return ProfileChange.objects.filter(decided_at__lt=now - KEPT).delete()[0]


def _tell(asked: ProfileChange, *, now: datetime.datetime) -> None:
    asking = Q(user__isnull=False, user=asked.by_id)
    people = Contact.objects.active().filter(Q(roles__role=ContactRole.Role.CONTACT) | asking, member=asked.member_id)
    for contact in people.distinct():
        post.put(
            "members.profile_decided",
            to=contact.email,
            language=contact.language,
            now=now,
            change=asked.pk,
            contact=contact.pk,
        )


@transaction.atomic
def choose_fields_that_wait(fields: Iterable[str], *, by: User) -> None:
    """From now on changes of these fields wait, and those of all others go live. What waits already goes on waiting.
    Audited."""
    chosen = set(fields)
    for name in profile_fields.FIELDS:
        FieldPolicy.objects.update_or_create(field=name, defaults={"needs_approval": name in chosen})
    audit.record("profile.fields_that_wait", by=by, fields=sorted(chosen))
