"""A file may not do what its translator may not: write into what went out, or in a language that is not theirs."""

import pytest
from django.utils import timezone

from newsletter.models import Text
from tests.html import Page
from tests.newsletter.desk import at_the_desk, boris, carla, said
from tests.newsletter.translation.files import an_issue, brought_in, returned, store, written
from tests.newsletter.translation.sheets import ines, stored
from tests.newsletter.translation.test_exchange_desk import address, packed, upload
from tests.newsletter.translation.test_exchange_import import ALL

pytestmark = pytest.mark.django_db
NOW = timezone.now()
OURS = {"title": "Barco", "text": "<p>Como saiu.</p>"}
ARCHIVE = "This edition went out: your words are kept, and an editor decides what the archive says."


@pytest.fixture
def issue():
    """Its Portuguese edition went out."""
    issue = an_issue()
    store(issue.items.get(), "pt", *OURS.values(), by=None, state="approved")
    went_out(issue)
    return issue


def went_out(issue, language="pt", moment="frozen_at") -> None:
    """This edition, and no other."""
    issue.editions.update(frozen_at=None, published_at=None)
    issue.editions.filter(language=language).update(**{moment: NOW})


def whole(issue) -> str:
    """The file as it comes back, with everything translated anew."""
    content = written(issue)
    for key, words in {"title.0.0": "Navio", "text.0.0": "Um navio afundou."}.items():
        before, found, after = content.partition(f':{key}"')
        head, _source, rest = after.partition("</source>\n")
        rest = rest[rest.index("</target>\n") + 10 :] if rest.startswith("<target") else rest
        content = f"{before}{found}{head}</source>\n<target>{words}</target>\n{rest}"
    return content


@pytest.mark.parametrize("moment", ["frozen_at", "published_at"])
def test_a_translators_file_is_kept_for_an_editor_and_the_archive_stays(issue, moment):
    went_out(issue, moment=moment)
    item = issue.items.get()
    assert brought_in(issue, returned(issue, **ALL | {"title_0_0": "Navio"}), ines()) == [("kept", "")]
    text = Text.objects.get(item=item, language="pt")
    assert (stored(item), text.number, text.state, text.working["title"]) == (OURS, 1, "approved", "Navio")


@pytest.mark.parametrize("editor", [boris, carla])
def test_an_editors_file_changes_the_archive(issue, editor):
    assert brought_in(issue, returned(issue, **ALL | {"title_0_0": "Navio"}), editor()) == [("stored", "")]
    assert stored(issue.items.get())["title"] == "Navio"


def test_a_late_language_comes_in_while_others_went_out(issue):
    went_out(issue, "es")
    assert brought_in(issue, returned(issue, **ALL | {"title_0_0": "Navio"}), ines()) == [("stored", "")]


def test_the_translator_is_told_before_and_after(issue):
    desk, editor = at_the_desk(ines()), at_the_desk(carla())
    compared = upload(desk, issue, whole(issue))
    shown = Page(compared)
    assert shown.one("p", class_="desk-note").words == ARCHIVE
    assert [count.words for count in shown.all("dd")][:2] == ["0", "1"]
    assert "Will be kept; readers do not get it before somebody has finished it." in shown.words
    answer = desk.post(address(issue, name="exchange_confirm"), {"packed": packed(compared)}, follow=True)
    assert said(answer)[-1] == ARCHIVE
    assert ARCHIVE not in Page(upload(editor, issue, whole(issue))).words
    assert stored(issue.items.get()) == OURS


def test_what_goes_out_between_looking_and_confirming_is_safe_too(issue):
    went_out(issue, "es")
    desk = at_the_desk(ines())
    wish = packed(upload(desk, issue, whole(issue)))
    went_out(issue)
    desk.post(address(issue, name="exchange_confirm"), {"packed": wish})
    assert stored(issue.items.get()) == OURS


def test_what_was_compared_in_ones_own_language_is_taken_into_no_other(issue):
    desk = at_the_desk(ines())
    wish = packed(upload(desk, issue, whole(issue)))
    assert desk.post(address(issue, name="exchange_confirm", language="es"), {"packed": wish}).status_code == 404
    both = at_the_desk(carla())
    answer = both.post(address(issue, name="exchange_confirm", language="es"), {"packed": wish}, follow=True)
    assert said(answer) == ["What you confirmed has not come back whole, or is too old. Upload the file again."]
    assert not Text.objects.filter(language="es").exists()


def test_a_file_in_another_language_is_refused_on_the_page_of_ones_own(issue):
    answer = upload(at_the_desk(ines()), issue, written(issue, language="es"))
    assert "The file is in another language (ES) than this page (PT)." in Page(answer).words


def test_nor_does_a_file_come_in_where_one_may_not_write(issue):
    assert upload(at_the_desk(ines("es")), issue, whole(issue)).status_code == 404
