"""Remarks at a text: translators and editors talk, and settle what they talked about."""

import pytest

from newsletter.models import Remark, Text
from picum.accounts.models import AuditEntry
from tests.newsletter.desk import at_the_desk, boris
from tests.newsletter.translation.sheets import address, an_item, ines

pytestmark = pytest.mark.django_db


@pytest.fixture
def item():
    return an_item()


def write(client, item, words, language="pt"):
    return client.post(address(item, language, "translate_remark"), {"words": words})


def settle(client, item, number, language="pt"):
    return client.post(address(item, language, "translate_remark"), {"settle": number})


def test_a_remark_stands_at_its_text_and_in_the_trail(item):
    answer = write(at_the_desk(ines()), item, "  Is it the court\r\nof Rome?  ")
    assert answer["Location"] == address(item) + "#remarks"
    remark = Remark.objects.get()
    assert (remark.words, remark.by_label, remark.text.language, remark.settled_at) == (
        "Is it the court\nof Rome?",
        "Ines",
        "pt",
        None,
    )
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.data, entry.actor.name) == ("text.remark", {}, "Ines")


def test_an_editor_reads_it_and_settles_it_once(item):
    write(at_the_desk(ines()), item, "<b>Which</b> court?")
    desk, remark = at_the_desk(boris()), Remark.objects.get()
    assert "&lt;b&gt;Which&lt;/b&gt; court?" in desk.get(address(item)).content.decode()
    for _twice in range(2):
        settle(desk, item, remark.pk)
    remark.refresh_from_db()
    assert remark.settled_at is not None
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "text.remark",
        "text.remark_settled",
    ]


def test_saying_nothing_writes_nothing(item):
    write(at_the_desk(ines()), item, " \n ")
    assert (Remark.objects.count(), AuditEntry.objects.count()) == (0, 0)


def test_what_is_too_long_is_cut(item):
    write(at_the_desk(ines()), item, "x" * 3000)
    assert len(Remark.objects.get().words) == 2000


def test_a_remark_in_another_language_is_out_of_reach(item):
    desk = at_the_desk(ines())
    write(at_the_desk(boris()), item, "For the Spaniards", "es")
    remark = Remark.objects.get()
    assert write(desk, item, "Mine", "es").status_code == 404
    assert settle(desk, item, remark.pk, "es").status_code == 404
    assert settle(desk, item, remark.pk, "pt").status_code == 404
    assert [settle(desk, item, odd).status_code for odd in ("x", "²", "")] == [404, 404, 404]
    remark.refresh_from_db()
    assert (remark.settled_at, Remark.objects.count()) == (None, 1)
    assert "Spaniards" not in desk.get(address(item)).content.decode()


def test_looking_makes_nothing(item):
    assert at_the_desk(ines()).get(address(item, name="translate_remark")).status_code == 405
    assert Text.objects.count() == 0
