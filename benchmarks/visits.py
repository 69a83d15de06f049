"""Verbs of the driver that open pages, and that make what these pages show."""

import json
import sys
from collections.abc import Generator

from benchmarks.verbs import verb


@verb
def million(readers: str) -> Generator:
    """So many readers, and whatever else the lists of the desk show."""
    from benchmarks import million as crowd

    yield
    crowd.make(int(readers))
    return {}


@verb
def look(times: str) -> Generator:
    """Open pages of the desk as somebody who may do everything; the addresses come from the standard input, as JSON.
    Milliseconds that the database took for each, as often, after once for nothing."""
    from benchmarks import visiting
    from picum.accounts.models import User

    pages = {address: visiting.Page(address) for address in json.loads(sys.stdin.readline())}
    visitor = visiting.client(User.objects.get())
    yield
    seen = visiting.visit(visitor, pages, int(times))
    return {"milliseconds": {address: page["database"] for address, page in seen.items()}}


@verb
def directory(members: str, times: str) -> Generator:
    """What each page of the directory takes with so many members."""
    from benchmarks import membership, visiting

    pages = {address: visiting.Page(address) for address in membership.make(int(members))}
    yield
    return {"pages": visiting.visit(visiting.client(), pages, int(times))}


@verb
def decade(years: str) -> Generator:
    """So many years of issues, found by the search and known to the memory of translations, and the present issue."""
    from django.db import connection

    from benchmarks import decade as content
    from benchmarks import present
    from newsletter import search_index
    from newsletter.translation import learning

    content.fill(issues=12 * int(years))
    search_index.fill()
    yield
    learning.learn(seconds=2)
    # A server without autovacuum would look for each sentence in all of them, as when there were none.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    learning.learn()
    present.make()
    return {}


@verb
def desk(which: str, times: str) -> Generator:
    """What pages of the desk take: of "board", "others" or "search"."""
    from benchmarks import present, questions, visiting

    pages = {"board": present.boards, "others": present.others, "search": questions.pages}[which]()
    yield
    return {"pages": visiting.visit(visiting.client(present.carla()), pages, int(times))}


@verb
def ask(times: str) -> Generator:
    """The search without its page: the questions, and for each how many items answer it and its milliseconds."""
    from benchmarks import questions

    asked = questions.plain()
    yield
    return {"questions": questions.ask(asked, int(times))}


@verb
def offers() -> Generator:
    """What the memory of translations offers for the items of the present issue."""
    from benchmarks import remembering

    remembering.warm()
    yield
    return remembering.offers()


@verb
def alike() -> Generator:
    """What PostgreSQL finds for the same by its own likeness of words."""
    from benchmarks import remembering

    remembering.prepare_alike()
    yield
    return remembering.alike()
