"""Nobody who reads us is watched: every page for the public, and every mail, is looked through."""

import base64
import datetime
import json
import logging
import re
import uuid
from xml.etree import ElementTree

import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import Client
from django.urls import Resolver404, URLPattern, get_resolver, resolve, reverse
from django.utils import timezone
from django.utils.translation import override

from members import shelf, steps
from members.models import Application, Referee, Shown
from newsletter import mails, my_data, rendering, signing_up, subscriptions, wordings
from newsletter.mime import Letter, Pressing
from newsletter.models import Move, SignUp
from picum import links
from picum.stranger import stamp
from tests.html import Page
from tests.members import applicants
from tests.members.applicants import statutes
from tests.members.factories import make_code, make_member
from tests.newsletter.factories import contents, make_issue, make_item, make_subscriber, make_texts
from tests.watching import OWN_PAGE, in_headers, in_links, in_page, is_elsewhere

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _name in django_settings.LANGUAGES]
# Where no reader comes.
NOT_PUBLIC = {
    "en/desk/": "behind a login",
    "en/sign-in/": "for members; its form has a cookie of its own: tests/accounts",
    "en/sign-out/": "for members",
    "en/my/": "for members, behind signing in, or an invitation's link: tests/members",
    "mailbox/": "only on a developer's machine: MAILBOX_ENABLED",
    "hooks/": "where providers post; what is answered has no content",
}
FILES = {"image/png", "application/pdf"}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
SOURCE = "https://news.example/a/story?id=7&lang=it"
WRITTEN = "https://court.example/ruling"
NAMED = [SOURCE, WRITTEN]


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@pytest.fixture
def issue():
    """Published in all languages, with all that editors can write that leads elsewhere."""
    words = (
        f'<p>Read <a href="{WRITTEN}">the ruling</a>, or write to <a href="mailto:a@court.example">the court</a>.</p>'
    )
    issue = make_issue("october", items=2)
    source = {"outlet": "Il Faro", "title": "Titolo", "url": SOURCE, "language": "it"}
    make_item(issue, **{code: (f"An item ({code})", words) for code in LANGUAGES}, sources=[source], bodies=["cjeu"])
    for code in LANGUAGES:
        make_texts(issue, code, subject="Subject", message=words, donation=words)
    issue.editions.update(published_at=timezone.now() - datetime.timedelta(days=1))
    return issue


def make_sign_up(address="carla@example.org"):
    signing_up.request(
        address, languages=["en"], how="form", wording=wordings.current("en"), network="", now=timezone.now()
    )
    return SignUp.objects.filter(address=address).get()


# --- pages ------------------------------------------------------------------------------------------------------------


class Visit:
    """Somebody goes through every page in one language, with all links that they were ever mailed."""

    def __init__(self, language, issue):
        self.language, self.issue, self.client = language, issue, Client(enforce_csrf_checks=True)
        self.amal = make_subscriber("amal@example.org", "pt es en", areas="advocacy")
        self.handles = {self.amal.handle}

    def get(self, name, *arguments, **data):
        return self.client.get(self._path(name, arguments), data)

    def post(self, name, *arguments, **data):
        with time_machine.travel(timezone.now() + datetime.timedelta(seconds=10)):  # a form takes its time
            return self.client.post(self._path(name, arguments), data)

    def _path(self, name, arguments):
        with override(self.language):
            return reverse(f"newsletter:{name}" if ":" not in name else name, args=arguments)

    def pages(self):
        """Each answer, by what was done."""
        yield from self.for_everybody()
        yield from self.sign_up()
        yield from self.choose()
        yield from self.move()
        yield from self.leave()
        yield from self.see_and_erase()
        yield from self.members()
        yield from self.apply()

    def for_everybody(self):
        yield "start", self.client.get("/")
        yield "home", self.get("pages:home")
        yield "privacy", self.get("pages:privacy")
        yield "archive", self.get("archive")
        yield "edition", self.get("edition", self.issue.slug)
        yield "item", self.get("item", self.issue.items.last().pk)
        yield "feed", self.get("feed")
        yield "feed of an area", self.get("area_feed", "advocacy")
        yield "no such page", self.client.get(f"/{self.language}/no/such/page/")
        yield "no such issue", self.get("edition", "no-such-issue")

    def sign_up(self):
        typed = {"address": "boris@example.org", "wording": wordings.digest(self.language)}
        for name in ("sign_up", "embed"):
            yield name, self.get(name)
            yield f"{name}, filled in wrongly", self.post(name, address="boris")
            yield f"{name}, done", self.post(name, stamp=stamp(timezone.now()), **typed)
        wish, now = make_sign_up(), timezone.now()
        self.handles.add(wish.handle)
        token = links.sign_until(wish.handle, purpose="confirm", until=now + my_data.VALID)
        expired = links.sign_until(wish.handle, purpose="confirm", until=now - my_data.VALID)
        yield "confirm", self.get("confirm", token)
        yield "confirm, expired", self.get("confirm", expired)
        yield "confirm, renewed", self.post("confirm", expired, renew="yes")
        carla = self.post("confirm", token, confirm="yes")
        self.handles.add(subscriptions.Subscriber.objects.get(address="carla@example.org").handle)
        yield "confirmed", carla
        yield "confirmed before", self.get("confirm", token)
        yield "link", self.get("link")
        yield "link, done", self.post("link", stamp=stamp(timezone.now()), address="amal@example.org")

    def choose(self):
        token = subscriptions.token_for(self.amal)
        yield "preferences", self.get("preferences", token)
        later = timezone.localdate() + datetime.timedelta(days=40)
        for part in (
            {"languages": ["pt", "es", "en"], "press": "up:es"},
            {"languages": ["pt"], "press": "nonsense"},
            {"part": "wishes", "areas": ["advocacy"], "late": "fallback"},
            {"part": "pause", "until": later.isoformat()},
            {"part": "pause", "until": "nonsense"},
            {"part": "resume"},
            {"part": "data"},
            {"part": "move", "address": "nonsense"},
            {"part": "move", "address": "amal@example.net"},
        ):
            yield f"preferences, {part}", self.post("preferences", token, **part)

    def move(self):
        wish, until = Move.objects.get(), timezone.now() + my_data.VALID
        self.handles |= {wish.old_handle, wish.new_handle}
        old, new = (links.sign_until(one, purpose="move", until=until) for one in (wish.old_handle, wish.new_handle))
        yield "move, to the old address", self.get("move", old)
        yield "move, to the new address", self.get("move", new)
        yield "move, half", self.post("move", new)
        yield "move, whole", self.post("move", old)
        before = timezone.now() - my_data.VALID
        yield "move, expired", self.get("move", links.sign_until(wish.old_handle, purpose="move", until=before))

    def leave(self):
        token = subscriptions.token_for(self.amal)
        for path in (self._path("leave", [token]), self._path("leave", [token]).rstrip("/")):
            yield f"leave {path}", self.client.get(path)
        yield "goodbye", self.client.post(self._path("leave", [token]), {"List-Unsubscribe": "One-Click"})
        yield "left", self.get("leave", token)
        self.amal.refresh_from_db()
        undo = subscriptions.undo_token_for(self.amal, now=timezone.now())
        yield "undo", self.get("undo", undo)
        yield "undone", self.post("undo", undo)
        yield "a false link", self.get("leave", "nonsense")

    def see_and_erase(self):
        token = my_data.token_for(self.amal, now=timezone.now())
        expired = my_data.token_for(self.amal, now=timezone.now() - 2 * my_data.VALID)
        yield "my data", self.get("data", token)
        yield "my data, as a file", self.get("data_json", token)
        yield "my data, expired", self.get("data", expired)
        yield "erase", self.get("erase", token)
        yield "erased", self.post("erase", token)
        yield "nothing left", self.get("data", token)

    def members(self):
        logo = shelf.keep(PIXEL, "image/png")
        member = make_member(
            "Rua Aberta",
            shown=list(Shown.values),
            open_data=True,
            logo=logo,
            logo_width=1,
            logo_height=1,
            areas=["advocacy"],
        )
        self.handles.add(member.handle)
        yield "directory", self.get("members:directory")
        yield "directory, narrowed", self.get("members:directory", country="PT", q="rua")
        yield "member", self.get("members:member", member.slug)
        yield "logo", self.get("members:logo", logo)
        yield "list.csv", self.get("members:list_csv")
        yield "list.json", self.get("members:list_json")

    def apply(self):
        make_code()
        yield "apply", self.get("members:apply")
        typed = {"category": "affiliated", "address": "boris@example.org"}
        yield "apply, filled in wrongly", self.post("members:apply", address="boris")
        yield "apply, done", self.post("members:apply", stamp=stamp(timezone.now()), **typed)
        draft = applicants.make_draft(language=self.language, now=timezone.now())
        self.handles.add(draft.handle)
        token = links.sign(draft.handle, purpose="application")
        yield "application", self.get("members:application", token)
        for step in steps.of(draft):
            yield f"step {step.key}", self.get("members:application_step", token, step.key)
        posted = self.client.post(self._path("members:application_step", [token, "papers"]), {"statutes": statutes()})
        yield "step papers, done", posted
        (paper,) = draft.papers.all()
        yield "paper", self.get("members:application_paper", token, paper.handle)
        yield "paper, removed", self.post("members:application_remove_paper", token, paper.handle)
        yield "look through", self.get("members:application_send", token)
        yield "withdraw", self.get("members:application_withdraw", token)
        referee = Referee.objects.create(application=draft, name="Rui", email="rui@example.org")
        Application.objects.filter(pk=draft.pk).update(state="submitted", submitted_at=timezone.now(), name="Casa")
        self.handles.add(referee.handle)
        yield "referee", self.get("members:referee", links.sign(referee.handle, purpose="referee"))
        yield "application, sent", self.get("members:application", token)


def public_routes(patterns=None, before=""):
    """Every address pattern that the public may reach."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            if not route.startswith(tuple(NOT_PUBLIC)):
                yield route
        else:
            yield from public_routes(pattern.url_patterns, route)


def faults_of(response, handles):
    """What is wrong with an answer, whatever it is."""
    kind = response.get("Content-Type", "").partition(";")[0]
    text = response.getvalue().decode("latin-1" if kind in FILES else "utf-8")
    faults = in_headers(list(response.items())) + [f"cookie {name}" for name in response.cookies]
    faults += in_links(text, whose=handles)
    match kind:
        case "text/html":
            return faults + in_page(text, named=NAMED) + policy_of(response)
        case "application/atom+xml":
            return faults + in_feed(text)
        case "text/csv" | "image/png" | "application/pdf":
            for close in response._resource_closers:  # of a file
                close()
            return faults
        case "application/json":
            json.loads(text)
            return faults
    return faults if response.status_code == 302 else [*faults, f"nobody has looked through {kind}"]


def policy_of(response):
    """What else the browser would be allowed to ask."""
    said = response["Content-Security-Policy"]
    rules = {name: values for name, *values in (rule.split() for rule in said.split(";"))}
    frames = rules.pop("frame-ancestors")
    allowed = {"'none'", "'self'", "data:"}
    foreign = [value for values in rules.values() for value in values if value not in allowed and "nonce" not in value]
    return [f"policy: {value}" for value in foreign] + ([] if frames in (["'none'"], ["*"]) else [f"frames: {frames}"])


def in_feed(xml):
    faults = []
    for element in ElementTree.fromstring(xml).iter():  # noqa: S314  # our own
        addresses = [value for name, value in element.attrib.items() if name in {"href", "src", "uri"}]
        faults += [f"the feed names {url}" for url in addresses if is_elsewhere(url)]
        if element.get("type") == "html":
            faults += in_page(element.text, named=NAMED, mail=True)
    return faults


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_public_page_watches_its_reader(issue, language):
    visit, found, routes, fetched = Visit(language, issue), {}, set(), set()
    for what, response in visit.pages():
        assert response.status_code in {200, 302, 400, 404, 410}, what
        if faults := faults_of(response, visit.handles):
            found[what] = faults
        routes.add(route_of(response, language))
        if response["Content-Type"].startswith("text/html"):
            page = Page(response)
            fetched |= {tag["href"] for tag in page.all("link") if tag["rel"] in {"stylesheet", "icon"}}
            fetched |= {tag["src"] for tag in page.all("script") if tag["src"]}
    assert found == {}
    # A new page must be visited above, or have its reason in NOT_PUBLIC.
    with override("en"):
        assert sorted(set(public_routes()) - routes) == []
    assert len(fetched) >= 2
    assert [url for url in fetched if elsewhere_in_file(url)] == []


def route_of(response, language):
    """The pattern of the page's address, under the name that `public_routes` gives it."""
    try:
        with override(language):
            return resolve(response.wsgi_request.path_info).route.replace(f"{language}/", "en/", 1)
    except Resolver404:
        return None


def elsewhere_in_file(url):
    """What a style or a picture of ours would fetch in its turn. The names of XML's vocabularies are no addresses."""
    path = finders.find(url.removeprefix(django_settings.STATIC_URL))
    with open(path, encoding="utf-8") as file:
        text = file.read().replace("http://www.w3.org/", "")
    return re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}|@import|url\(", text)


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_no_page_of_an_error_watches_its_reader(name):
    assert in_page(render_to_string(name)) == []


def test_where_readers_do_not_come_there_is_nothing_for_them(settings):
    settings.MAILBOX_ENABLED = False
    anybody = Client()
    assert anybody.get("/mailbox/").status_code == 404
    assert anybody.get("/en/desk/").headers["Location"].startswith("/en/desk/login/")
    hook = anybody.get("/hooks/brevo/")
    assert (hook.status_code, hook.cookies) == (404, {})


@pytest.mark.parametrize("name", ["django", "django.server", "django.request", "newsletter"])
def test_no_token_gets_into_a_log_past_the_filter(name):
    """Each line goes up to the console's handler, which takes tokens out."""
    logger = logging.getLogger(name)
    assert (logger.propagate, logger.handlers) == (True, [])
    (console,) = django_settings.LOGGING["handlers"].values()
    assert console["filters"] == ["tokens"]


# --- mails ------------------------------------------------------------------------------------------------------------


def letter_to(reader, issue, language, number):
    """The edition as this reader gets it."""
    composition = rendering.compose(issue, language, reader.languages.split())
    words = rendering.render_mail(composition, token="marker")
    pressing = Pressing(
        language=language, label=issue.slug, subject=words.subject, html=words.html, text=words.text, marker="marker"
    )
    return pressing.email(Letter(number, 1, reader.address, reader.handle, pressing))


def parts_of(message):
    """Text, html and headers."""
    ((html, _kind),) = message.alternatives
    return message.body, html, list(message.message().items())


def faults_of_mail(message, handles):
    text, html, headers = parts_of(message)
    faults = in_page(html, named=NAMED, mail=True) + in_headers(headers)
    for part in (text, html, str(headers)):
        faults += in_links(part, whose=handles)
    here = [url for url in re.findall(r"https?://[^\s<>\"']+", text) if not is_elsewhere(url)]
    faults += [f"more than an address: {url}" for url in here if "?" in url]
    written = [url for url in re.findall(r"https?://[^\s<>\"']+", text) if is_elsewhere(url) and url not in NAMED]
    return faults + [f"nobody wrote {url}" for url in written]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_newsletter_watches_its_reader(issue, language):
    """Two readers' mails are the same, but for the links of their preferences and of leaving."""
    amal, boris = make_subscriber("amal@example.org"), make_subscriber("boris@example.org")
    mine, theirs = (letter_to(one, contents(issue), language, number) for number, one in enumerate((amal, boris), 1))
    assert faults_of_mail(mine, {amal.handle}) == []
    pages = {page for part in parts_of(mine)[:2] for page, _token in OWN_PAGE.findall(part)}
    assert pages == {"leave", "preferences"}
    tokens = {subscriptions.token_for(amal): "mine", subscriptions.token_for(boris): "mine"}
    for hers, his in zip(parts_of(mine)[:2], parts_of(theirs)[:2], strict=True):
        for token, word in tokens.items():
            hers, his = hers.replace(token, word), his.replace(token, word)
        assert hers == his
    differing = {
        name
        for (name, hers), (_name, his) in zip(parts_of(mine)[2], parts_of(theirs)[2], strict=True)
        if hers != his and name != "Content-Type"
    }
    assert differing == {"To", "Message-ID", "List-Unsubscribe"}


def system_mails(language, reader):
    """Every mail to a single person, as `newsletter.mails` makes it."""
    wish, until = SignUp(address=reader.address, languages=language), timezone.now() + my_data.VALID
    move = Move(address="amal@example.net", created_at=timezone.now())
    to = {"to": reader.address, "language": language, "number": 7}
    handles = {reader.handle, wish.handle, move.old_handle, move.new_handle}
    return handles, {
        "confirm": mails.confirm(wish, number=7, until=until),
        "already": mails.already(reader, number=7, language=language),
        "link": mails.link(reader, number=7, language=language, now=timezone.now()),
        "move_old": mails.move_old(move, **to),
        "move_new": mails.move_new(move, **to),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_mail_to_a_single_person_watches_them(language):
    handles, messages = system_mails(language, make_subscriber("amal@example.org", language))
    assert {name: faults for name, message in messages.items() if (faults := faults_of_mail(message, handles))} == {}


def test_every_mail_that_there_is_was_looked_through():
    """A new template of a mail must be rendered above."""
    from pathlib import Path

    folder = Path(django_settings.BASE_DIR) / "templates" / "newsletter"  # the others: tests/letters, tests/members
    subjects = {path.name.removesuffix(".subject.txt") for path in folder.rglob("mail/*.subject.txt")}
    _handles, messages = system_mails("en", make_subscriber())
    assert subjects == set(messages)
    assert sorted(path.name for path in folder.rglob("mail/*.html") if not path.name.startswith("_")) == sorted(
        [*(f"{name}.html" for name in messages), "circular.html", "edition.html", "index.html", "system_base.html"]
    )


# --- the test of the test ---------------------------------------------------------------------------------------------

WATCHING = {
    "a pixel": '<img src="https://pixel.example/1.gif" width="1" height="1">',
    "a pixel of our own": '<img src="/static/1.gif" alt="">',
    "a pixel in words": '<picture><source srcset="/1.avif"></picture>',
    "a style of somebody else": '<link rel="stylesheet" href="//fonts.example/css">',
    "a font in a style": "<style>@font-face { src: url(https://fonts.example/a.woff2) }</style>",
    "an import in a style": '<style>@import "https://fonts.example/css";</style>',
    "a background": '<p style="background: url(//pixel.example/1.gif)">Hello</p>',
    "an old background": '<table background="https://pixel.example/1.gif"></table>',
    "a name to be looked up": '<link rel="dns-prefetch" href="https://cdn.example">',
    "an alternate elsewhere": '<link rel="alternate" href="https://cdn.example">',
    "a script": '<script src="https://stats.example/a.js"></script>',
    "a script in the page": "<script>count()</script>",
    "a script in an attribute": '<p onmouseover="count()">Hello</p>',
    "a link that runs": '<a href="javascript:count()">Hello</a>',
    "a frame": '<iframe src="/en/"></iframe>',
    "a form elsewhere": '<form action="https://lists.example/subscribe"></form>',
    "a button elsewhere": '<button formaction="https://lists.example/subscribe">Go</button>',
    "a ping": f'<a href="{SOURCE}" ping="https://stats.example/">Source</a>',
    "another base": '<base href="https://stats.example/">',
    "going on by itself": '<meta http-equiv="refresh" content="0; url=https://stats.example/">',
    "a way round": '<a href="https://stats.example/r?to=https%3A%2F%2Fnews.example">Source</a>',
    "a link with a campaign": f'<a href="{SOURCE}&amp;utm_source=newsletter">Source</a>',
    "our own link with a campaign": '<a href="/en/newsletter/october/?utm_source=mail">More</a>',
    "a token by itself": f"<p>{links.sign(uuid.UUID(int=7), purpose='reader')}</p>",
    "a token in another page": "<a href='/en/newsletter/october/AAAAAAAAAAAAAAAAAAAAAA.{}/'>More</a>".format("A" * 43),
    "a video": '<video src="/a.mp4"></video>',
    "a drawing's picture": '<svg><image href="https://pixel.example/1.png"></image></svg>',
}  # fmt: skip


@pytest.mark.parametrize("html", WATCHING.values(), ids=WATCHING)
def test_what_watches_is_found(html):
    assert in_page(html, named=NAMED) != []


HARMLESS = {
    "a source": f'<a href="{SOURCE.replace("&", "&amp;")}" lang="it">Il Faro</a>',
    "a style of our own": '<link rel="stylesheet" href="/static/css/site.css">',
    "a page in another language": f'<link rel="alternate" hreflang="de" href="{django_settings.SITE_URL}/de/">',
    "a reader's own page": f'<a href="{django_settings.SITE_URL}/en/newsletter/leave/{"A" * 22}.{"A" * 43}/">Leave</a>',
    "a telephone": '<a href="tel:+3222741439">Call</a>',
    "a style in the page": "<style>p { color: red }</style>",
}


@pytest.mark.parametrize("html", HARMLESS.values(), ids=HARMLESS)
def test_what_does_not_watch_passes(html):
    assert in_page(html, named=NAMED) == []


def test_in_a_mail_nothing_is_fetched_at_all():
    assert in_page(HARMLESS["a style of our own"], mail=True) != []


def test_a_pixel_in_a_page_or_a_mail_is_found(client, issue, settings):
    """As an editor's text that somebody let through, a cookie that somebody set, a header that asks for a receipt."""
    amal = make_subscriber()
    message = letter_to(amal, contents(issue), "en", 1)
    html = message.alternatives[0][0].replace("</body>", '<img src="https://pixel.example/amal.gif"></body>')
    message.alternatives.clear()
    message.attach_alternative(html, "text/html")
    message.extra_headers["Disposition-Notification-To"] = "stats@picum.example"
    (pixel, receipt) = faults_of_mail(message, {amal.handle})
    assert pixel == "never: <img src='https://pixel.example/amal.gif'>"
    assert receipt == "Disposition-Notification-To: stats@picum.example"
    response = client.get("/en/")
    response.set_cookie("visitor", "7")
    response["Link"] = "<https://cdn.example/a.css>; rel=preload"
    assert faults_of(response, ()) == ["Link names https://cdn.example/a.css", "cookie visitor"]


def test_a_link_of_somebody_else_is_found(issue):
    amal, boris = make_subscriber("amal@example.org"), make_subscriber("boris@example.org")
    message = letter_to(amal, contents(issue), "en", 1)
    assert faults_of_mail(message, {boris.handle})[0] == f"a link of somebody else: preferences {amal.handle}"
