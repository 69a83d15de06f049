"""The register for any day, ten years in numbers, and what members lack. To be read by who may see members."""

import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from members import census, register_pdf
from members.admin import frame
from members.models import Kind, Member, Membership
from picum import csvfile, localising, plots
from picum.accounts import audit

VIEW = ("members.view_member", "members.change_member")
FOREMOST = 6  # countries that have a line in the plot; the table has all
GAPS = {
    "contact": gettext_lazy("no member contact"),
    "treasurer": gettext_lazy("no treasurer"),
    "conduct": gettext_lazy("code of conduct not signed"),
    "unconfirmed": gettext_lazy("profile not confirmed for a year"),
    "bouncing": gettext_lazy("mail to a contact comes back"),
}


# --- the register ----------------------------------------------------------------------------------------------------


@require_safe
def register(request: HttpRequest) -> HttpResponse:
    """Who belongs, or belonged, on a day; and, if wanted, who had left by then. Made for paper too."""
    frame.require(request, *VIEW)
    day, former = _asked(request)
    context = {
        "day": day,
        "rows": census.on(day),
        "former": census.ended_before(day) if former else [],
        "with_former": former,
        "language": get_language(),
    }
    return frame.page(request, "register.html", _("Register of members"), model=Member, **context)


@require_safe
def register_csv(request: HttpRequest) -> HttpResponse:
    """The same as a file. Audited, for it leaves the house."""
    frame.require(request, "members.export_member")
    day, former = _asked(request)
    rows = [*census.on(day), *(census.ended_before(day) if former else [])]
    audit.record("register.export", by=request.user, day=day.isoformat(), number=len(rows))
    words = csvfile.MARK + csvfile.written([_header(), *map(_cells, rows)], csvfile.delimiter())
    response = HttpResponse(words, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="register-{day.isoformat()}.csv"'
    return response


@require_safe
def register_as_pdf(request: HttpRequest) -> HttpResponse:
    """The same on paper, for the file of the association. Audited."""
    frame.require(request, "members.export_member")
    day, former = _asked(request)
    rows = list(census.on(day))
    paper = register_pdf.register(rows, list(census.ended_before(day)) if former else [], day=day)
    audit.record("register.export", by=request.user, day=day.isoformat(), number=len(rows))
    response = HttpResponse(paper, content_type=register_pdf.CONTENT_TYPE)
    response["Content-Disposition"] = f'attachment; filename="register-{day.isoformat()}.pdf"'
    return response


def _asked(request: HttpRequest) -> tuple[datetime.date, bool]:
    """The day, today unless said otherwise, and whether former members are wanted."""
    try:
        day = datetime.date.fromisoformat(request.GET.get("day") or timezone.localdate().isoformat())
    except ValueError:
        raise Http404 from None
    return day, "former" in request.GET


def _header() -> list[str]:
    return [
        _("Name"), _("Acronym"), _("Kind"), _("Country"), _("Street"), _("Postcode"), _("Town"),
        _("Registration number"), _("Category"), _("Votes"), _("Joined"), _("From"), _("Until"),
        _("Admitted by"), _("Decided on"), _("Ended because"), _("Ended by"), _("End decided on"),
    ]  # fmt: skip


def _cells(row: Membership) -> list[object]:
    member = row.member
    return [
        member.name,
        member.acronym,
        member.get_kind_display(),
        localising.country_name(member.country.code, get_language() or "en"),
        *(member.street, member.postcode, member.city, member.registration_number),
        row.category,
        _("yes") if row.category.has_vote else _("no"),
        *(row.joined_on, row.from_on, row.until_on or ""),
        *(row.get_decided_by_display(), row.decided_on or ""),
        *(row.get_ended_why_display(), row.get_ended_by_display(), row.ended_on or ""),
    ]


# --- ten years -------------------------------------------------------------------------------------------------------


@require_safe
def statistics(request: HttpRequest) -> HttpResponse:
    """Ten years in numbers: in all, new and ended, and by country."""
    frame.require(request, *VIEW)
    kind = request.GET.get("kind", "")
    years = census.years(today=timezone.localdate(), kind=kind if kind in Kind.values else "")
    language = get_language() or "en"
    codes = {code for year in years for code in year.by_country}
    named = {localising.country_name(code, language): code for code in codes}
    context = {
        "years": years,
        "charts": _charts(years, language),
        "countries": [(name, [year.by_country[named[name]] for year in years]) for name in localising.in_order(named)],
        "kinds": Kind.choices,
        "kind": kind,
    }
    return frame.page(request, "statistics.html", _("Members in ten years"), model=Member, **context)


def _charts(years: list[census.Year], language: str) -> list[dict[str, object]]:
    """Pictures of how many there are, who came and went, and where; each for wide and for narrow screens."""
    totals = {_("Members"): [year.total for year in years], _("Countries"): [year.countries for year in years]}
    moves = {
        _("New"): [year.new for year in years],
        _("Withdrawn"): [year.withdrawn for year in years],
        _("Terminated"): [year.terminated for year in years],
    }
    foremost = [code for code, _number in years[-1].by_country.most_common(FOREMOST)]
    lands = {localising.country_name(code, language): [year.by_country[code] for year in years] for code in foremost}
    names = {
        "totals": _("How many there are"),
        "moves": _("Who came and who left"),
        "lands": _("The countries with the most members"),
    }
    return [
        {
            "name": names[key],
            "svgs": {
                size: _chart(f"{key}-{size}", names[key], lines, years, language, width)
                for size, width in (("wide", 760), ("narrow", 320))
            },
        }
        for key, lines in (("totals", totals), ("moves", moves), ("lands", lands))
        if lines
    ]


def _chart(key: str, title: str, lines: dict[str, list[int]], years: list[census.Year], language: str, width: int):
    def show(value: float) -> str:
        return localising.number(value, language)

    last = ", ".join(f"{name} {show(values[-1])}" for name, values in lines.items())
    every = 1 if width > 500 else 3
    return plots.chart(
        [plots.Series(name, values, hue) for hue, (name, values) in enumerate(lines.items())],
        axis=plots.scale([value for values in lines.values() for value in values], show=show, whole=True),
        show=show,
        marks=[(at, str(year.year)) for at, year in enumerate(years) if (len(years) - 1 - at) % every == 0],
        key=key,
        title=title,
        description=_("%(year)d: %(numbers)s. The table below has all the numbers.")
        % {"year": years[-1].year, "numbers": last},
        letters=max(len(name) for name in lines) + 5,
        width=width,
        height=260,
    )


# --- what is lacking -------------------------------------------------------------------------------------------------


@require_safe
def gaps(request: HttpRequest) -> HttpResponse:
    """What members lack, with the way to each."""
    frame.require(request, *VIEW)
    found = [(gap.key, GAPS[gap.key], gap.members) for gap in census.gaps(today=timezone.localdate())]
    return frame.page(request, "gaps.html", _("What members lack"), model=Member, gaps=found)
