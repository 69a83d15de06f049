"""The Belgian structured communication: made, checked, and read out of what people and banks write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members import structured

NUMBERS = st.integers(0, 10**10 - 1)
SEPARATORS = st.text(" /.-+*", max_size=3)


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        (1234567890, "123456789002"),
        (97, "000000009797"),  # no remainder: 97 stands for it, 00 never
        (0, "000000000097"),
        (2026000123, "202600012320"),
        (9999999999, "999999999948"),
    ],
)
def test_the_last_two_digits_are_the_remainder_by_97(number, digits):
    assert structured.make(number) == digits
    assert structured.is_right(digits)


@pytest.mark.parametrize("number", [-1, 10**10])
def test_a_number_of_more_than_ten_digits_has_none(number):
    with pytest.raises(ValueError, match="ten digits"):
        structured.make(number)


@pytest.mark.parametrize(
    "digits", ["", "123456789003", "000000000000", "12345678900", "1234567890020", "12345678900a", "١٢٣٤٥٦٧٨٩٠٠٢"]
)
def test_what_does_not_check_is_none(digits):
    assert not structured.is_right(digits)


def test_it_is_printed_between_plus_signs():
    assert structured.written("123456789002") == "+++123/4567/89002+++"


@given(NUMBERS)
def test_every_one_is_found_as_it_is_printed(number):
    digits = structured.make(number)
    assert structured.found(structured.written(digits)) == [digits]


@given(NUMBERS, st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(number, place, by):
    digits = structured.make(number)
    wrong = digits[:place] + str((int(digits[place]) + by) % 10) + digits[place + 1 :]
    assert not structured.is_right(wrong)


@given(NUMBERS, SEPARATORS, SEPARATORS, st.sampled_from(["", "Fee 2026 for ", "+++", "***", "COTISATION: "]))
def test_it_is_found_however_it_is_cut_into_groups(number, first, second, before):
    digits = structured.make(number)
    text = f"{before}{digits[:3]}{first}{digits[3:7]}{second}{digits[7:]}"
    # Ten digits of a year and a group may make a second one by chance; ours is there in any case.
    assert digits in structured.found(text)


@given(st.text(max_size=300))
def test_any_text_can_be_read(text):
    assert all(structured.is_right(digits) for digits in structured.found(text))


@pytest.mark.parametrize(
    "text",
    [
        "+++123/4567/89002+++",
        "***123/4567/89002***",
        "123456789002",
        "123/4567/89002",
        "123 4567 89002",
        "1234 5678 9002",
        "+++ 123 / 4567 / 89002 +++",
        "Membership fee 2026, +++123/4567/89002+++, thank you",
        "lidgeld 2026 123-4567-89002",
        "+++123/4567/8 9002+++",  # where the bank began a new line
        "tel. +32 2 274 14 39 ref 123456789002",
        "to BE68 5390 0754 7034 123456789002",
    ],
)
def test_what_people_and_banks_make_of_it_is_understood(text):
    assert structured.found(text) == ["123456789002"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Membership fee 2026",
        "123456789003",
        "1234567890021",  # a longer number
        "BE68 5390 0754 7034",
        "RF18 5390 0754 7034",
        "RF12123456789002",
        "RF123456789002",  # a creditor reference (ISO 11649) with twelve digits
        "123....4567....89002",
        "123 and 4567 and 89002",
    ],
)
def test_what_is_no_communication_is_left_alone(text):
    assert structured.found(text) == []


def test_two_are_both_found_and_the_same_one_once():
    two = "+++123/4567/89002+++ and 202600012320, again 123456789002"
    assert structured.found(two) == ["123456789002", "202600012320"]


def test_a_text_without_end_takes_no_time():
    assert structured.found("1 " * 5_000_000) == []
