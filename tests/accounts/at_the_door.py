"""People in front of the page for signing in, and the letters that they get from it."""

import re

from django.core import mail
from django.test import Client
from django.utils import timezone

from picum.accounts.models import User
from picum.letters import post
from tests.html import Page

PASSWORD = "correct horse battery"
SIGN_IN = "/en/sign-in/"
MY = "/en/my/"


def somebody(email="amal@example.org", **fields) -> User:
    return User.objects.create_user(email, PASSWORD, name=email.partition("@")[0].title(), **fields)


def signs_in(client: Client, address="amal@example.org", password=PASSWORD, **more):
    return client.post(SIGN_IN, {"address": address, "password": password, **more})


def asks_for_link(client: Client, address="amal@example.org", **more):
    return client.post(SIGN_IN, {"address": address, "password": "", "link": "yes", **more})


def is_in(client: Client) -> str:
    """The address of who is signed in; "" for nobody."""
    answer = client.get(MY)
    return answer.wsgi_request.user.email if answer.status_code == 200 else ""


def links_mailed(*, now=None) -> list[str]:
    """The paths that the letters which are due carry, of our own pages; they are sent now."""
    mail.outbox.clear()
    post.dispatch(now=now or timezone.now())
    return [path for message in mail.outbox for path in re.findall(r"https?://[^/\s]+(/[^\s>]+)", message.body)]


def told(response) -> list[str]:
    """What a page says is wrong."""
    page = Page(response)
    return [tag.words for tag in page.tags if tag["class"] in {"notice wrong", "errorlist"} and tag.words]
