"""What those who work here do at the desk, in any test."""

from tests.browser.program import Run
from tests.browser.visitor import Visitor

WATCH = """() => {
    window.sameDocument = true;
    window.seen = [];
    const region = document.querySelector("[data-progress]");
    const look = () => window.seen.push(region.querySelector(".desk-bar progress")?.value ?? 0);
    new MutationObserver(look).observe(region, { childList: true });
}"""


def sign_in(visitor: Visitor, run: Run) -> None:
    """With the login that the terminal printed."""
    address, login, password = run.told("The desk")
    visitor.tab.goto(address)
    visitor.looks()
    visitor.tab.get_by_label("E-mail address").fill(login)
    visitor.tab.get_by_label("Password").fill(password)
    visitor.follows(visitor.tab.get_by_role("button", name="Log in"), to="The desk")


def watch_progress(tab) -> None:
    """From now on it is noted how far the bar is, each time the page changes by itself."""
    tab.evaluate(WATCH)


def seen_progress(tab) -> tuple[list[int], bool]:
    """What was noted, and whether that was one and the same page."""
    return tuple(tab.evaluate("[window.seen, window.sameDocument === true]"))


def hire(tab, run: Run, *, login: str, password: str, language: str, rights: list[str]) -> None:
    """Somebody who is signed in makes an account for somebody else, who may do these things."""
    tab.goto(f"{run.told('The desk')[0]}accounts/user/add/")
    tab.get_by_label("E-mail address").fill(login)
    tab.get_by_label("Language").select_option(language)
    tab.get_by_label("Password:", exact=True).fill(password)
    tab.get_by_label("Password confirmation").fill(password)
    tab.get_by_role("button", name="Save and continue editing").click()
    tab.get_by_label("Staff").check()
    possible = tab.locator("#id_user_permissions_from")
    for right in rights:
        possible.select_option(label=possible.locator("option").filter(has_text=right).inner_text())
        tab.locator("#id_user_permissions_add").click()
    tab.get_by_role("button", name="Save", exact=True).click()
    tab.get_by_role("heading", level=1, name="Select person to change").wait_for()
