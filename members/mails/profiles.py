"""Mails about a member's profile, and about staying and leaving."""

import datetime

from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from members import confirming, leaving, profile_fields
from members.models import Contact, Membership, ProfileChange
from picum import localising
from picum.letters import post
from picum.letters.models import Letter

State = ProfileChange.State


@post.builds("members.profile_decided")
def profile_decided(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """What the secretariat said about a change; nothing to somebody who has left the member."""
    decided = ProfileChange.objects.filter(pk=letter.about["change"], state__in=[State.APPROVED, State.DECLINED])
    asked, contact = decided.select_related("member").first(), _contact(letter)
    if asked is None or contact is None or contact.member_id != asked.member_id:
        return None
    key = profile_fields.key_of(asked.field, asked.language)
    return post.written(
        letter,
        "members/profile_decided",
        asked=asked,
        member=asked.member,
        is_approved=asked.state == State.APPROVED,
        field=profile_fields.label(key, letter.language),
        wished=profile_fields.in_words(key, asked.new, letter.language),
        text_language=asked.language,
    )


@post.builds("members.confirm_profile")
def confirm_profile(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """Please look at your profile; nothing where a colleague was quicker, or the member has left."""
    contact = _contact(letter)
    today = timezone.localdate(now)
    if contact is None or not confirming.is_due(contact.member, on=today):
        return None
    confirmed_on = contact.member.confirmed_on
    day = localising.day(confirmed_on, letter.language) if confirmed_on else ""
    return post.written(letter, "members/confirm_profile", member=contact.member, confirmed_on=day)


@post.builds("members.notice_given")
def notice_given(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """To the member: we have your notice."""
    membership, contact = _notice(letter, now), _contact(letter)
    if membership is None or contact is None:
        return None
    return post.written(letter, "members/notice_given", member=membership.member, **_days(membership, letter))


@post.builds("members.notice_taken_back")
def notice_taken_back(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """To the member: you stay; nothing where it has given notice again."""
    going_on = Membership.objects.standing().filter(pk=letter.about["membership"], until_on__isnull=True)
    membership, contact = going_on.select_related("member").first(), _contact(letter)
    if membership is None or contact is None:
        return None
    return post.written(letter, "members/notice_taken_back", member=membership.member)


@post.builds("members.member_leaves")
def member_leaves(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """To the secretariat: a member has given notice."""
    membership = _notice(letter, now)
    person = leaving.staff_of_members().filter(pk=letter.about["user"]).first()
    if membership is None or person is None:
        return None
    words = {"member": membership.member, "why": membership.words}
    return post.written(letter, "members/member_leaves", **words, **_days(membership, letter))


def _contact(letter: Letter) -> Contact | None:
    return Contact.objects.active().select_related("member").filter(pk=letter.about["contact"]).first()


def _notice(letter: Letter, now: datetime.datetime) -> Membership | None:
    return leaving.notices(on=timezone.localdate(now)).filter(pk=letter.about["membership"]).first()


def _days(membership: Membership, letter: Letter) -> dict[str, str]:
    """The day of the notice and the last day, in words."""
    days = {"given_on": membership.ended_on, "until_on": membership.until_on}
    return {name: localising.day(day, letter.language) for name, day in days.items()}
