"""Pages for when something is wrong: they stand without a database, a session, or any context."""

import pytest
from django.core.exceptions import BadRequest, PermissionDenied
from django.test import Client
from django.urls import path

from picum.urls import urlpatterns as site
from tests.html import Page


def refuse(request):
    raise PermissionDenied


def misunderstand(request):
    raise BadRequest("that")


def fail(request):
    raise ZeroDivisionError("a secret")


urlpatterns = [
    path("refused/", refuse),
    path("misunderstood/", misunderstand),
    path("failed/", fail),
    *site,
]


def test_an_address_that_does_not_exist_is_said_so_in_its_language(client):
    response = client.get("/fr/nix/")
    page = Page(response)
    assert response.status_code == 404
    assert page.one("html")["lang"] == "fr"
    assert page.one("a", class_="button")["href"] == "/fr/"


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/refused/", 403, "This page is not open to you"),
        ("/misunderstood/", 400, "We did not understand this request"),
        ("/failed/", 500, "Something went wrong on our side"),
        ("/nix/", 404, "There is no such page"),
    ],
)
def test_each_kind_of_fault_has_its_page(settings, address, status, words):
    settings.ROOT_URLCONF = __name__
    response = Client(raise_request_exception=False).get(address)
    page = Page(response)
    assert (response.status_code, page.one("h1").words) == (status, words)
    assert "secret" not in response.content.decode()
    assert page.one("a", class_="button")["href"] == "/en/"
    assert not response.cookies
