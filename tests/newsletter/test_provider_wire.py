"""Mailgun's and Postmark's wire formats, looked at on the wire: one letter, and several in one call."""

import pytest

from newsletter.mime import delivery_token
from newsletter.transports import Outcome, Verdict
from tests.newsletter.providers.answers import Mail
from tests.newsletter.providers.bench import (
    MARKER,
    Ledger,
    deliver,
    deliver_each,
    fake,
    leave_header,
    make_letter,
    make_pressing,
)

AMAL, BORIS, CARLA = "amal@example.org", "boris@example.org", "carla@example.org"
SHARED = {
    "Content-Language": "de",
    "List-Id": "Newsletter (German) <de.newsletter.news.example.org>",
    "List-Post": "NO",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "Precedence": "bulk",
    "X-Auto-Response-Suppress": "All",
    "Reply-To": "office@example.org",
}
FEEDBACK = "october-2026:de:newsletter:news-example-org"


@pytest.fixture
def mailgun(settings):
    with fake(settings, "mailgun", batch=3) as server:
        yield server


@pytest.fixture
def postmark(settings):
    with fake(settings, "postmark", batch=3) as server:
        yield server


def three(pressing=None):
    pressing = pressing or make_pressing()
    return [make_letter(number, address, pressing) for number, address in enumerate((AMAL, BORIS, CARLA), 1)]


def as_mailgun_has_it(letter, **fields) -> Mail:
    page = f"https://news.example.org/de/newsletter/leave/{letter.token}/"
    choose = f"https://news.example.org/de/newsletter/preferences/{letter.token}/"
    own = {"Message-Id": letter.message_id, "List-Unsubscribe": leave_header(letter), "Feedback-Id": FEEDBACK}
    return Mail(
        to=letter.address,
        sender="PICUM-Newsletter <newsletter@news.example.org>",
        subject="Oktober 2026",
        text=f"Grüße aus Brüssel\n\nAbmelden: {page}\nSprachen: {choose}\n",
        html=f'<p>Grüße aus Brüssel</p><a href="{page}">abmelden</a> <a href="{choose}">Sprachen</a>',
        headers=SHARED | own,
        metadata={"delivery": delivery_token(letter.delivery_id)},
        tags=["newsletter"],
    )


def as_postmark_has_it(letter, **fields) -> Mail:
    mail = as_mailgun_has_it(letter)
    own = {
        "Message-ID": letter.message_id,
        "List-Unsubscribe": leave_header(letter),
        "Feedback-ID": FEEDBACK,
        "X-PM-KeepID": "true",
    }
    return Mail(**(mail.__dict__ | {"headers": SHARED | own} | fields))


def test_one_letter_reaches_mailgun_with_all_its_headers(mailgun):
    letter = make_letter(1, AMAL)

    assert deliver(letter) == [Outcome(Verdict.ACCEPTED, detail="20261028.1")]
    assert mailgun.mails == [as_mailgun_has_it(letter)]
    assert [request.path for request in mailgun.requests] == ["/v3/news.example.org/messages"]
    assert "recipient-variables" not in mailgun.requests[0].form


def test_a_batch_reaches_mailgun_in_one_call_with_each_reader_s_own_unsubscribe_header(mailgun):
    letters, ledger = three(), Ledger()

    assert deliver(*letters, ledger=ledger) == [Outcome(Verdict.ACCEPTED, detail="20261028.1")] * 3
    assert mailgun.mails == [as_mailgun_has_it(letter) for letter in letters]
    assert (len(mailgun.requests), ledger.asked) == (1, [[1, 2, 3]])
    assert MARKER.encode() not in mailgun.requests[0].body
    assert len({mail.headers["List-Unsubscribe"] for mail in mailgun.mails}) == 3


def test_one_letter_reaches_postmark_with_all_its_headers(postmark):
    letter = make_letter(1, AMAL)

    assert deliver(letter) == [Outcome(Verdict.ACCEPTED, detail="b7bc2f4a-1")]
    assert postmark.mails == [as_postmark_has_it(letter)]
    assert [request.path for request in postmark.requests] == ["/email"]


def test_a_batch_reaches_postmark_in_one_call_and_only_its_headers_are_personal(postmark):
    letters, ledger = three(), Ledger()

    told = deliver(*letters, ledger=ledger)

    page = "https://news.example.org/de/newsletter/october-2026/"
    bodies = {
        "text": f"Grüße aus Brüssel\n\nAbmelden: {page}\nSprachen: {page}\n",
        "html": f'<p>Grüße aus Brüssel</p><a href="{page}">abmelden</a> <a href="{page}">Sprachen</a>',
    }
    assert told == [Outcome(Verdict.ACCEPTED, detail=f"b7bc2f4a-{number}") for number in (1, 2, 3)]
    assert postmark.mails == [as_postmark_has_it(letter, **bodies) for letter in letters]
    assert ([request.path for request in postmark.requests], ledger.asked) == (["/email/batch"], [[1, 2, 3]])
    assert len({mail.headers["List-Unsubscribe"] for mail in postmark.mails}) == 3


def test_a_letter_whose_intent_is_withdrawn_is_not_in_the_call(mailgun):
    letters = three()

    told = deliver(*letters, ledger=Ledger(gone=[2]))

    assert [outcome.verdict for outcome in told] == [Verdict.ACCEPTED, Verdict.WITHDRAWN, Verdict.ACCEPTED]
    assert [mail.to for mail in mailgun.mails] == [AMAL, CARLA]
    assert BORIS.encode() not in mailgun.requests[0].body


def test_without_any_intent_there_is_no_call(mailgun):
    assert deliver(make_letter(1, AMAL), ledger=Ledger(gone=[1])) == [Outcome(Verdict.WITHDRAWN)]
    assert mailgun.requests == []


def test_letters_of_two_pressings_make_two_calls_each_after_its_own_intent(mailgun):
    german, dutch = make_pressing(), make_pressing(language="nl", words="Groeten uit Brussel")
    letters = [make_letter(1, AMAL, german), make_letter(2, BORIS, dutch), make_letter(3, CARLA, german)]
    ledger = Ledger()

    told = deliver(*letters, ledger=ledger)

    assert {outcome.verdict for outcome in told} == {Verdict.ACCEPTED}
    assert [request.form["to"] for request in mailgun.requests] == [[AMAL, CARLA], [BORIS]]
    assert ledger.asked == [[1, 3], [2]]
    assert {mail.to: mail.headers["Content-Language"] for mail in mailgun.mails} == {
        AMAL: "de", CARLA: "de", BORIS: "nl",
    }  # fmt: skip


def test_more_letters_than_a_call_may_carry_go_in_several_calls(settings):
    with fake(settings, "mailgun", batch=2) as mailgun:
        deliver(*three())
    assert [request.form["to"] for request in mailgun.requests] == [[AMAL, BORIS], [CARLA]]


def test_one_address_is_never_twice_in_a_call(mailgun):
    pressing = make_pressing()
    letters = [make_letter(1, AMAL, pressing), make_letter(2, "Amal@example.org", pressing)]

    assert {outcome.verdict for outcome in deliver(*letters)} == {Verdict.ACCEPTED}
    assert [request.form["to"] for request in mailgun.requests] == [["amal@example.org"], ["Amal@example.org"]]


@pytest.mark.parametrize("words", ["Use %recipient.token% here", "Weniger %unsubscribe_url% Mail", "100 %RECIPIENT%"])
def test_text_that_looks_like_mailgun_s_placeholders_is_sent_singly_and_stays_what_it_is(mailgun, words):
    letters = three(make_pressing(words=words))

    assert {outcome.verdict for outcome in deliver(*letters)} == {Verdict.ACCEPTED}
    assert [request.form["to"] for request in mailgun.requests] == [[AMAL], [BORIS], [CARLA]]
    for mail, letter in zip(mailgun.mails, letters, strict=True):
        assert mail.text.replace("\u2060", "").startswith(words)
        assert mail.html.replace("&#37;", "%").startswith(f"<p>{words}</p>")
        assert letter.token in mail.text


def test_many_letters_share_one_connection(mailgun):
    pressing = make_pressing()

    deliver_each([[make_letter(number, f"reader{number}@example.org", pressing)] for number in range(1, 6)])

    assert (len(mailgun.requests), len(mailgun.connections)) == (5, 1)


def test_an_international_domain_travels_and_is_found_again_in_its_ascii_form(postmark):
    pressing = make_pressing()
    letters = [make_letter(1, "inês@exämple.org", pressing), make_letter(2, "amal@exämple.org", pressing)]
    letters.append(make_letter(3, BORIS, pressing))

    told = deliver(*letters)

    assert {outcome.verdict for outcome in told} == {Verdict.ACCEPTED}
    # A local part that is not ASCII is no company for others: many providers refuse the whole call for it.
    assert [mail.to for mail in postmark.mails] == ["inês@xn--exmple-cua.org", "amal@xn--exmple-cua.org", BORIS]
    assert [request.path for request in postmark.requests] == ["/email", "/email/batch"]


def test_a_batch_that_is_refused_as_a_whole_is_taken_apart_until_only_the_bad_address_is_left(settings):
    pressing = make_pressing()
    letters = [make_letter(number, f"reader{number}@example.org", pressing) for number in range(1, 40)]
    letters.insert(17, make_letter(100, "anna@exa_mple", pressing))
    ledger = Ledger()
    with fake(settings, "mailgun", batch=100) as mailgun:
        told = deliver(*letters, ledger=ledger)

    assert told[17] == Outcome(
        Verdict.REFUSED, "refused", "HTTP 400: to parameter is not a valid address. please check documentation"
    )
    assert {outcome.verdict for outcome in told[:17] + told[18:]} == {Verdict.ACCEPTED}
    assert len(mailgun.mails) == len({mail.to for mail in mailgun.mails}) == 39
    assert ledger.asked[0] == [letter.delivery_id for letter in letters]
    assert len(mailgun.requests) == len(ledger.asked) == 14


def test_a_letter_taken_out_of_a_refused_batch_goes_back_unsent_when_its_second_intent_is_not_granted(mailgun):
    class Leaves(Ledger):
        async def intend(self, letters):
            granted = await super().intend(letters)
            self.gone = {1}
            return granted

    pressing = make_pressing()
    letters = [make_letter(1, AMAL, pressing), make_letter(2, "b@exa_mple", pressing)]

    told = deliver(*letters, ledger=Leaves())

    assert [outcome.verdict for outcome in told] == [Verdict.UNSENT, Verdict.REFUSED]
    assert mailgun.mails == []


def test_postmark_says_for_each_letter_of_a_batch_what_became_of_it(postmark):
    pressing = make_pressing()
    addresses = [AMAL, "inactive@example.org", "b@exa_mple"]
    letters = [make_letter(number, address, pressing) for number, address in enumerate(addresses, 1)]

    told = deliver(*letters)

    assert [(outcome.verdict, outcome.why) for outcome in told] == [
        (Verdict.ACCEPTED, ""), (Verdict.REFUSED, "rejected"), (Verdict.REFUSED, "hard-bounce"),
    ]  # fmt: skip
    assert told[2].detail == "300: Invalid 'To' address: '…'."
    assert "@" not in told[1].detail
    assert len(postmark.requests) == 1


def test_a_bad_address_is_refused_and_the_next_letter_goes_out(mailgun):
    letters = [make_letter(1, "not an address"), make_letter(2, BORIS)]

    told = deliver(*letters)

    assert told[0] == Outcome(Verdict.REFUSED, "hard-bounce", "The address cannot be written into a mail.")
    assert told[1].verdict is Verdict.ACCEPTED
