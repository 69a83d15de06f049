"""What a page comes to show is waited for from outside: conditions in words of JavaScript would be asked by `eval`,
which the pages' policy forbids. Playwright is imported late, for without it the tests are skipped."""

import re

PATIENCE = 20_000  # milliseconds


def has_focus(there) -> None:
    _expect(there).to_be_focused(timeout=PATIENCE)


def has_value(field, words: str) -> None:
    _expect(field).to_have_value(words, timeout=PATIENCE)


def begins_with(there, words: str) -> None:
    _expect(there).to_have_text(re.compile(rf"^\s*{re.escape(words)}"), timeout=PATIENCE)


def _expect(there):
    from playwright.sync_api import expect

    return expect(there)
