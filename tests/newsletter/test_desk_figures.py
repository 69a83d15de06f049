"""The numbers of an issue beside those before it, and the readers over time, as the desk shows them."""

import datetime
import re

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from newsletter import figures
from newsletter.models import AudienceCount, Issue, IssueTotal
from tests.html import Page
from tests.newsletter.desk import _staff, amal, at_the_desk, boris, carla, page
from tests.newsletter.factories import make_issue

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)
RETURNED = {"failed": 20, "accepted": 960, "skipped": 10, "unknown": 10, "bounced": 15}


@pytest.fixture
def desk():
    with time_machine.travel(NOON, tick=False):
        yield at_the_desk(carla())


def count(issue: Issue, **languages: dict) -> None:
    """Totals by language; what is not said arrived."""
    totals = {
        language: {"accepted": numbers["readers"] - sum(numbers.get(state, 0) for state in ("failed", "unknown"))}
        | numbers
        for language, numbers in languages.items()
    }
    figures.keep(issue, totals, now=NOON)


def make_past(number: int, **languages: dict) -> list[Issue]:
    """Issues of the months before October 2026, counted; oldest first."""
    issues = []
    for ago in range(number, 0, -1):
        period = datetime.date(2026 if ago < 10 else 2025, (9 - ago) % 12 + 1, 1)
        issues.append(Issue.objects.language("en").create(slug=f"{period:%Y-%m}", period=period))
        count(issues[-1], **languages)
    return issues


def cells(answer, name: str) -> list[tuple[int | None, str]]:
    rows = [*answer.context["rows"], answer.context["total"]]
    (row,) = (row for row in rows if row.name == name)
    return [(cell.number, cell.percent) for cell in row.cells]


def part(answer, key: str):
    (found,) = (part for part in answer.context["parts"] if part.key == key)
    return found


# --- an issue --------------------------------------------------------------------------------------------------------


def test_each_language_and_all_together_in_numbers_and_percent(desk):
    issue = make_issue()
    count(
        issue,
        en={"readers": 1000, "unsubscribed": 3, "complained": 1, "reasons": {"hard-bounce": 15, "4.2.2": 5}} | RETURNED,
        de={"readers": 200, "failed": 2, "reasons": {"hard-bounce": 1, "too-often": 1}},
    )
    answer = desk.get(page("issue_figures", issue.pk))
    assert answer.context["columns"] == ["Delivered", "Refused", "Left", "Complained", "Unknown", "Not sent"]
    assert cells(answer, "English") == [
        (960, "96.0%"), (20, "2.0%"), (3, "0.30%"), (1, "0.10%"), (10, "1.0%"), (10, "1.0%"),
    ]  # fmt: skip
    assert cells(answer, "German") == [(198, "99.0%"), (2, "1.0%"), (0, "0%"), (0, "0%"), (0, "0%"), (0, "0%")]
    assert cells(answer, "All languages")[:2] == [(1158, "96.5%"), (22, "1.8%")]
    words = Page(answer).words
    assert "Delivered to 1,158 of 1,200 readers: 96.5%." in words
    assert "As of 20 October 2026, 12:00 (Europe/Brussels)." in words
    assert "16The mailbox does not exist.6It was put off too often." in words
    assert "There is no issue before it yet" in words


def test_readers_of_the_page_learn_nothing_about_a_handful(desk):
    """Nine Portuguese readers, one of whom complained, and thirty Dutch ones, so that nobody can subtract."""
    issue = make_issue()
    few = {"readers": 9, "failed": 1, "unsubscribed": 1, "complained": 1}
    count(issue, en={"readers": 1000, "complained": 2}, nl={"readers": 30}, pt=few)
    answer = desk.get(page("issue_figures", issue.pk))
    assert cells(answer, "Portuguese")[:4] == [(8, "88.9%"), (1, "11.1%"), (None, ""), (None, "")]
    assert cells(answer, "Dutch")[2:4] == [(None, ""), (None, "")]
    assert cells(answer, "English")[2:4] == [(0, "0%"), (2, "0.20%")]
    assert cells(answer, "All languages")[2:4] == [(1, "0.10%"), (3, "0.29%")]
    words = Page(answer).words
    assert "told of 20 readers together at least" in words
    assert words.count("too few readers to say") == 4


def test_a_tiny_list_keeps_it_all_to_itself(desk):
    issue = make_issue()
    count(issue, en={"readers": 5, "complained": 1})
    answer = desk.get(page("issue_figures", issue.pk))
    assert cells(answer, "All languages")[2:4] == [(None, ""), (None, "")]


def test_small_multiples_show_it_against_the_twelve_before(desk):
    make_past(14, en={"readers": 1000, "failed": 10}, pt={"readers": 9, "failed": 9, "complained": 9})
    issue = make_issue()
    count(issue, en={"readers": 2000, "failed": 40}, pt={"readers": 50, "complained": 1})
    answer = desk.get(page("issue_figures", issue.pk))
    refused = part(answer, "failed")
    assert [(panel.name, panel.count) for panel in refused.panels] == [
        ("All languages", "40 of 2,050"),
        ("English", "40 of 2,000"),
        ("Portuguese", "0 of 50"),
    ]
    assert len(refused.lines) == 13
    assert refused.header == ["All languages", "English", "Portuguese"]
    assert refused.lines[0] == ("October 2026", ["2.0%", "2.0%", "0%"])
    assert refused.lines[-1] == ("October 2025", ["1.9%", "1.0%", "100%"])
    svg = refused.panels[1].svg
    assert '<title id="failed-en-title">English: refused, in percent of the readers</title>' in svg
    assert "This issue: 2.0%. 12 issues before it: 1.0% – 1.0%. Half of them are above 1.0%, half below.</desc>" in svg
    assert svg.count("plot-dot") == 12
    complained = part(answer, "complained")
    assert [panel.name for panel in complained.panels] == ["All languages", "Portuguese"]
    # Of nine nothing is told, nor of the others, for it could be subtracted from the sum.
    assert complained.lines[1] == ("September 2026", ["0.89%", "–", "–"])
    assert "100%" not in complained.panels[-1].svg


def test_what_happened_to_nobody_is_a_sentence_and_no_picture(desk):
    make_past(2, en={"readers": 100, "failed": 3}, de={"readers": 100})
    issue = make_issue()
    count(issue, en={"readers": 100}, de={"readers": 100})
    answer = desk.get(page("issue_figures", issue.pk))
    assert (part(answer, "unknown").panels, part(answer, "unknown").quiet) == ([], "Nobody, in all 3 issues.")
    assert (len(part(answer, "failed").panels), part(answer, "failed").nobody) == (2, ["German"])
    assert "Nobody in any of these issues: German." in Page(answer).words


def test_what_is_not_told_is_not_called_nobody(desk):
    make_past(2, en={"readers": 1000, "complained": 1}, de={"readers": 500}, pt={"readers": 9, "complained": 1})
    issue = make_issue()
    count(issue, en={"readers": 1000}, de={"readers": 500}, pt={"readers": 300})
    answer = desk.get(page("issue_figures", issue.pk))
    complained = part(answer, "complained")
    assert [panel.name for panel in complained.panels] == ["All languages", "English"]
    assert (complained.nobody, complained.untold) == ([], ["German", "Portuguese"])
    assert "Too few readers to say it of each of these issues: German, Portuguese." in Page(answer).words


def test_a_tiny_list_is_told_nothing_of_its_past_either(desk):
    make_past(2, en={"readers": 9, "complained": 1})
    issue = make_issue()
    count(issue, en={"readers": 9})
    answer = desk.get(page("issue_figures", issue.pk))
    assert (part(answer, "complained").panels, part(answer, "complained").quiet) == ([], "Too few readers to say.")
    assert part(answer, "unknown").quiet == "Nobody, in all 3 issues."


def test_before_anything_was_counted_it_says_so(desk):
    answer = desk.get(page("issue_figures", make_issue().pk))
    assert "Nothing has been counted yet." in Page(answer).words


def test_of_a_tallied_issue_it_says_that_the_numbers_are_final(desk):
    issue = make_issue(tallied_at=NOON)
    count(issue, en={"readers": 100})
    words = Page(desk.get(page("issue_figures", issue.pk))).words
    assert "when the deliveries were deleted: these numbers are final." in words


def test_the_way_leads_there_from_the_issue_and_its_pages_and_once_more_when_it_went_out(desk):
    issue = make_issue()
    there = page("issue_figures", issue.pk)
    assert there in Page(desk.get(page("issue_change", issue.pk))).links()
    assert Page(desk.get(page("issue_progress", issue.pk))).links().count(there) == 1
    issue.editions.filter(language="en").update(state="sent", frozen_at=NOON, frozen_count=3)
    assert Page(desk.get(page("issue_progress", issue.pk))).links().count(there) == 2


@pytest.mark.parametrize("languages", [["en"], ["en", "de", "pt"]])
@pytest.mark.parametrize("before", [0, 3])
def test_the_page_costs_the_same_for_one_language_and_three(desk, languages, before, django_assert_num_queries):
    numbers = {language: {"readers": 100, "failed": 1} for language in languages}
    make_past(before, **numbers)
    issue = make_issue()
    count(issue, **numbers)
    with django_assert_num_queries(6):
        desk.get(page("issue_figures", issue.pk))


@pytest.mark.parametrize("language", ["de", "fr", "pt"])
def test_numbers_and_months_are_written_as_people_of_a_language_write_them(desk, language):
    make_past(1, en={"readers": 2000})
    issue = make_issue()
    count(issue, en={"readers": 2000, "failed": 50})
    with override(language):
        answer = desk.get(reverse("admin:newsletter_issue_figures", args=[issue.pk]))
    shown = part(answer, "failed").panels[0]
    expected = {"de": ("2.000", "2,5\xa0%", "Okt. 2026"), "fr": ("2\u202f000", "2,5\xa0%", "oct. 2026")}
    readers, percent, month = expected.get(language, ("2\xa0000", "2,5%", "10/2026"))
    assert readers in shown.count
    assert percent in shown.svg
    assert month in shown.svg


# --- the readers over time -------------------------------------------------------------------------------------------


def counted(day: str, *, reckoned: bool = False, **languages: int) -> None:
    for language, number in languages.items():
        fields = {"language": language, "number": number, "reckoned": reckoned}
        AudienceCount.objects.create(day=datetime.date.fromisoformat(day), **fields)


def test_readers_by_month_and_first_language(desk):
    counted("2026-08-31", en=100, de=40, pt=0, reckoned=True)
    counted("2026-10-18", en=119, de=41, pt=0)
    counted("2026-10-19", en=1120, de=42, pt=0)
    answer = desk.get(page("audience"))
    assert answer.context["header"] == ["All languages", "English", "German"]
    assert answer.context["lines"] == [
        ("October 2026", False, ["1,162", "1,120", "42"]),
        ("August 2026", True, ["140", "100", "40"]),
    ]
    words = Page(answer).words
    assert "1,162 readers. 1,022 more than in August 2026." in words
    assert "As of the end of 19 October 2026" in words
    assert "Until 31 August 2026 (broken lines, ≈ in the table)" in words
    assert "August 2026≈ 140≈ 100≈ 40" in words
    wide, narrow = answer.context["charts"][1]["svgs"].values()
    assert 'English <tspan class="plot-strong">1,120</tspan>' in wide
    assert "English: 100, then 1,120; German: 40, then 42</desc>" in narrow


def test_each_picture_has_a_name_of_its_own(desk):
    counted("2026-08-31", en=100, de=40)
    counted("2026-09-30", en=120, de=40)
    names = re.findall(r'id="([^"]+)"', desk.get(page("audience")).content.decode())
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (5, 5, "5 readers. As many as in August 2026."),
        (5, 3, "3 readers. 2 fewer than in August 2026."),
        (0, 1, "1 reader. 1 more than in August 2026."),
    ],
)
def test_more_or_fewer_in_words(desk, first, last, said):
    counted("2026-08-31", en=first)
    counted("2026-09-30", en=last)
    assert desk.get(page("audience")).context["sentence"] == said


def test_one_month_is_a_table_and_none_a_sentence(desk):
    assert "Nothing has been counted yet." in Page(desk.get(page("audience"))).words
    counted("2026-10-19", en=100)
    answer = desk.get(page("audience"))
    assert (answer.context["charts"], answer.context["sentence"]) == ([], "100 readers.")


def test_two_years_cost_as_much_as_two_months(desk, django_assert_num_queries):
    for number in (1, 30):
        for at in range(number):
            counted(f"{2024 + at // 12}-{at % 12 + 1:02}-{11 + number % 10}", en=100, de=at)
        with django_assert_num_queries(3):
            desk.get(page("audience"))


# --- who may ---------------------------------------------------------------------------------------------------------


def test_who_may_see_an_issue_may_see_its_figures(desk):
    addresses = [page("issue_figures", make_issue().pk), page("audience")]
    clerk = _staff("daan@example.org", ["view_issue"])
    for person, status in ((clerk, 200), (boris(), 200), (amal(), 403)):
        assert [at_the_desk(person).get(address).status_code for address in addresses] == [status, status]
    assert [Client().get(address).status_code for address in addresses] == [302, 302]
    assert [desk.post(address).status_code for address in addresses] == [405, 405]
    assert desk.get(page("issue_figures", 999)).status_code == 404


def test_who_answers_for_the_list_sees_how_it_grows(desk):
    dana = at_the_desk(_staff("dana@example.org", ["view_subscriber"]))
    assert dana.get(page("audience")).status_code == 200
    assert page("audience") in Page(dana.get("/en/desk/")).links()


def test_readers_over_time_stand_on_the_first_page_of_the_desk(desk):
    assert page("audience") in Page(desk.get("/en/desk/")).links()
    assert page("audience") not in Page(at_the_desk(amal()).get("/en/desk/")).links()


def test_nothing_is_inline_and_nothing_names_a_reader(desk):
    make_past(3, en={"readers": 100, "failed": 3})
    counted("2026-08-31", en=100)
    counted("2026-09-30", en=110)
    issue = Issue.objects.get(slug="2026-09")
    for address in (page("issue_figures", issue.pk), page("audience")):
        html = desk.get(address).content.decode()
        assert "<svg" in html
        assert re.findall(r"<svg[^>]*\bstyle=|<(?:line|circle|text|polyline)[^>]*\bstyle=|\bonload=", html) == []


def test_totals_read_as_what_they_are():
    assert str(IssueTotal(issue_id=3, language="en")) == "3 en"
