"""One form of every address, and words for what is none."""

import pytest
from django.core.mail.message import sanitize_address
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from picum.addresses import InvalidAddress, address_key, mailbox_key, normalise, reachable, wire_address

STRANGE = "The address contains a character that does not belong there."
ALONE = "Please write the address alone, without a name and without < and >."
ONE = "Please write one address only, with one @ in it."
NUMBER = "After the @ there must be the name of a domain, such as example.org, not a number."
BOTH = "There must be something before the @ and something after it."
SPACE = "There must be no space in the address."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "“” is not a mail address."),
        ("amal", "“amal” is not a mail address: there is no @ in it."),
        ("@example.org", BOTH),
        ("amal@", BOTH),
        ("a@localhost", "“localhost” is not a domain of the internet: it should look like example.org."),
        ("a@localhost.", "“localhost.” is not a domain of the internet: it should look like example.org."),
        ("a@[127.0.0.1]", NUMBER),
        ("a@[IPv6:::1]", NUMBER),
        ("a@127.0.0.1", NUMBER),
        ("a@example.org, b@example.org", ONE),
        ("a@example.org;b@example.org", ONE),
        ("a@example.org b@example.org", ONE),
        ("a@@example.org", ONE),
        ("Amal <amal@example.org>", ALONE),
        ("am al@example.org", SPACE),
        ("amal@exam ple.org", SPACE),
        ("amal\n@example.org", STRANGE),
        ("amal@example.org\r\nBcc: b@example.org", STRANGE),
        ("am\0al@example.org", STRANGE),
        ("am\x7fal@example.org", STRANGE),
        ("=?utf-8?q?b=40example.net?=@example.org", STRANGE),  # Python writes to b@example.net
        ("=?utf-8?b?YkBleGFtcGxlLm5ldD4?=@example.org", STRANGE),
        ("am\u200bal@example.org", STRANGE),  # a space of no width, as web pages have them
        ("am\u202eal@example.org", STRANGE),  # turns the direction of what follows
        ("amal@exa\u2028mple.org", STRANGE),
        ("a" * 65 + "@example.org", "What stands before the @ is longer than 64 characters."),
        ("ü" * 33 + "@example.org", "What stands before the @ is longer than 64 characters."),
        ("a@" + "b" * 64 + ".org", "Between two dots after the @ there are more than 63 characters."),
        ("a@" + ".".join(["b" * 60] * 5) + ".org", "The address is longer than 254 characters."),
        ("a" * 100_000 + "@example.org", "The address is longer than 254 characters."),
        ("a..b@example.org", "“a..b@example.org” is not a mail address."),
        ("a@example.invalid", "“a@example.invalid” is not a mail address."),
    ],
)
def test_what_is_no_address_is_refused_in_words_that_say_why(text, words):
    with pytest.raises(InvalidAddress) as refused:
        normalise(text)
    assert str(refused.value) == words
    assert refused.value.short == words or refused.value.short.endswith("is not a mail address.")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" Amal.Haddad+news@Example.ORG\t", "Amal.Haddad+news@example.org"),
        ("amal@xn--bcher-kva.example", "amal@bücher.example"),
        ("amal@BÜCHER.example", "amal@bücher.example"),
        ("amal@bu\u0308cher.example", "amal@bücher.example"),
        ("amal@example。org", "amal@example.org"),  # a full stop as it is typed in Chinese
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
        ("a@" + "b" * 63 + ".org", "a@" + "b" * 63 + ".org"),
        ("o'neill@example.org", "o'neill@example.org"),
        ("zoë@example.org", "zoë@example.org"),
    ],
)
def test_an_address_has_one_form(text, address):
    assert normalise(text) == address


def test_letters_before_the_at_are_an_address_but_none_that_we_could_write_to():
    with pytest.raises(InvalidAddress, match="such letters before the @"):
        reachable("zoë@example.org")
    assert reachable("Zoe@BÜCHER.example") == "Zoe@bücher.example"


words = st.text("abcxyzABCXYZ0189", min_size=1, max_size=10)
labels = st.one_of(words, st.text("aäöüßéñçÄÖÜÉÑÇ", min_size=1, max_size=8), st.just("xn--bcher-kva"))
domains = st.builds("{}.{}".format, labels, st.sampled_from(["org", "example.net", "ORG", "eu"]))
plausible = st.builds("{}@{}".format, words, domains)


def form_of(text: str) -> str | None:
    try:
        return normalise(text)
    except InvalidAddress:
        return None


@given(st.one_of(plausible, st.emails(), st.text(), st.builds("{}@{}".format, st.text(), st.text())))
@settings(deadline=None, max_examples=50)
def test_the_form_of_a_form_is_itself_and_anything_else_is_refused(text):
    address = form_of(text)
    assume(address is not None)
    assert normalise(address) == address
    assert len(address.encode("utf-8", "strict")) <= 2 * 254
    assert address.count("@") == 1
    assert address.isprintable()


@given(plausible, st.sampled_from([str.upper, str.lower, str.swapcase, str.title]), st.sampled_from(["", " ", "\t\n"]))
@settings(deadline=None, max_examples=50)
def test_one_mailbox_has_one_key_however_it_is_written(text, written, around):
    local, _at, domain = text.partition("@")
    assume((address := form_of(text)) is not None)
    assume("ß" not in domain)  # its capital letter is another domain
    again = normalise(f"{around}{written(local)}@{written(domain)}{around}")
    assert address_key(again) == address_key(address)
    ascii_domain = address.partition("@")[2].encode("idna").decode()
    assert address_key(normalise(f"{local}@{ascii_domain}")) == address_key(address)


@given(plausible, plausible)
@settings(deadline=None, max_examples=50)
def test_two_mailboxes_have_two_keys(one, other):
    first, second = form_of(one), form_of(other)
    assume(first and second and first.lower() != second.lower())
    assert address_key(first) != address_key(second)


lookalikes = st.builds("{}{}@{}".format, st.from_regex(r"=\?utf-8\?[qb]\?\w{0,12}\?=", fullmatch=True), words, domains)


@given(st.one_of(plausible, st.emails(), lookalikes))
@settings(deadline=None, max_examples=100)
def test_a_mail_goes_to_the_very_address_that_was_written(text):
    address = form_of(text)
    assume(address is not None)
    wire = wire_address(address)
    assert sanitize_address(wire, "utf-8") == wire


def test_two_domains_that_only_sound_alike_are_two():
    assert wire_address(normalise("amal@straße.example")) == "amal@xn--strae-oqa.example"
    assert address_key(normalise("amal@straße.example")) != address_key(normalise("amal@strasse.example"))


@pytest.mark.parametrize(
    "address", ["Amal.Haddad@example.org", "amalhaddad+news@example.org", "a.malhaddad+@example.org"]
)
def test_what_most_providers_deliver_to_one_mailbox_is_counted_as_one(address):
    assert mailbox_key(normalise(address)) == address_key("amalhaddad@example.org")


@pytest.mark.parametrize("address", ["+1@example.org", "amal@mail.example.org", "amal-haddad@example.org"])
def test_other_addresses_are_counted_by_themselves(address):
    assert mailbox_key(address) == address_key(address)
