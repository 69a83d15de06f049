"""What somebody asks of the search, as the form and the address say it."""

from collections.abc import Collection
from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.db.models import Model
from django.forms.utils import flatatt
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from newsletter import search, search_sight
from newsletter.models import Body, Issue, Item, Section
from newsletter.search import Narrowing, Term
from picum import localising
from picum.areas.models import Area, Right


class Select(forms.Select):
    """One of hundreds, without a template for each: that would take as long as the search."""

    def render(self, name, value, attrs=None, renderer=None):
        found = (({"value": key, "selected": str(key) == value}, label) for key, label in self.choices)
        options = format_html_join("", "<option{}>{}</option>", ((flatatt(about), label) for about, label in found))
        about = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        return format_html("<select{}>{}</select>", flatatt(about), options)


def _choice(label) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, widget=Select)


class SearchForm(forms.Form):
    """The question and what narrows it; all of it stands in the address."""

    q = forms.CharField(
        label=gettext_lazy("Search for"),
        required=False,
        max_length=search.LONGEST,
        widget=forms.TextInput(attrs={"type": "search", "aria-describedby": "syntax"}),
    )
    language = _choice(gettext_lazy("In the language"))
    section = _choice(gettext_lazy("Section"))
    area = _choice(gettext_lazy("Activity area"))
    right = _choice(gettext_lazy("Right"))
    country = _choice(gettext_lazy("Country"))
    body = _choice(gettext_lazy("Institution"))
    kind = _choice(gettext_lazy("Kind"))
    year = _choice(gettext_lazy("Year"))
    issue = _choice(gettext_lazy("Issue"))
    published = _choice(gettext_lazy("Published"))
    order = _choice(gettext_lazy("First comes"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        mine = get_language() or "en"
        issues = list(Issue.objects.newsletters().order_by("-period", "-pk"))
        choices = {
            "section": _named(Section, "heading", mine),
            "area": _named(Area, "name", mine),
            "right": _named(Right, "name", mine),
            "body": _named(Body, "name", mine),
            "country": _countries(mine),
            "kind": list(Item.Kind.choices),
            "year": [(str(year), str(year)) for year in dict.fromkeys(issue.period.year for issue in issues)],
            "issue": [(issue.slug, issue.label(mine)) for issue in issues],
            "published": [("yes", _("yes")), ("no", _("not yet"))],
        }
        for name, found in choices.items():
            self.fields[name].choices = [("", _("all")), *found]
        self.fields["language"].choices = [
            (code, localising.language_name(code, mine)) for code, _name in settings.LANGUAGES
        ]
        self.fields["order"].choices = [(search.BEST, _("what fits best")), (search.NEWEST, _("the newest"))]
        self.label_suffix = ""

    @property
    def narrowing_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in ("q", "language", "order")]


@dataclass(frozen=True)
class Question:
    """What was asked; whatever an address says that makes no sense asks for nothing. `sees`: the languages of
    `newsletter.search_sight`."""

    words: str
    language: str
    order: str
    narrowing: Narrowing
    sees: Collection[str] | None = None

    @classmethod
    def of(cls, form: SearchForm, sees: Collection[str] | None) -> "Question":
        form.is_valid()
        said = form.cleaned_data
        published = {"yes": True, "no": False}.get(said.get("published", ""))
        plain = {name: said.get(name, "") for name in
                 ("section", "area", "right", "country", "body", "kind", "issue")}  # fmt: skip
        year = int(said["year"]) if said.get("year") else None
        return cls(
            said.get("q", ""),
            said.get("language") or get_language() or "en",
            said.get("order") or search.BEST,
            Narrowing(**plain, year=year, published=published),
            sees,
        )

    @property
    def terms(self) -> list[Term]:
        return search.parsed(self.words, self.language)

    def numbers(self) -> list[int]:
        """Of the items that answer it, in their order. One query."""
        now = timezone.now()
        among = search_sight.items(self.sees, self.language if self.terms else None, on=now)
        found = search.items(self.words, self.language, self.narrowing, among=among, order=self.order, on=now)
        return list(found.values_list("pk", flat=True))


def _named(model: type[Model], field: str, language: str) -> list[tuple[str, str]]:
    """Keys and names, as their models say them; one query, and no row is made a model of."""
    rows = model.objects.values_list("key", "translations__language_code", f"translations__{field}")
    names: dict[str, dict[str, str]] = {}
    for key, code, name in rows:
        names.setdefault(key, {})[code] = name
    return [
        (key, by.get(language) or by.get("en") or next(filter(None, by.values()), key)) for key, by in names.items()
    ]


def _countries(language: str) -> list[tuple[str, str]]:
    """Those in which anything happened."""
    rows = Item.objects.exclude(countries="").order_by().values_list("countries", flat=True).distinct()
    codes = {code for row in rows for code in str(row).split(",") if code}
    names = {localising.country_name(code, language): code for code in codes}
    return [(names[name], name) for name in localising.in_order(names)]
