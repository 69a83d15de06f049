"""The volunteer in Lisbon: invited by mail, Rui translates on his phone, in a tunnel too, and is late. The others have
their mail by then; the readers of Portuguese get theirs when he is through, and nobody gets it twice.

Everything is real: `manage.py run`, its workers, its mail over SMTP, and the browsers of two people.
"""

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.browser.looking import begins_with
from tests.browser.month import (
    PASSWORD,
    PHONE,
    REFUSED,
    Month,
    approves,
    begun,
    comes_true,
    goes,
    hands_out,
    has_gone,
    told,
    write,
)
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser
RUI = "rui@lisboa.example"
TITLES = ["Um porto abre as portas", "Dois barcos"]
TEXT = "A cidade acolheu 12 pessoas na terça-feira."


@pytest.fixture(scope="module")
def month(chromium, tmp_path_factory) -> Iterator[Month]:
    with begun(chromium, tmp_path_factory.mktemp("volunteer")) as month:
        yield month


@pytest.fixture(scope="module")
def ines(month) -> Visitor:
    """Coordinates: writes, and sends."""
    return month.signs_in(month.hires("Ines Duarte", "Editors", "Publishers"))


@pytest.fixture(scope="module")
def rui(ines, month) -> Visitor:
    """Ines has invited him, and the link in his mail brought him here."""
    invites(ines, month)
    person = month.somebody(PHONE, locale="pt-PT")
    tab = person.tab
    comes_true(lambda: month.mails(tab, RUI), [(RUI, "pt")])
    goes(tab, tab.locator("#rows a").first)
    arrived = person.opens(tab.frame_locator("iframe").locator("a[href*='/invitation/']").first)
    tab.close()
    person.tab = arrived
    assert arrived.locator("html").get_attribute("lang") == "pt"
    person.looks()
    for field in ("new_password1", "new_password2"):
        arrived.locator(f"[name={field}]").fill(PASSWORD)
    goes(arrived, arrived.locator("main form.form button[type=submit]"))
    assert arrived.url.endswith("/pt/desk/")
    return person


def invites(by: Visitor, month: Month) -> None:
    tab = by.tab
    tab.goto(month.page("translator/"))
    goes(tab, tab.locator("#content a[href$='/invite/']"))
    tab.locator("[name=address]").fill(RUI)
    tab.locator("[name=name]").fill("Rui Tavares")
    tab.locator("[name=language]").select_option("pt")
    chosen = tab.get_by_role("group", name="Roles").locator(":checked").locator("xpath=..")
    assert [label.strip() for label in chosen.all_inner_texts()] == ["Translators"]
    tab.locator("[name=languages][value=pt]").check()
    goes(tab, tab.locator("#content form button.default"))
    assert told(tab) == f"An invitation is on its way to {RUI}."


@pytest.fixture(scope="module")
def issue(month) -> int:
    """The demo's next one, which lacks two items in Portuguese."""
    return month.run.rows("SELECT id FROM newsletter_issue WHERE slug = 'next'")[0][0]


@pytest.fixture(scope="module")
def handed_out(issue, ines, rui, month) -> list[int]:
    """Portuguese is not ready after all, and what it lacks is Rui's: the items, in his order."""
    tab = ines.tab
    tab.goto(month.page(f"issue/{issue}/change/"))
    goes(tab, tab.locator("#edition-pt button[formaction$='/draft/']"))
    assert hands_out(ines, month, issue, to="Rui Tavares") == "2 texts were handed out."
    return [
        item
        for (item,) in month.run.rows(
            "SELECT item_id FROM newsletter_text WHERE issue_id = ? AND assignee_id IS NOT NULL ORDER BY id", issue
        )
    ]


def test_a_volunteer_sees_portuguese_and_nothing_else(handed_out, issue, rui, month):
    tab = rui.tab
    tab.goto(f"{month.run.site}pt/desk/")
    rui.looks()
    mine = [link.get_attribute("href") for link in tab.locator("#my-texts ol a").all()]
    tab.goto(month.page(f"issue/{issue}/board/", "pt"))
    rui.looks()
    columns = [head.get_attribute("id") for head in tab.locator(".board th[id^=board-]").all()]
    languages = {cell.get_attribute("data-language") for cell in tab.locator("[data-language]").all()}
    refused = ["translate/de/around/", "translate/en/around/", "preview/de/", "problems/de/", "send/", "change/"]
    with rui.excusing(REFUSED):
        answers = {way: tab.goto(month.page(f"issue/{issue}/{way}", "pt")).status for way in refused}

    assert mine == [f"/pt/desk/newsletter/issue/{issue}/translate/pt/{item}/" for item in handed_out]
    assert (columns, languages) == (["board-pt"], {"pt"})
    assert set(answers.values()) <= {403, 404}, answers


@pytest.fixture(scope="module")
def sent(handed_out, issue, ines, month) -> None:
    """The six others have gone."""
    tab = ines.tab
    tab.goto(month.page(f"issue/{issue}/send/"))
    goes(tab, tab.locator("#content form button.default"))
    goes(tab, tab.locator("button[name=confirmed]"))
    has_gone(tab, "Portuguese")


@pytest.fixture(scope="module")
def translated(sent, handed_out, rui, month) -> dict:
    """Rui has translated both texts on his phone, the second in a tunnel: what the desk had of it while there was no
    network."""
    tab = rui.tab
    tab.goto(f"{month.run.site}pt/desk/")
    goes(tab, tab.locator("#my-texts ol a").first)
    tab.locator(".ProseMirror").wait_for()
    rui.looks()
    write(tab.locator("#words_title"), TITLES[0])
    write(tab.locator(".ProseMirror"), TEXT)
    goes(tab, tab.locator("[data-done]"))
    assert tab.url.endswith(f"/translate/pt/{handed_out[1]}/")
    kept = tab.locator("#kept")
    with rui.excusing(REFUSED):
        write(tab.locator("#words_title"), TITLES[1])
        says(kept, "kept")
        rui.context.set_offline(True)
        write(tab.locator(".ProseMirror"), TEXT)
        says(kept, "lost")
        had = month.run.rows("SELECT working FROM newsletter_text WHERE item_id = ? AND language = 'pt'", handed_out[1])
        rui.context.set_offline(False)
        says(kept, "kept")
    goes(tab, tab.locator("[data-done]"))
    rui.looks()
    return json.loads(had[0][0])


def says(line, key: str) -> None:
    """The sentence about what is kept is this one of those that the page brought along, whatever the language."""
    begins_with(line, line.get_attribute(f"data-{key}"))


def test_what_is_typed_in_a_tunnel_is_handed_in_behind_it(translated, handed_out, rui, month):
    left = month.run.rows("SELECT working FROM newsletter_text WHERE assignee_id IS NOT NULL")
    assert (translated["title"], translated["text"]) == (TITLES[1], "")
    assert [words for (words,) in left] == [None, None]
    assert [month.readers_get(item, "pt") for item in handed_out] == [f"<p>{TEXT}</p>"] * 2
    assert rui.wrong == []


@pytest.fixture(scope="module")
def sent_late(translated, issue, ines, month) -> tuple[str, str]:
    """Ines has approved Portuguese and sent it: how many texts she approved, and who gets it, in the desk's words."""
    tab = ines.tab
    approved = approves(ines, month, issue)
    tab.goto(month.page(f"issue/{issue}/change/"))
    goes(tab, tab.locator("#edition-pt button[formaction$='/ready/']"))
    tab.goto(month.page(f"issue/{issue}/progress/"))
    ines.looks()
    goes(tab, tab.locator(".desk-after").get_by_role("link", name="Send the late languages"))
    goes(tab, tab.locator("#content form button.default"))
    sentence = tab.locator(".desk-sentence").inner_text()
    goes(tab, tab.locator("button[name=confirmed]"))
    tab.get_by_role("status").get_by_text("The issue has been sent.").wait_for(timeout=60_000)
    return approved, sentence


def test_readers_of_a_late_language_get_one_mail_in_it_and_no_other(sent_late, ines, month):
    tab, readers = ines.tab, month.first_languages()
    waiting = sorted(email for email, language in readers.items() if language == "pt")
    got = {email: month.mails(tab, email) for email in waiting}
    goes(tab, tab.locator("#rows a").first)
    frame = tab.frame_locator("iframe")
    titles = [frame.locator("h3 a", has_text=title).count() for title in TITLES]
    marks = frame.locator(".mark").count()
    everybody = Counter(email for email, _language in month.mails(tab, "") if email in readers)

    assert sent_late == ("2 texts were approved.", f"{len(waiting)} readers get the issue now in 1 language.")
    assert len(waiting) > 1
    assert got == {email: [(email, "pt")] for email in waiting}
    assert (titles, marks) == ([1, 1], 0)
    assert everybody == Counter(list(readers))
