import datetime
import re

import pytest
from django.utils import timezone
from django.utils.translation import override

from newsletter import problems, rendering
from newsletter.models import Edition, Issue, Item, LinkCheck, Remark, Term, Text
from newsletter.problems import Kind, Problem
from newsletter.translation import texts
from picum.accounts.models import User
from tests.newsletter.factories import LANGUAGES, contents, make_complete_issue, make_issue, make_item, make_texts

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)


def of(issue, language) -> list[Problem]:
    return problems.of(contents(issue), [language])[language]


def told(issue, language) -> list[tuple[bool, str]]:
    return [(problem.blocking, problem.text) for problem in of(issue, language)]


def forbidding(issue, language, **moment) -> list[Problem]:
    whole = contents(issue)
    return problems.forbidding(next(row for row in whole.editions.all() if row.language == language), **moment)


def spots(problem) -> list[tuple[str, str, object, str]]:
    return [(place.kind, place.language, place.item, place.note) for place in problem.places]


@pytest.fixture
def ines() -> User:
    return User.objects.create_user("ines@example.org", "secret", name="Ines", is_staff=True)


@pytest.fixture
def issue() -> Issue:
    """Complete in all languages; of its texts nothing is kept, as if they came by an unknown road."""
    Term.objects.all().delete()
    return make_complete_issue()


def approved(issue) -> list[Item]:
    """All words of the issue are known and approved; its items."""
    whole = contents(issue)
    things = [whole, *whole.items.all()]
    for language in sorted(LANGUAGES, key=lambda code: code != "en"):
        for thing in things:
            texts.find(thing, language)
    Text.objects.filter(issue=issue).update(state="approved", source_number=1)
    Text.objects.filter(issue=issue, language="en").update(source_number=None)
    return things[1:]


def rewrite(item, language, words, ines, **how) -> Text:
    """Ines stores another text under the same title, some days after the last one."""
    text = texts.find(item, language)
    title = texts.stored_words(Item.objects.get(pk=item.pk), language)["title"]
    fields = {"state": "approved", "how": "page", "by": ines, "now": timezone.now()} | how
    return texts.store(text, {"title": title, "text": words}, **fields)


# --- the contents ---------------------------------------------------------------------------------------------------


def test_a_complete_edition_has_no_problem(issue):
    assert problems.of(contents(issue), LANGUAGES) == {language: [] for language in LANGUAGES}


def test_a_missing_subject_blocks_and_leads_to_the_words(issue):
    make_texts(issue, "de", subject="  ")
    (problem,) = of(issue, "de")
    assert (problem.blocking, problem.text) == (True, "The subject of the mail is missing in German.")
    assert spots(problem) == [(Kind.WORDS, "de", None, "")]
    assert of(issue, "en") == []


def test_an_issue_without_items_blocks():
    issue = make_issue()
    make_texts(issue, "en", subject="Subject")
    assert told(issue, "en") == [(True, "There is no item to show.")]


@pytest.mark.parametrize(
    ("fallback", "words"),
    [
        ("mark", "1 item is not written in Dutch: readers see it in their next language, marked as such."),
        ("omit", "1 item is not written in Dutch: it is left out."),
    ],
)
def test_a_missing_item_warns_says_what_happens_to_it_and_leads_to_the_translators_page(issue, fallback, words):
    Issue.objects.update(fallback=fallback)
    lacking = make_item(issue, en="Only English")
    (problem,) = of(issue, "nl")
    assert (problem.blocking, problem.text, problem.items) == (False, words, (lacking,))
    assert spots(problem) == [(Kind.WORDS, "nl", lacking, "")]


def test_an_edition_whose_items_are_all_left_out_blocks():
    issue = make_issue(languages=["en"], fallback="omit", items=2)
    make_texts(issue, "pt", subject="Assunto", masthead="Uma frase", message="<p>Olá</p>")
    assert told(issue, "pt") == [
        (True, "There is no item to show."),
        (False, "2 items are not written in Portuguese: they are left out."),
    ]


def test_an_item_without_text_anywhere_is_named(issue):
    empty = make_item(issue, en=("Title", " "))
    (problem,) = of(issue, "en")
    assert (problem.text, problem.items) == ("1 item has no text in any language: it is left out.", (empty,))


def test_what_nobody_has_translated_yet_blocks_wherever_readers_would_see_it(issue):
    """The item's form, an earlier version and a member's report take it as it is given."""
    lacking = make_item(issue, en=("Boat", "<p>A boat sank. Two died.</p>"), es=("Barco", "<p>Un barco. […]</p>"))
    make_texts(issue, "es", message="<p>[…]</p>")
    (problem,) = [problem for problem in of(issue, "es") if problem.blocking]
    assert problem.text == "2 texts of this edition lack sentences: readers would see […] there."
    assert spots(problem) == [(Kind.WORDS, "es", None, ""), (Kind.WORDS, "es", lacking, "")]
    assert not [problem for problem in of(issue, "en") if problem.blocking]


def test_what_the_original_itself_leaves_out_is_no_gap(issue):
    make_item(issue, **dict.fromkeys(LANGUAGES, ("“Nobody”", "<p>“Nobody […] is illegal.”</p>")))
    assert problems.of(contents(issue), LANGUAGES) == {language: [] for language in LANGUAGES}


def test_texts_that_only_other_languages_have_are_named(issue):
    make_texts(issue, "fr", masthead="", message="")
    assert told(issue, "fr") == [
        (False, "The masthead is missing in French, though another language has one."),
        (False, "The message from the editor is missing in French, though another language has one."),
    ]


def test_blocking_problems_come_first_and_all_speak_the_persons_language(issue):
    make_item(issue, en="Only English")
    make_texts(issue, "de", subject="")
    with override("fr"):
        found = of(issue, "de")
        assert [problem.blocking for problem in found] == [True, False]
        assert "allemand" in found[0].text


# --- how far the words are ------------------------------------------------------------------------------------------


def test_approved_words_that_say_the_present_source_are_no_problem(issue):
    approved(issue)
    assert problems.of(contents(issue), LANGUAGES) == {language: [] for language in LANGUAGES}


def test_an_outdated_text_warns_says_how_many_sentences_changed_and_goes_out_as_it_is(issue, ines):
    first, _second = approved(issue)
    rewrite(first, "en", "<p>Text of Item 1 (en). A new sentence. And another.</p>", ines)
    (problem,) = of(issue, "pt")
    words = "1 text in Portuguese is outdated: its original has changed since. It goes out as it is."
    assert (problem.blocking, problem.text) == (False, words)
    assert spots(problem) == [(Kind.WORDS, "pt", first, "2 sentences changed")]
    assert of(issue, "en") == []


def test_a_minor_change_of_the_source_outdates_nothing(issue, ines):
    first, _second = approved(issue)
    rewrite(first, "en", "<p>Text of item 1 (en).</p>", ines, minor=True)
    assert problems.of(contents(issue), LANGUAGES) == {language: [] for language in LANGUAGES}


def test_drafts_and_texts_in_review_are_named_with_their_state(issue):
    first, second = approved(issue)
    Text.objects.filter(item=first, language="it").update(state="draft")
    Text.objects.filter(item=second, language="it").update(state="review")
    Text.objects.filter(issue=issue, item=None, language="it").update(state="review")
    (problem,) = of(issue, "it")
    assert problem.text == "3 texts in Italian are not approved: they go out as they are."
    assert spots(problem) == [
        (Kind.WORDS, "it", None, "in review"),
        (Kind.WORDS, "it", first, "draft"),
        (Kind.WORDS, "it", second, "in review"),
    ]
    assert of(issue, "en") == []


def test_words_of_which_only_the_assignment_is_known_are_not_called_unapproved(issue, ines):
    first, _second = contents(issue).items.all()
    Text.objects.create(issue=issue, item=first, language="it", assignee=ines)
    assert of(issue, "it") == []


def test_what_is_outdated_is_not_called_unapproved_as_well(issue, ines):
    first, _second = approved(issue)
    Text.objects.filter(item=first, language="nl").update(state="review")
    rewrite(first, "en", "<p>Something else.</p>", ines)
    assert [problem.text for problem in of(issue, "nl")] == [
        "1 text in Dutch is outdated: its original has changed since. It goes out as it is."
    ]


def test_what_somebody_is_typing_is_said_not_to_be_in_the_mail(issue, ines):
    first, _second = approved(issue)
    typed = {"title": "Halfway", "text": "<p>Half a sen</p>"}
    texts.keep(texts.find(first, "de"), typed, seen=0, source_seen=1, by=ines, now=NOW)
    (problem,) = of(issue, "de")
    assert problem.text == "1 text in German is being changed: what is typed is not finished, and not in the mail."
    assert spots(problem) == [(Kind.WORDS, "de", first, "")]


def test_a_machines_words_that_nobody_touched_warn_and_its_mere_draft_does_not(issue):
    first, second = approved(issue)
    Text.objects.filter(item=first, language="es").update(is_machine=True)
    Text.objects.filter(item=second, language="es").update(machine={"title": "Un borrador", "text": "<p>x</p>"})
    (problem,) = of(issue, "es")
    assert problem.text == "1 text in Spanish was written by a machine, and no person has touched it."
    assert problem.items == (first,)


def test_open_remarks_warn_and_settled_ones_do_not(issue):
    first, second = approved(issue)
    Remark.objects.create(text=texts.find(first, "fr"), words="Is this right?")
    Remark.objects.create(text=texts.find(second, "fr"), words="Done.", settled_at=NOW)
    (problem,) = of(issue, "fr")
    assert (problem.text, problem.items) == ("There are open remarks about 1 text in French.", (first,))


def test_words_to_be_avoided_warn_where_they_stand_unless_they_are_quoted(issue):
    Term.objects.create(language="en", words="illegal migrant", kind="avoid", instead="undocumented migrant")
    bad = make_item(issue, **dict.fromkeys(LANGUAGES, ("A title", "<p>Two illegal migrants were found.</p>")))
    make_item(issue, **dict.fromkeys(LANGUAGES, ("Said", "<p>He spoke of “illegal migrants” again.</p>")))
    make_texts(issue, "en", subject="An illegal migrant")
    (problem,) = of(issue, "en")
    assert problem.text == "2 texts in English have words that we avoid."
    assert spots(problem) == [
        (Kind.WORDS, "en", None, "“illegal migrant” (better: undocumented migrant)"),
        (Kind.WORDS, "en", bad, "“illegal migrants” (better: undocumented migrant)"),
    ]
    assert of(issue, "de") == []


def test_numbers_and_links_that_are_not_those_of_the_original_warn_and_are_named(issue):
    link = '<a href="https://example.org/{}">x</a>'.format
    item = make_item(
        issue,
        **dict.fromkeys(LANGUAGES, ("A title", f"<p>58: {link('a')}</p>"))
        | {"de": ("Ein Titel", f"<p>85: {link('b')}</p>"), "fr": ("Un titre", f"<p>{link('a')}</p>")},
        original="en",
    )
    (problem,) = (one for one in of(issue, "de") if one.group == "words")
    assert problem.text == "1 text in German differs from its original in numbers or links."
    assert spots(problem) == [
        (
            Kind.WORDS,
            "de",
            item,
            "58 is in the source and not in this text. 85 is in this text and not in the source. "
            "The link to https://example.org/a is in the source and not in this text. "
            "The link to https://example.org/b is in this text and not in the source.",
        )
    ]
    (problem,) = (one for one in of(issue, "fr") if one.group == "words")
    assert [place.note for place in problem.places] == ["58 is in the source and not in this text."]
    assert [code for code in LANGUAGES if any(one.group == "words" for one in of(issue, code))] == ["de", "fr"]


def test_of_many_numbers_some_are_named_and_the_others_counted(issue):
    words = dict.fromkeys(LANGUAGES, ("A title", "<p>41, 42, 43, 44, 45, 46</p>"))
    make_item(issue, **words | {"it": ("Un titolo", "<p>Niente.</p>")}, original="en")
    (problem,) = of(issue, "it")
    assert problem.places[0].note.endswith("44 is in the source and not in this text. And 2 more.")


def test_what_is_outdated_is_told_its_numbers_too(issue, ines):
    first, _second = approved(issue)
    rewrite(first, "en", "<p>There are 63.</p>", ines)
    assert [problem.text for problem in of(issue, "pt")] == [
        "1 text in Portuguese is outdated: its original has changed since. It goes out as it is.",
        "1 text in Portuguese differs from its original in numbers or links.",
    ]


# --- links ----------------------------------------------------------------------------------------------------------


def test_links_are_told_apart_by_what_came_of_them(issue):
    def checked(url, **fields):
        LinkCheck.objects.create(url=url, url_key=LinkCheck.key_of(url), checked_at=NOW, due_at=None, **fields)

    sites = ["fine", "gone", "forbidden", "inside", "new"]
    item = make_item(
        issue,
        **{code: (f"Links ({code})", f'<p><a href="https://word.example/{code}">x</a></p>') for code in LANGUAGES},
        sources=[{"url": f"https://{name}.example/a#b"} for name in sites],
    )
    checked("https://fine.example/a", state="ok", status=200)
    checked("https://gone.example/a", state="broken", status=404)
    checked("https://forbidden.example/a", state="refused", status=403)
    checked("https://inside.example/a", state="private", note="not-public")
    checked("https://word.example/de", state="broken", note="no-host")
    for code in set(LANGUAGES) - {"de"}:
        checked(f"https://word.example/{code}", state="ok", status=200)

    found = {problem.text: [(*spot, place.url) for spot, place in zip(spots(problem), problem.places, strict=True)]
             for problem in of(issue, "de")}  # fmt: skip
    assert found == {
        "2 links are broken.": [
            (Kind.WORDS, "de", item, "there is no such site", "https://word.example/de"),
            (Kind.ITEM, "de", item, "a source: the site answers 404", "https://gone.example/a#b"),
        ],
        "1 link does not lead to the public web; it was not opened.": [
            (Kind.ITEM, "de", item, "a source: its site is in a private network", "https://inside.example/a#b")
        ],
        "1 link could not be checked: please try it yourself.": [
            (Kind.ITEM, "de", item, "a source: the site answers 403", "https://forbidden.example/a#b")
        ],
        "1 link has not been checked yet.": [(Kind.ITEM, "de", item, "a source", "https://new.example/a#b")],
    }
    assert "1 link is broken." in [problem.text for problem in of(issue, "en")]


# --- what forbids ---------------------------------------------------------------------------------------------------


def test_what_forbids_is_just_what_blocks(issue):
    make_texts(issue, "de", subject="")
    make_item(issue, en="Only English")
    item = make_item(issue, **dict.fromkeys(LANGUAGES, "Later"))
    Item.objects.filter(pk=item.pk).update(not_before=NOW.date() + datetime.timedelta(days=3))
    for at in (None, NOW):
        blocking = [row for row in problems.of(contents(issue), ["de"], at=at)["de"] if row.blocking]
        assert forbidding(issue, "de", at=at) == blocking
        assert len(blocking) == (1 if at is None else 2)


@pytest.mark.parametrize("rows", [1, 3])
def test_everything_takes_the_same_queries_for_one_item_and_three(rows, ines, django_assert_num_queries):
    issue = make_issue(items=rows, state=Edition.State.READY)
    for item in approved(issue):
        make_item(issue, en="Read", sources=[{"url": f"https://news.example/{item.pk}"}])
        rewrite(item, "en", "<p>Something else.</p>", ines)
    whole = contents(issue)
    with django_assert_num_queries(4):  # texts, their revisions, the glossary, links
        found = problems.of(whole, LANGUAGES)
    assert len(found["pt"][1].places) == rows
    with django_assert_num_queries(0):
        for edition in whole.editions.all():
            problems.forbidding(edition)


# --- the size -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paragraphs", "blocking", "words"), [(93, False, "above 100 KB, and it comes near"), (112, True, "above 100 KB.")]
)
def test_the_size_warns_and_then_blocks(issue, paragraphs, blocking, words):
    filler = "<p>" + "words " * 165 + "</p>"
    small = rendering.render_mail(rendering.compose(contents(issue), "en"), token="t").size
    make_item(issue, **dict.fromkeys(LANGUAGES, ("Long", filler * (paragraphs - small // 1024))))
    (problem,) = of(issue, "en")
    assert problem.blocking is blocking
    assert words in problem.text
    assert re.search(r"The mail's size is (9\d|11\d) KB", problem.text)
