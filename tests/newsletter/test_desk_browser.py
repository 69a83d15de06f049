"""The desk in a real Chromium: what only a browser can tell."""

import datetime
import re
import shutil

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.utils import timezone

from newsletter import enqueue, figures, import_jobs
from newsletter.models import Consent, Delivery, Edition, ImportJob, Item, Suppression, SystemMail
from newsletter.translation import texts
from tests.newsletter.desk import at_the_desk, carla, page
from tests.newsletter.factories import make_issue, make_item, make_subscriber
from tests.newsletter.lists import uploaded
from tests.newsletter.somebody import all_about

sync_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
expect = sync_api.expect
CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def browser():
    with pytest.MonkeyPatch.context() as patch, sync_api.sync_playwright() as playwright:
        # Playwright's loop runs in this thread; Django would refuse the tests' own queries.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_tab(browser, live_server, settings):
    """A tab in which Carla has signed in: `open_tab(width=320)`. `tab.complaints`: what the console complains of."""
    settings.ALLOWED_HOSTS = ["localhost"]
    session = at_the_desk(carla()).cookies[django_settings.SESSION_COOKIE_NAME].value
    contexts = []

    def open_tab(*, width=1280, scheme="light"):
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        contexts.append(context)
        name = django_settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": session, "url": live_server.url}])
        tab = context.new_page()
        tab.complaints = []
        tab.on("console", lambda said: said.type in {"error", "warning"} and tab.complaints.append(said.text))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        return tab

    yield open_tab
    for context in contexts:
        context.close()


@pytest.fixture
def issue():
    """All states that look different: ready, being written with gaps, sent with deliveries."""
    issue = make_issue(items=2, state=Edition.State.READY)
    make_item(issue, "borders", en="A long title " * 8, countries=["IT", "MT"], bodies=["frontex"], kind="report",
              sources=[{"outlet": "Paper", "url": "https://example.org/" + "long" * 30}])  # fmt: skip
    issue.editions.filter(language="pt").update(state="draft")
    for number in range(6):
        make_subscriber(f"reader{number}@example.org", ["en", "pt en", "de"][number % 3])
    return issue


def going(issue) -> None:
    enqueue.send(issue, ["en", "de"], by=None)
    enqueue.freeze_due(issue.pk)
    issue.editions.filter(language="de").update(state="paused", reason="The relay refuses our domain.")


def pages(issue) -> list[str]:
    item = issue.items.order_by("pk").last()
    return [
        "/en/desk/",
        page("issue_changelist"),
        page("issue_add"),
        page("issue_change", issue.pk) + "?language=pt",
        page("item_changelist"),
        page("item_change", item.pk) + "?language=en",
        page("item_add") + f"?issue={issue.pk}&section={item.section_id}",
        page("section_changelist"),
        page("issue_board", issue.pk),
        page("issue_board", issue.pk) + "?language=pt",
        page("issue_outdated", issue.pk),
        page("issue_send", issue.pk),
        page("issue_preview", issue.pk, "pt") + "?width=phone&then=es",
        page("issue_preview", issue.pk, "en") + "?part=text",
        page("issue_progress", issue.pk),
        page("issue_cancel", issue.pk, "en"),
        page("issue_unknowns", issue.pk),
        page("subscriber_changelist"),
    ]


def pages_of_readers(issue) -> list[str]:
    """The desk of those who answer for the list, with a reader whose address and name are as unwieldy as can be."""
    address = f"{'very.long.' * 5}name@{'long-department.' * 6}example.org"
    with transaction.atomic():
        reader, _other = all_about((address, "<i>=1+1 \u202egro"), ("boris@example.org", "Boris"))
    stop = Suppression.objects.create(address_key=reader.address_key, reason="staff")
    SystemMail.objects.filter(state="waiting").update(state="held", why="overall")
    said = {"columns": {"email": 0, "name": 2}, "source": "fair", "language": "de", "with_proof": True}
    lists = [
        uploaded("E-Mail;Sprache;Name\namal@example.org;de;" + "Name " * 40, by=None, name=f"{'Liste ' * 9}{way}.csv")
        for way in ("columns", "checked", "failed")
    ]
    for job in lists[1:]:
        import_jobs.check(job, by=None, **said)
    ImportJob.objects.filter(pk=lists[2].pk).update(tries=import_jobs.TRIES)
    for job in lists[1:]:
        import_jobs.work(job.pk)
    figures.tally(issue, now=timezone.now())
    for ago in range(1, 70, 30):
        figures.count_readers(timezone.localdate() - datetime.timedelta(days=ago), now=timezone.now())
    of_one = [f"subscriber_{name}" for name in ("change", "unsubscribe", "link", "erase")]
    return [
        *(page(f"{kind}_changelist") for kind in ("subscriber", "suppression", "consent", "signup", "systemmail")),
        *(page(name, reader.pk) for name in of_one),
        *(page(name, stop.pk) for name in ("suppression_change", "suppression_lift")),
        *(
            page(name)
            for name in ("subscriber_add", "suppression_add", "systemmail_brake", "import", "export", "audience")
        ),
        page("consent_change", Consent.objects.exclude(wording=None).first().pk),
        page("import_columns", lists[0].pk),
        *(page("import_job", job.pk) for job in lists[1:]),
        page("issue_figures", issue.pk),
    ]


@pytest.mark.parametrize(("width", "scheme", "language"), [(320, "light", "de"), (1280, "dark", "en")])
def test_the_pages_about_readers_do_too(open_tab, issue, width, scheme, language):
    going(issue)
    addresses = [address.replace("/en/", f"/{language}/") for address in pages_of_readers(issue)]
    assert found_wrong(open_tab(width=width, scheme=scheme), addresses) == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_fits_keeps_the_policy_and_has_no_fault_that_axe_knows(open_tab, issue, width, scheme):
    going(issue)
    Delivery.objects.filter(edition__language="en").update(state="unknown", why="no-answer", detail="long words " * 9)
    issue.editions.filter(language="fr").update(state="held", send_at=timezone.now(), reason="A long reason. " * 9)
    assert found_wrong(open_tab(width=width, scheme=scheme), pages(issue)) == {}


def found_wrong(tab, addresses) -> dict[str, tuple[list[str], bool, list[str]]]:
    """By address, what the console complains of, whether the page is wider than the window, and what axe finds."""
    faults = {}
    for address in addresses:
        tab.complaints.clear()
        tab.goto(address)
        tab.wait_for_load_state("networkidle")
        complaints = list(tab.complaints)  # axe itself may add some
        wide = tab.evaluate("document.documentElement.scrollWidth > innerWidth")
        found = [fault["id"] for fault in axe.Axe().run(tab).response["violations"]]
        if complaints or wide or found:
            faults[address] = (complaints, wide, found)
    return faults


def test_the_board_is_walked_with_arrows_and_a_column_is_ticked_at_once(open_tab, issue):
    tab = open_tab()
    tab.goto(page("issue_board", issue.pk))
    first, second = issue.items.order_by("section__position", "position")[:2]
    tab.locator(f"#cell-{first.pk}-en").focus()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowDown")  # over the heading of a section
    expect(tab.locator(f"#cell-{second.pk}-de")).to_be_focused()
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("ArrowLeft")  # nothing stands there
    expect(tab.locator(f"#cell-{second.pk}-en")).to_be_focused()
    tab.locator("[data-all=pt]").click()
    expect(tab.locator("[data-ticked]")).to_have_text(str(issue.items.count() + 1))
    tab.get_by_role("button", name="Send back").click()
    expect(tab.locator(".messagelist")).to_contain_text("Portuguese")


def test_the_editor_has_a_name_a_language_and_the_spell_checker(open_tab, issue):
    tab = open_tab()
    tab.goto(page("item_change", issue.items.first().pk) + "?language=pt")
    editor = tab.get_by_role("textbox", name="Text")
    expect(editor).to_have_attribute("contenteditable", "true")
    expect(editor).to_have_attribute("lang", "pt")
    expect(editor).to_have_attribute("spellcheck", "true")


def test_unsaved_words_are_asked_about_and_saved_ones_are_not(open_tab, issue):
    tab = open_tab()
    asked = []
    tab.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    item = issue.items.get(section__key="health-care", position=1)
    tab.goto(page("item_change", item.pk) + "?language=pt")
    editor = tab.locator(".ProseMirror")
    expect(editor).to_be_visible()
    tab.get_by_role("link", name="Italian").first.click()
    expect(tab).to_have_url(re.compile("language=it$"))
    assert asked == []

    editor.click()
    tab.keyboard.type("Nuovo. ")
    tab.get_by_role("link", name="French").first.click()
    expect(editor).to_contain_text("Nuovo.")
    assert asked == ["beforeunload"]

    tab.get_by_role("button", name="Save and continue editing").click()
    expect(tab.locator(".messagelist")).to_contain_text("was changed successfully")
    assert asked == ["beforeunload"]
    assert "Nuovo." in item.translations.get(language_code="it").text


def test_the_editor_does_not_take_a_text_for_changed_that_nobody_touched(open_tab, issue):
    """It writes the same text in its own way; an old tab must not bring that back over somebody's new words."""
    tab = open_tab()
    item = issue.items.get(section__key="health-care", position=1)
    words = item.translations.filter(language_code="de")
    words.update(
        text='<p>One &amp; <em>two</em></p>\n<ul><li>a<br>b</li><li><a href="https://example.org">c</a></li></ul>'
    )
    tab.goto(page("item_change", item.pk) + "?language=de")
    expect(tab.locator(".ProseMirror")).to_be_visible()
    words.update(text="<p>Somebody’s new words.</p>")
    tab.locator("#id_title").fill("A new title")
    tab.get_by_role("button", name="Save and continue editing").click()
    expect(tab.locator(".messagelist")).to_contain_text("was changed successfully")
    assert words.get().title == "A new title"
    assert words.get().text == "<p>Somebody’s new words.</p>"


@pytest.mark.parametrize("width", [320, 1280])
def test_what_two_have_changed_is_refused_with_both_texts_on_the_page(open_tab, issue, width):
    tab = open_tab(width=width)
    item = issue.items.get(section__key="health-care", position=1)
    words = item.translations.filter(language_code="de")
    tab.goto(page("item_change", item.pk) + "?language=de")
    editor = tab.locator(".ProseMirror")
    editor.click()
    tab.keyboard.type("Mine. ")
    words.update(text="<p>Somebody’s new words.</p>")
    tab.get_by_role("button", name="Save and continue editing").click()
    expect(tab.locator(".desk-stored")).to_have_text("Somebody’s new words.")
    expect(editor).to_contain_text("Mine.")
    assert words.get().text == "<p>Somebody’s new words.</p>"
    tab.wait_for_load_state("networkidle")
    assert tab.complaints == []
    assert not tab.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert [fault["id"] for fault in axe.Axe().run(tab).response["violations"]] == []
    tab.get_by_role("button", name="Save and continue editing").click()
    expect(tab.locator(".messagelist")).to_contain_text("was changed successfully")
    assert "Mine." in words.get().text


def test_a_chosen_country_counts_as_unsaved_too(open_tab, issue):
    tab = open_tab()
    asked = []
    tab.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    tab.goto(page("item_change", issue.items.first().pk))
    tab.locator("#id_countries_from option[value=BE]").dblclick()
    tab.get_by_role("link", name="French").first.click()
    expect(tab).to_have_url(re.compile("language=fr$"))
    assert asked == ["beforeunload"]


def test_items_are_put_in_order_with_the_keyboard_alone(open_tab, issue):
    tab = open_tab()
    first, second = issue.items.filter(section__key="health-care").order_by("position")
    tab.goto(page("issue_change", issue.pk))
    tab.locator(f"#item-{first.pk}-down").press("Enter")
    expect(tab.locator(f"#item-{first.pk}-down")).to_be_focused()
    assert list(Item.objects.filter(section=first.section_id).order_by("position")) == [second, first]


def test_the_address_of_a_new_issue_follows_its_period_until_somebody_writes_one(open_tab, issue):
    tab = open_tab()
    tab.goto(page("issue_add"))
    slug = tab.get_by_label("Address:")
    expect(slug).to_have_value("2026-11")
    tab.get_by_label("Label:").select_option("quarter")
    expect(slug).to_have_value("2026-q4")
    slug.fill("autumn")
    tab.get_by_label("Label:").select_option("month")
    expect(slug).to_have_value("autumn")


def test_the_numbers_move_without_a_reload_and_the_focus_stays(open_tab, issue):
    going(issue)
    tab = open_tab()
    tab.clock.install()
    tab.goto(page("issue_progress", issue.pk))
    tab.evaluate("window.sameDocument = true")
    pause = tab.locator("#pause-en")
    pause.focus()
    bar = tab.locator("#edition-en progress")
    expect(bar).to_have_attribute("value", "0")

    Delivery.objects.filter(edition__language="en").update(state="accepted", changed_at=timezone.now())
    tab.clock.run_for(2100)
    expect(bar).to_have_attribute("value", "2")
    expect(pause).to_be_focused()
    assert tab.evaluate("window.sameDocument")

    issue.editions.filter(frozen_at__isnull=False).update(state="sent")
    tab.clock.run_for(2100)
    expect(tab.get_by_role("status")).to_have_text(re.compile("^What was sent is done. Not sent yet: Dutch"))
    requests = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.clock.run_for(10_000)
    assert requests == []


def test_the_numbers_say_so_when_they_cannot_be_fetched_and_recover(open_tab, issue):
    going(issue)
    tab = open_tab()
    tab.clock.install()
    tab.goto(page("issue_progress", issue.pk))
    status = tab.get_by_role("status")
    tab.context.set_offline(True)
    tab.clock.run_for(2100)
    expect(status).to_have_text("The numbers could not be fetched; trying again.")
    tab.context.set_offline(False)
    tab.clock.run_for(2100)
    expect(status).to_have_text("The issue is being sent. Standing still: German.")


def test_from_the_issue_to_its_sending(open_tab, issue):
    """The newcomer's way at the desk: open the issue, press Send, read it in words, confirm, watch."""
    tab = open_tab()
    tab.goto(page("issue_changelist"))
    tab.get_by_role("link", name=issue.label("en")).click()
    tab.get_by_role("link", name="Send", exact=True).click()
    expect(tab.get_by_role("heading", name="Send: October 2026")).to_be_visible()
    tab.get_by_label("do not wait for Portuguese").check()
    tab.get_by_role("button", name="Go on").click()
    expect(tab.locator(".desk-sentence")).to_have_text("6 readers get the issue now in 6 languages.")
    tab.get_by_role("button", name="Send it now").dblclick()
    expect(tab.get_by_role("heading", name="Progress: October 2026")).to_be_visible()
    assert set(issue.editions.values_list("language", "state")) == {
        *((code, "scheduled") for code in ["en", "de", "nl", "es", "fr", "it"]),
        ("pt", "draft"),
    }
    assert enqueue.freeze_due(issue.pk, now=timezone.now() + datetime.timedelta(seconds=1))
    assert Delivery.objects.count() == 6


# --- the board, and what is said --------------------------------------------------------------------------------


def at(tab) -> str:
    """What has the focus: its id, or its words."""
    return tab.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")


def pressed(tab, *keys) -> str:
    for key in keys:
        tab.keyboard.press(key)
    return at(tab)


@pytest.fixture
def board(open_tab):
    """The board of an issue with two items in Portuguese, in review."""
    issue = make_issue(languages=["en"])
    for title in ("One", "Two"):
        item = make_item(issue, "borders", en=title, pt=f"{title} (pt)")
        texts.find(item, "en")
        words = texts.stored_words(item, "pt")
        texts.store(texts.find(item, "pt"), words, state="review", how="page", by=None, now=timezone.now())
    tab = open_tab()
    tab.goto(page("issue_board", issue.pk))
    return tab, issue, *issue.items.order_by("pk")


def test_the_board_is_one_stop_of_the_tab_key_and_the_buttons_are_the_next(board):
    tab, _issue, one, two = board
    assert " ".join(tab.locator("#board-keys").inner_text().split()) == (
        "Keys ↑ ↓ ← → from text to text Home End to the ends of the line Space tick Enter open Tab to the buttons"
    )
    tab.get_by_role("button", name="Show").focus()
    assert pressed(tab, "Tab") == "cell-around-en"
    assert pressed(tab, "ArrowDown") == f"cell-{one.pk}-en"
    assert pressed(tab, "End") == f"cell-{one.pk}-pt"
    tab.keyboard.press("Space")
    assert pressed(tab, "ArrowDown") == f"cell-{two.pk}-pt"
    tab.keyboard.press("Space")
    assert tab.locator("[data-ticked]").inner_text() == "2"
    assert tab.locator("td[aria-selected=true]").count() == 2
    assert pressed(tab, "Tab") == "Approve"
    assert pressed(tab, "Shift+Tab") == f"cell-{two.pk}-pt"
    assert pressed(tab, "ArrowLeft", "Home") == f"cell-{two.pk}-en"
    assert pressed(tab, "Control+Home") == "tick all: English"
    assert pressed(tab, "ArrowDown", "ArrowDown", "ArrowDown") == "cell-around-en"
    assert tab.get_by_role("grid").count() == 1
    assert not tab.complaints


def test_enter_opens_a_text_and_approves_none(board):
    tab, _issue, one, _two = board
    tab.locator(f"#cell-{one.pk}-pt input").click()
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"**/translate/pt/{one.pk}/")
    assert one.texts.get(language="pt").state == "review"


def test_after_a_deed_it_is_said_at_the_text_and_the_keys_go_on_there(board):
    tab, issue, one, two = board
    tab.locator(f"#cell-{one.pk}-pt input").check()
    tab.locator("#cell-around-pt input").check()
    tab.locator(f"#cell-{two.pk}-pt input").check()
    tab.locator("button[value=approve]").press("Enter")
    said = tab.locator("ul.messagelist")
    expect(said).to_be_focused()
    expect(said).to_be_in_viewport(ratio=1)
    assert said.locator("li").all_inner_texts() == [
        "2 texts were approved.", "Portuguese, the words around the items: There are no words yet."
    ]  # fmt: skip
    assert pressed(tab, "Tab") == f"cell-{two.pk}-pt"
    assert tab.url.endswith(f"{page('issue_board', issue.pk)}#cell-{two.pk}-pt")


def test_without_scripts_each_text_is_reached_by_the_tab_key(board, browser):
    tab, _issue, one, _two = board
    context = browser.new_context(java_script_enabled=False, storage_state=tab.context.storage_state())
    plain = context.new_page()
    plain.goto(tab.url)
    assert plain.locator("#board-keys").is_hidden()
    plain.locator(f"#cell-{one.pk}-en input").focus()
    plain.keyboard.press("Tab")
    expect(plain.locator(f"#cell-{one.pk}-en a")).to_be_focused()
    assert plain.locator(".board [tabindex]").count() == 0
    context.close()


@pytest.mark.parametrize("width", [320, 1280])
def test_which_translations_are_outdated_now_is_said_at_the_item(board, open_tab, width):
    _tab, _issue, _one, two = board
    tab = open_tab(width=width)
    tab.goto(page("item_change", two.pk) + "?language=en")
    tab.locator("#id_title").fill("Two, and three")
    tab.locator("input[name=_save]").click()
    said = tab.locator(f"#item-{two.pk} ul.messagelist")
    expect(said).to_be_focused()
    expect(said).to_be_in_viewport(ratio=1)
    assert "1 translation is outdated now (Portuguese)" in said.inner_text()
    assert tab.locator(f"#item-{two.pk}").get_by_label("Portuguese: outdated").count() == 1
    assert tab.locator("ul.messagelist").count() == 1
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
