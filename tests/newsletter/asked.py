"""What people ask of us by a form, and the mails that go out for it, at a moment that tests choose."""

import datetime
import re
from collections import Counter

from django.conf import settings

from newsletter import outbox, signing_up, wordings
from newsletter.models import Consent, SignUp, Subscriber, Suppression, SystemMail
from picum import links
from tests.newsletter.factories import make_subscriber

NOW = datetime.datetime(2026, 11, 3, 12, 0, tzinfo=datetime.UTC)
HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
NETWORK = "192.0.2.0/24"


def asks(address="amal@example.org", languages=("en",), *, now=NOW, network="", **fields) -> None:
    """Somebody fills in the form of sign-up."""
    fields = {"how": Consent.How.FORM, "wording": wordings.current(languages[0])} | fields
    signing_up.request(address, languages=languages, network=network, now=now, **fields)


def asks_for_link(address="amal@example.org", *, language="en", now=NOW, network="") -> None:
    signing_up.ask_for_link(address, language=language, network=network, now=now)


def confirms(address="amal@example.org", *, now=NOW) -> Subscriber | None:
    """The newest sign-up of an address is confirmed."""
    return signing_up.confirm(SignUp.objects.filter(address=address).first().handle, now=now)


def sent(*, now=NOW) -> dict[tuple[str, str], int]:
    """What became of what was due: {("sent", ""): 1}."""
    return dict(outbox.dispatch(now=now))


def stop(subscriber: Subscriber, reason: str) -> None:
    Suppression.objects.create(address_key=subscriber.address_key, reason=reason)


def everybody() -> dict[str, str]:
    """One address for each thing that we may know of an address."""
    make_subscriber("reads@example.org")
    left = make_subscriber("left@example.org", state="unsubscribed")
    stop(left, Suppression.Reason.UNSUBSCRIBED)
    stop(make_subscriber("bounced@example.org"), Suppression.Reason.BOUNCED)
    stop(make_subscriber("stopped@example.org"), Suppression.Reason.STAFF)
    return {name: f"{name}@example.org" for name in ("new", "reads", "left", "bounced", "stopped")}


def own_links(text: str) -> list[str]:
    """The addresses of our site in a mail's text, in their order."""
    return re.findall(rf"<({re.escape(settings.SITE_URL)}[^>]*)>", text)


def opened(link: str, *, now=NOW) -> tuple[str, object]:
    """The page that a link leads to ("confirm", "leave" …), and the handle in its token."""
    *_path, page, token, _end = link.split("/")
    purpose = {"leave": "reader", "preferences": "reader"}.get(page, page)
    if purpose == "reader":
        return page, links.unsign(token, purpose=purpose)
    return page, links.unsign_until(token, purpose=purpose, now=now)


def ends() -> Counter:
    """How many mails are in which state, and why."""
    return Counter(SystemMail.objects.values_list("kind", "state", "why"))
