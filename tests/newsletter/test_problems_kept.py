"""What was found out is kept; it is never told of words that are not there any more."""

import threading
from dataclasses import replace

import pytest
from django.template import engines
from django.utils.translation import override

from newsletter import problems, rendering
from newsletter.kept import Kept, digest
from newsletter.models import Issue, Item, Term
from newsletter.problems import mail
from tests.newsletter.factories import contents, make_complete_issue, make_item

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue() -> Issue:
    Term.objects.all().delete()
    return make_complete_issue()


def told(issue, language="pt") -> list[str]:
    return [problem.text for problem in problems.of(contents(issue), [language])[language]]


def avoided(issue) -> list[str]:
    found = problems.of(contents(issue), ["en"])["en"]
    return [place.note for problem in found if "we avoid" in problem.text for place in problem.places]


def differing(issue, language="de") -> list[str]:
    found = problems.of(contents(issue), [language])[language]
    return [place.note for problem in found if "numbers or links" in problem.text for place in problem.places]


def rendered(issue, language="de") -> rendering.Words:
    return rendering.render_mail(rendering.compose(contents(issue), language), token=mail.TOKEN)


def test_what_is_asked_again_is_not_sought_again_and_what_is_unused_longest_goes_first():
    kept, sought = Kept(2), []

    def ask(name):
        return kept.of(digest(name), lambda: sought.append(name) or name.upper())

    assert [ask(name) for name in ("a", "b", "a", "c", "a", "b")] == ["A", "B", "A", "C", "A", "B"]
    assert sought == ["a", "b", "c", "b"]


def test_a_finding_may_be_nothing_and_an_error_is_not_kept():
    kept = Kept(2)
    assert kept.of(b"none", lambda: None) is None
    assert kept.of(b"none", lambda: pytest.fail("It was sought before.")) is None
    with pytest.raises(ZeroDivisionError):
        kept.of(b"error", lambda: 1 / 0)
    assert kept.of(b"error", lambda: 1) == 1


def test_many_who_ask_at_once_all_get_what_they_asked_for():
    kept, wrong = Kept(3), []

    def ask(begin):
        for number in range(begin, begin + 500):
            if kept.of(digest(number % 7), lambda wanted=number % 7: wanted) != number % 7:
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=[begin]) for begin in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_second_look_says_the_same_and_reads_no_mail_again(issue, monkeypatch):
    make_item(issue, en="Only English")
    before = told(issue)
    monkeypatch.setattr(mail, "Seen", lambda html: pytest.fail("The mail has been read before."))
    assert told(issue) == before != []


def test_a_word_is_avoided_as_soon_as_the_glossary_says_so_and_no_longer(issue):
    item = make_item(issue, en=("A flood", "<p>A migrant flood.</p>"))
    assert avoided(issue) == []
    term = Term.objects.create(language="en", words="flood", kind="avoid", instead="arrivals")
    assert avoided(issue) == ["“flood” (better: arrivals)"]
    Term.objects.update(instead="people")
    assert avoided(issue) == ["“flood” (better: people)"]
    Term.objects.create(language="en", words="migrant flood", kind="allowed")
    Item.objects.get(pk=item.pk).translations.update(title="News")
    assert avoided(issue) == []
    term.delete()
    Term.objects.create(language="de", words="flood", kind="avoid")
    assert avoided(issue) == []


def test_a_number_differs_until_either_text_is_put_right_and_is_told_in_the_language_of_who_asks(issue):
    item = make_item(issue, en=("People", "<p>58 people</p>"), de=("Leute", "<p>63 Leute</p>"))
    told = "58 is in the source and not in this text. 63 is in this text and not in the source."
    assert differing(issue) == [told]
    with override("fr"):
        notes = [place.note for problem in problems.of(contents(issue), ["de"])["de"] for place in problem.places]
        assert [note for note in notes if "58" in note and note != told]
    item.translations.filter(language_code="de").update(text="<p>58 Leute</p>")
    assert differing(issue) == []
    item.translations.filter(language_code="en").update(text="<p>99 people</p>")
    assert differing(issue) == ["99 is in the source and not in this text. 58 is in this text and not in the source."]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda item: item.translations.filter(language_code="de").update(title="Anders"), "Anders"),
        (
            lambda item: item.translations.filter(language_code="de").update(text="<p>Neu &amp; gut</p>"),
            "Neu &amp; gut",
        ),
        (lambda item: Item.objects.filter(pk=item.pk).update(countries="MT"), "MALTA / "),
        (lambda item: Item.objects.filter(pk=item.pk).update(kind="report"), "BERICHT / "),
        (lambda item: item.sources.update(outlet="Il Foglio"), ">Il Foglio</a>"),
        (lambda item: item.sources.update(url="https://foglio.example/"), 'href="https://foglio.example/"'),
        (lambda item: item.sources.update(date="2026-03-01"), ", 1. März 2026"),
        (lambda item: item.sources.update(date="2026-03-01", precision="month"), ", März 2026"),
        (lambda item: item.sources.update(page="4711"), "4711"),
        (lambda item: item.sources.update(language="it"), "(auf Italienisch)"),
        (lambda item: item.translations.filter(language_code="de").delete(), "Noch nicht übersetzt – auf Englisch"),
    ],
)
def test_a_change_of_an_item_is_in_the_next_mail(issue, change, expected):
    item = make_item(issue, en="News", de="Neues", sources=[{"outlet": "Il Faro", "url": "https://faro.example/"}])
    assert expected not in rendered(issue).html
    change(item)
    assert expected in rendered(issue).html


def test_items_that_say_the_same_have_their_own_addresses_and_so_has_each_site(issue, settings):
    for item in (make_item(issue, de="Neues"), make_item(issue, de="Neues")):
        for site in ("https://one.example", "https://two.example"):
            settings.SITE_URL = site
            words = rendered(issue)
            assert f'href="{site}/de/newsletter/items/{item.pk}/"' in words.html
            assert f"<{site}/de/newsletter/items/{item.pk}/>" in words.text


def test_an_item_is_marked_in_the_language_of_each_edition(issue):
    make_item(issue, es="Solo español")
    assert "Noch nicht übersetzt – auf Spanisch" in rendered(issue, "de").html
    assert "Not yet translated – in Spanish" in rendered(issue, "en").html
    assert "[Noch nicht übersetzt – auf Spanisch]" in rendered(issue, "de").text


def test_a_template_that_changed_is_seen_at_once(issue, settings, tmp_path):
    """As Django's own server forgets its templates when a developer stores one."""
    before = rendered(issue).html
    (tmp_path / "newsletter/mail").mkdir(parents=True)
    (tmp_path / "newsletter/mail/_entry.html").write_text("<p>{{ entry.title }}!</p>")
    engine = engines["django"].engine
    dirs = [*engine.dirs]
    try:
        engine.dirs.insert(0, str(tmp_path))
        for loader in engine.template_loaders:
            loader.reset()
        assert "<p>Item 1 (de)!</p>" in rendered(issue).html
    finally:
        engine.dirs[:] = dirs
        for loader in engine.template_loaders:
            loader.reset()
    assert rendered(issue).html == before


def test_the_same_mail_may_be_asked_about_other_items(issue):
    make_item(issue, es="Solo español")
    composition = rendering.compose(contents(issue), "pt")
    words = rendering.render_mail(composition, token=mail.TOKEN)
    assert mail.noteworthy(replace(composition, blocks=[]), words) == []
    assert mail.noteworthy(composition, words) == []
