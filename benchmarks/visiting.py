"""Pages as somebody opens them, and what the server needs for each answer. Runs inside Django, without a web server."""

import gzip
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.http.response import HttpResponseBase
from django.test import Client


@dataclass(frozen=True)
class Page:
    """`sends`: what is posted to it, made anew for each visit; as JSON where a script of ours sends it. `answers`: the
    status that is right."""

    address: str
    sends: Callable[[], dict] | None = None
    as_json: bool = False
    answers: int = 200


def client(user=None) -> Client:
    """Of somebody who signed in, or of nobody."""
    # Nobody has collected the static files.
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    visitor = Client(SERVER_NAME=urlsplit(settings.SITE_URL).hostname)
    if user:
        visitor.force_login(user)
    return visitor


def visit(visitor: Client, pages: Mapping[str, Page], times: int) -> dict[str, dict]:
    """By name: milliseconds for each of so many visits, after one for nothing, and those of the database among them;
    statements; octets, compressed."""
    return {name: _visit(visitor, page, times) for name, page in pages.items()}


def _visit(visitor: Client, page: Page, times: int) -> dict:
    answer, _taken, first = _opened(visitor, page)
    octets = len(gzip.compress(answer.getvalue()))
    visits = [_opened(visitor, page) for _time in range(times)]
    return {
        "milliseconds": [taken for _answer, taken, _watch in visits],
        "database": [round(watch.seconds * 1000, 2) for _answer, _taken, watch in visits],
        "statements": first.count,
        "octets": octets,
    }


def _opened(visitor: Client, page: Page) -> tuple[HttpResponseBase, float, "Statements"]:
    """The answer, its milliseconds, and what the database had to do with it."""
    sent = page.sends() if page.sends else None
    with (watch := Statements()):
        start = time.perf_counter()
        answer = _asked(visitor, page, sent)
        if answer.streaming:
            answer.streaming_content = list(answer.streaming_content)
        taken = round((time.perf_counter() - start) * 1000, 2)
    if answer.status_code != page.answers:
        raise ValueError(f"{page.address} answers {answer.status_code}.")
    return answer, taken, watch


def _asked(visitor: Client, page: Page, sent: dict | None) -> HttpResponseBase:
    if sent is None:
        return visitor.get(page.address, secure=settings.SECURE)
    kind = {"content_type": "application/json"} if page.as_json else {}
    return visitor.post(page.address, sent, secure=settings.SECURE, **kind)


class Statements:
    """Counts, while it is entered, the statements that begin with some words, and their seconds."""

    def __init__(self, start: str = ""):
        self.start, self.count, self.seconds = start, 0, 0.0

    def __enter__(self) -> "Statements":
        self._wrapped = connection.execute_wrapper(self._execute)
        self._wrapped.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self._wrapped.__exit__(*error)

    def _execute(self, execute, sql, parameters, many, context):
        start = time.monotonic()
        try:
            return execute(sql, parameters, many, context)
        finally:
            if str(sql).lstrip().startswith(self.start):
                self.count += 1
                self.seconds += time.monotonic() - start
