"""An edit after freezing changes nothing that goes out, and says so."""

import pytest
from django.test import Client

from newsletter import enqueue, sending
from newsletter.models import Edition
from tests.html import Page
from tests.newsletter.desk import at_the_desk, carla, page, said
from tests.newsletter.factories import make_issue, make_subscriber

pytestmark = pytest.mark.django_db
TOLD = (
    "The mails of these editions are settled: English, German. What you saved does not change them; it is seen in the "
    "archive only."
)
NOTE = "The mails of these editions are settled: English, German. Changes made here do not alter them."
NO_SOURCES = {"sources-TOTAL_FORMS": "0", "sources-INITIAL_FORMS": "0"}


@pytest.fixture
def desk():
    return at_the_desk(carla())


@pytest.fixture
def issue():
    """English and German are frozen for one reader; nothing has left yet."""
    issue = make_issue(items=1, state=Edition.State.READY)
    make_subscriber()
    enqueue.send(issue, ["en", "de"], by=None)
    enqueue.freeze_due(issue.pk)
    return issue


def save_item(desk, issue, **changes) -> list[str]:
    """What the desk says after the English tab of the issue's item was saved."""
    item = issue.items.get()
    words = item.translations.get(language_code="en")
    form = {"section": item.section_id, "kind": "", "original_language": "en", "title": words.title, "text": words.text}
    address = page("item_change", item.pk) + "?language=en"
    return said(desk.post(address, form | NO_SOURCES | {"_continue": "1"} | changes, follow=True))


def save_issue(desk, issue, **changes) -> list[str]:
    words = issue.translations.get(language_code="en")
    form = {name: getattr(words, name) for name in ("subject", "masthead", "message", "donation")}
    form |= {name: getattr(issue, name) for name in ("period_kind", "fallback")}
    form |= {"period": issue.period.isoformat(), "finalised_on": issue.finalised_on.isoformat()}
    address = page("issue_change", issue.pk) + "?language=en"
    return said(desk.post(address, form | {"_continue": "1"} | changes, follow=True))


def test_the_mail_keeps_the_words_that_were_frozen_and_the_archive_shows_the_new_ones(desk, issue, relay):
    save_item(desk, issue, title="Put right")
    save_issue(desk, issue, subject="Another subject")
    sending.send_edition(issue.editions.get(language="en").pk)
    (mail,) = relay.received
    html = mail.message.get_body(("html",)).get_content()
    assert mail.message["Subject"] == "Subject (en)"
    assert "Item 1 (en)" in html
    assert "Put right" not in html
    assert "Put right" in Page(Client().get(issue.editions.get(language="en").get_absolute_url())).words


def test_saving_an_item_says_once_that_the_mails_do_not_change(desk, issue):
    assert save_item(desk, issue, title="Put right").count(TOLD) == 1


def test_a_new_source_says_so_too(desk, issue):
    source = {"outlet": "Paper", "precision": "day", "position": "0"}
    rows = {f"sources-0-{name}": value for name, value in source.items()} | {"sources-TOTAL_FORMS": "1"}
    assert save_item(desk, issue, **rows).count(TOLD) == 1


def test_saving_the_words_of_the_issue_says_so_once(desk, issue):
    assert save_issue(desk, issue, message="<p>Put right</p>").count(TOLD) == 1


def test_a_new_item_says_so_too(desk, issue):
    item = issue.items.get()
    form = {"issue": issue.pk, "section": item.section_id, "original_language": "en", "title": "Forgotten"}
    form |= {"text": "<p>A text.</p>", "kind": ""}
    answer = desk.post(page("item_add") + "?language=en", form | NO_SOURCES | {"_save": "1"}, follow=True)
    assert TOLD in said(answer)


@pytest.mark.parametrize("save", [save_item, save_issue])
def test_saving_without_a_change_says_nothing_of_it(desk, issue, save):
    assert TOLD not in save(desk, issue)


@pytest.mark.parametrize(("save", "words"), [(save_item, {"title": "New"}), (save_issue, {"subject": "New"})])
def test_before_anything_is_frozen_nothing_is_said(desk, issue, save, words):
    issue.editions.update(frozen_at=None, state="ready")
    assert "settled" not in " ".join(save(desk, issue, **words))


def test_both_forms_say_so_before_one_begins_to_write(desk, issue):
    for address in (page("issue_change", issue.pk), page("item_change", issue.items.get().pk)):
        assert NOTE in Page(desk.get(address)).words
