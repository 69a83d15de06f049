"""The project's own functions, driven from outside: `python -m benchmarks.driver VERB ARGUMENT…`.

Each verb prepares itself, says {"ready": …}, waits for a line, works, and answers with one line of JSON that has
`ended`, the monotonic moment of its end. Everything else it is told through the environment.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator

from benchmarks import visits  # noqa: F401  # for its verbs
from benchmarks.verbs import VERBS, verb


@verb
def seed(readers: str, languages: str, size: str, choosing: str = "") -> Generator:
    """`languages`: 1, or more for all orders of languages of our crowd; `size`: octets of a mail's words; `choosing`:
    "choosing" for readers who made use of their preferences."""
    from benchmarks import crowd

    orders = crowd.ORDERS if int(languages) > 1 else ("en",)
    codes = tuple(dict.fromkeys(order.split()[0] for order in orders))
    yield
    crowd.readers(int(readers), *orders, choosing=choosing == "choosing")
    crowd.issue(codes, size=int(size))
    return {}


@verb
def frozen(readers: str, languages: str, size: str) -> Generator:
    """The same, with its deliveries created and nothing sent."""
    yield from seed(readers, languages, size)
    return _freeze()


@verb
def freeze() -> Generator:
    _warm()
    yield
    return _freeze()


def _freeze() -> dict:
    from benchmarks.visiting import Statements
    from newsletter import enqueue
    from newsletter.models import Delivery, Rendition

    issue = _send()
    watch = Statements(f"INSERT INTO {Delivery._meta.db_table} ")
    start = time.monotonic()
    with watch:
        enqueue.freeze_due(issue.pk)
    seconds = time.monotonic() - start
    return {
        "seconds": seconds,
        "insert_seconds": watch.seconds,
        "deliveries": Delivery.objects.count(),
        "renditions": Rendition.objects.count(),
    }


def _send():
    """Press the button; the issue."""
    from newsletter import enqueue
    from newsletter.models import Edition, Issue

    issue = Issue.objects.get()
    wanted = issue.editions.filter(state=Edition.State.READY).values_list("language", flat=True)
    enqueue.send(issue, list(wanted), by=None)
    return issue


@verb
def press() -> Generator:
    """Send: a worker does the rest where there is a broker, else this process does, until the first letters are out."""
    from django.conf import settings

    from newsletter import enqueue, sending
    from newsletter.models import Edition

    _warm()
    if not settings.BROKER_IS_EMBEDDED:
        _wait_for_workers()
    yield
    issue = _send()
    if settings.BROKER_IS_EMBEDDED:
        enqueue.freeze_due(issue.pk)
        for edition in Edition.objects.filter(state=Edition.State.SENDING)[:1]:
            sending.send_edition(edition.pk, seconds=0)
    return {}


def _wait_for_workers() -> None:
    """Until a worker answers and, as the beat has it do, has reconciled: its parts are loaded then."""
    from celery import current_app

    from picum.doorbell import ring

    deadline = time.monotonic() + 60
    while not current_app.control.ping(timeout=1):
        if time.monotonic() > deadline:
            raise TimeoutError("No worker answers.")
    ring("newsletter.reconcile", times=4)
    time.sleep(3)


@verb
def send() -> Generator:
    """One worker: runs over the edition until nothing is left for it."""
    from newsletter import sending
    from newsletter.models import Edition

    _warm()
    _letter()
    edition = Edition.objects.get(state=Edition.State.SENDING)
    transport = sending.chosen_transport()
    yield
    total: dict[str, int] = {}
    while tally := sending.send_edition(edition.pk, transport=transport):
        for verdict, number in tally.items():
            total[verdict] = total.get(verdict, 0) + number
    return {"tally": total}


@verb
def send_calls() -> Generator:
    """The same through a provider's API, whose parts are loaded before."""
    from newsletter.transports import provider  # noqa: F401  # imported for its time

    return (yield from send())


@verb
def count_statements() -> Generator:
    """The same, and how many statements of the database it took, without BEGIN and COMMIT."""
    from benchmarks.visiting import Statements

    watch = Statements()
    steps = send()
    next(steps)
    yield
    with watch:
        answer = yield from steps
    return answer | {"statements": watch.count}


@verb
def readers() -> Generator:
    from newsletter.models import Subscriber

    yield
    return {"subscribed": Subscriber.objects.subscribed().count()}


@verb
def accept_all() -> Generator:
    """As if the relay had taken every letter."""
    from newsletter.models import Delivery

    yield
    return {"accepted": Delivery.objects.update(state=Delivery.State.ACCEPTED, worker="", lease_until=None)}


@verb
def leave(port: str, steady: str, seconds: str) -> Generator:
    """Readers leave by one-click POSTs while workers send: none at first, then `steady` of them a second, then as many
    as can be; each for so many seconds. Letters a second, and how quickly the POSTs were answered."""
    from urllib.parse import urlsplit

    from django.conf import settings

    from benchmarks import clicks
    from newsletter.models import Consent, Subscriber

    paths = iter(list(_ways_out()))
    asked = {"port": int(port), "paths": paths, "host": urlsplit(settings.SITE_URL).hostname, "seconds": float(seconds)}
    warm = clicks.press(**asked | {"seconds": 1}, connections=8)
    yield
    while not _accepted():
        time.sleep(0.1)
    alone, _none = _letters_while(lambda: time.sleep(float(seconds)))
    steadily, some = _letters_while(lambda: clicks.press(**asked, connections=32, each=1 / int(steady)))
    quickly, many = _letters_while(lambda: clicks.press(**asked, connections=8))
    posts = sum(len(pressed.waits) for pressed in (warm, some, many))
    left = Subscriber.objects.filter(state=Subscriber.State.UNSUBSCRIBED).count()
    written = Consent.objects.filter(kind=Consent.Kind.WITHDRAWN).count()
    if not posts == left == written:
        raise RuntimeError(f"{posts} readers were to leave: {left} have, {written} in the ledger of consents.")
    return {
        "alone_sent": alone, "steady_sent": steadily, "most_sent": quickly, "steady": some.figures(),
        "most": many.figures(),
    }  # fmt: skip


def _ways_out() -> Iterator[str]:
    """The paths of the readers' own links; who is served last comes first."""
    from django.urls import reverse

    from newsletter.models import Subscriber
    from picum import links

    for handle in Subscriber.objects.order_by("-pk").values_list("handle", flat=True)[:30_000]:
        yield reverse("newsletter:leave", args=[links.sign(handle, purpose="reader")])


def _accepted() -> int:
    from newsletter.models import Delivery

    return Delivery.objects.filter(edition__state="sending", state=Delivery.State.ACCEPTED).count()


def _letters_while(deed: Callable[[], object]) -> tuple[float, object]:
    """Letters a second that the relay took meanwhile, and what the deed came to."""
    before, start = _accepted(), time.monotonic()
    done = deed()
    rate = (_accepted() - before) / (time.monotonic() - start)
    if not rate:
        raise RuntimeError("All letters were gone before the end.")
    return rate, done


@verb
def receive(source: str, number: str, together: str, part: str, parts: str) -> Generator:
    """Hand this process' part of the posts to the application."""
    from urllib.parse import urlsplit

    from django.conf import settings

    from benchmarks import posts

    bodies = list(posts.bodies(source, int(number), int(together)))[int(part) :: int(parts)]
    told = {"secret": settings.ANYMAIL["WEBHOOK_SECRET"], "host": urlsplit(settings.SITE_URL).hostname}
    posts.post(source, bodies[:1], **told)
    yield
    return {"posts": posts.post(source, bodies[1:], **told)}


@verb
def read_posts() -> Generator:
    """One worker: reads what waits, until nothing does."""
    from newsletter import posts

    _warm()
    yield
    counts = posts.read_waiting(seconds=600)
    new = sum(number for name, number in counts.items() if name not in {"posts", "repeated", "foreign", "unreadable"})
    return {"told": new, "counts": counts}


@verb
def wire() -> Generator:
    """Octets of one letter as the relay gets it, and how many deliveries are in which state."""
    from django.db.models import Count

    from newsletter.models import Delivery

    yield
    states = dict(Delivery.objects.order_by().values_list("state").annotate(number=Count("pk")))
    return {"octets": len(_letter()), "states": states}


@verb
def words() -> Generator:
    """The frozen words of the only rendition."""
    from newsletter.models import Rendition

    yield
    return Rendition.objects.values("subject", "html", "text", "marker").get()


def _letter() -> bytes:
    """One letter as the relay gets it."""
    from newsletter.mime import Letter, Pressing
    from newsletter.models import Delivery

    row = Delivery.objects.select_related("subscriber", "rendition__edition__issue").order_by("pk").last()
    frozen, reader = row.rendition, row.subscriber
    pressing = Pressing(
        language=frozen.edition.language,
        label=frozen.edition.issue.slug,
        subject=frozen.subject,
        html=frozen.html,
        text=frozen.text,
        marker=frozen.marker,
    )
    return pressing.data(Letter(row.pk, 1, reader.address, reader.handle, pressing), eight_bit=True)


def _warm() -> None:
    """What a worker that has run for a while has behind it: imports and a connection."""
    from django.db import connection

    from newsletter import enqueue, reconcile, sending  # noqa: F401  # imported for its time

    connection.ensure_connection()


def _say(**words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "picum.settings"
    import django

    django.setup()
    name, *arguments = sys.argv[1:]
    steps = VERBS[name](*arguments)
    next(steps)
    _say(ready=name)
    sys.stdin.readline()
    try:
        next(steps)
    except StopIteration as end:
        _say(**(end.value or {}), ended=time.monotonic())


if __name__ == "__main__":
    main()
