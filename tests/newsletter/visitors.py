"""Somebody without cookies who fills in a form of ours, as the page that they look at has it."""

import datetime

import time_machine
from django.test import Client

from tests.html import Page

NOON = datetime.datetime(2026, 10, 1, 12, tzinfo=datetime.UTC)


class Visitor:
    """A browser that brings no cookie, at a site that checks for them where it should, at a time that stands still.

    `with Visitor() as amal`: `amal.opens(path)` looks at a page, `amal.sends(address=…)` waits some seconds and posts
    its form: what the page has filled in, and what is said here. `page` is what they see.
    """

    def __init__(self, ip: str = "192.0.2.1", at: datetime.datetime = NOON):
        self.client = Client(enforce_csrf_checks=True, REMOTE_ADDR=ip)
        self.travel = time_machine.travel(at, tick=False)

    def __enter__(self):
        self.clock = self.travel.start()
        return self

    def __exit__(self, *_failure):
        self.travel.stop()

    def opens(self, path: str) -> Page:
        self.path = path
        return self._sees(self.client.get(path))

    def sends(self, *, after: float = 10, without: str = "", **typed) -> Page:
        """Posts the form of the page, `after` seconds; `without` names a field that does not come along."""
        self.clock.shift(after)
        fields = self.filled_in() | typed
        fields.pop(without, None)
        self.path = self.page.one("form")["action"] or self.path
        return self._sees(self.client.post(self.path, fields))

    def filled_in(self) -> dict[str, list[str]]:
        """The form as the page has it."""
        found: dict[str, list[str]] = {}
        select = ""
        for tag in self.page.tags:
            if tag.name == "input" and (tag["type"] != "checkbox" or "checked" in tag.attributes):
                found.setdefault(tag["name"], []).append(tag["value"] or "")
            elif tag.name == "select":
                select, found[tag["name"]] = tag["name"], []
            elif tag.name == "option" and (not found[select] or "selected" in tag.attributes):
                found[select] = [tag["value"]]
        return found

    def _sees(self, response) -> Page:
        self.page = Page(response)
        return self.page
