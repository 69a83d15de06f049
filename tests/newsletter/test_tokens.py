"""Links that act: a token opens one purpose, in its time, under our keys, and says nothing about anybody."""

import base64
import datetime
import uuid

import pytest
from django.test import override_settings
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from picum import links

NOW = datetime.datetime(2026, 11, 3, 12, 0, tzinfo=datetime.UTC)
PURPOSES = ["reader", "confirm", "data", "move", "undo"]
SECOND = datetime.timedelta(seconds=1)
handles = st.uuids()
purposes = st.sampled_from(PURPOSES)
moments = st.integers(1, 2**32 - 2).map(lambda second: datetime.datetime.fromtimestamp(second, datetime.UTC))  # to 2106
secrets = st.text(min_size=1, max_size=20)


def opened(token: str, purpose: str, now: datetime.datetime = NOW) -> object:
    """What a token opens: a handle, "expired" with its handle, or nothing."""
    try:
        return links.unsign_until(token, purpose=purpose, now=now)
    except links.Expired as expired:
        return "expired", expired.handle
    except links.BadToken:
        return None


def opened_for_ever(token: str, purpose: str) -> uuid.UUID | None:
    try:
        return links.unsign(token, purpose=purpose)
    except links.BadToken:
        return None


@given(handles, purposes, purposes)
@settings(deadline=None, max_examples=40)
def test_a_token_opens_its_own_purpose_alone(handle, purpose, other):
    assume(purpose != other)
    for_ever = links.sign(handle, purpose=purpose)
    for_now = links.sign_until(handle, purpose=purpose, until=NOW)
    assert opened_for_ever(for_ever, purpose) == opened(for_now, purpose) == handle
    assert opened_for_ever(for_ever, other) is opened(for_now, other) is None
    # Nor does one that expires pass for one that does not, or the other way round.
    assert opened_for_ever(for_now, purpose) is opened(for_ever, purpose) is None
    assert opened_for_ever(for_now, f"{purpose}.until") != handle


@given(handles, purposes, moments, st.timedeltas(min_value=-400 * 86400 * SECOND, max_value=400 * 86400 * SECOND))
@settings(deadline=None, max_examples=40)
def test_a_token_opens_to_the_second_it_was_made_for_and_then_only_says_what_it_was(handle, purpose, until, later):
    token = links.sign_until(handle, purpose=purpose, until=until)
    assert opened(token, purpose, until) == handle
    assert opened(token, purpose, until + SECOND) == ("expired", handle)
    assert opened(token, purpose, until + later) == (handle if later <= 0 * SECOND else ("expired", handle))


@given(handles, purposes, secrets, secrets, secrets)
@settings(deadline=None, max_examples=40)
def test_a_token_survives_a_change_of_keys_as_long_as_its_key_is_a_former_one(handle, purpose, first, second, third):
    assume(len({first, second, third}) == 3)
    with override_settings(SECRET_KEY=first, SECRET_KEY_FALLBACKS=[]):
        old, timed = links.sign(handle, purpose=purpose), links.sign_until(handle, purpose=purpose, until=NOW)
    with override_settings(SECRET_KEY=second, SECRET_KEY_FALLBACKS=[third, first]):
        assert opened_for_ever(old, purpose) == opened(timed, purpose) == handle
        assert links.sign(handle, purpose=purpose) != old  # what is new is signed with the new key
    with override_settings(SECRET_KEY=second, SECRET_KEY_FALLBACKS=[third]):
        assert opened_for_ever(old, purpose) is opened(timed, purpose) is None


@given(handles, purposes, moments)
@settings(deadline=None, max_examples=40)
def test_a_token_carries_a_random_handle_a_moment_and_nothing_else(handle, purpose, until):
    value, _dot, signature = links.sign_until(handle, purpose=purpose, until=until).partition(".")
    carried = base64.urlsafe_b64decode(value + "==")
    assert carried == handle.bytes + int(until.timestamp()).to_bytes(4, "big")
    assert (len(value), len(signature)) == (27, 43)
    value, _dot, signature = links.sign(handle, purpose=purpose).partition(".")
    assert base64.urlsafe_b64decode(value + "==") == handle.bytes
    assert (len(value), len(signature)) == (22, 43)


@given(handles, purposes, st.integers(0, 70), st.characters(codec="ascii", exclude_characters="\n"))
@settings(deadline=None, max_examples=40)
def test_a_token_in_which_one_character_is_another_opens_nothing(handle, purpose, place, character):
    token = links.sign_until(handle, purpose=purpose, until=NOW)
    changed = token[:place] + character + token[place + 1 :]
    assume(changed != token)
    assert opened(changed, purpose) is None
    assert opened(token[:place], purpose) is None
    assert opened(token + character, purpose) is None


@given(
    st.one_of(st.text(), st.from_regex(r"[\w-]{0,40}\.[\w-]{0,50}", fullmatch=True), st.binary().map(repr)), purposes
)
@settings(deadline=None, max_examples=40)
def test_what_we_did_not_sign_opens_nothing_and_breaks_nothing(text, purpose):
    assert opened(text, purpose) is opened_for_ever(text, purpose) is None


@pytest.mark.parametrize("carried", [b"", b"short", bytes(16), bytes(17), bytes(21), bytes(2000)])
def test_what_is_signed_but_holds_no_handle_opens_nothing(carried):
    value = base64.urlsafe_b64encode(carried).rstrip(b"=").decode()
    for purpose in PURPOSES:
        token = f"{value}.{links._signature(value, f'{purpose}.until')}"
        assert opened(token, purpose) in (None, ("expired", uuid.UUID(int=0)))
