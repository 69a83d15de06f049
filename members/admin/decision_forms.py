"""The assembly's decisions as a form: one small form for each application, all on one page."""

from dataclasses import dataclass

from django import forms
from django.http import QueryDict
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from members import waiting
from members.assemblies import Decided, Decision
from members.models import Application, Category
from picum import localising

NONE = ""


class DecisionForm(forms.Form):
    """What the assembly decided about one application."""

    decision = forms.ChoiceField(
        label=gettext_lazy("Decision"),
        choices=[(NONE, gettext_lazy("no decision")), *Decision.choices],
        required=False,
        widget=forms.RadioSelect,
    )
    category = forms.TypedChoiceField(label=gettext_lazy("Category"), required=False, empty_value=None)
    words = forms.CharField(
        label=gettext_lazy("Words to the applicant"),
        help_text=gettext_lazy("Mailed if it is refused or deferred; in their language."),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2, "cols": 60}),
    )

    def __init__(self, data: QueryDict | None, *, application: Application, categories: list[Category]):
        fitting = {category.key: category for category in categories if category.for_whom == application.kind}
        known = application.category.key if application.category else ""
        if len(fitting) == 1:
            (known,) = fitting
        super().__init__(data, prefix=f"a{application.pk}", initial={"decision": NONE, "category": known})
        self.application = application
        field = self.fields["category"]
        field.choices = [("", "–"), *((key, str(category)) for key, category in fitting.items())]
        field.coerce = fitting.get

    @property
    def country(self) -> str:
        return localising.country_name(self.application.country, get_language() or "en")

    def clean(self):
        values = super().clean()
        if values.get("decision") == Decision.ADMIT and not values.get("category") and not self.errors:
            self.add_error("category", _("Please choose a category."))
        return values

    @property
    def decided(self) -> Decided | None:
        """What is to be recorded; None without a decision."""
        values = self.cleaned_data
        if not values["decision"]:
            return None
        what, words = Decision(values["decision"]), values["words"]
        return Decided(self.application, what, values["category"], "" if what == Decision.ADMIT else words)


@dataclass(frozen=True)
class DecisionForms:
    """All of them."""

    rows: list[DecisionForm]

    @classmethod
    def fresh(cls) -> "DecisionForms":
        """For what waits for the assembly now, by country and name."""
        return cls._of(Application.objects.filter(state=Application.State.RECOMMENDED), None)

    @classmethod
    def posted(cls, data: QueryDict) -> "DecisionForms":
        """For what was on the page, whatever became of it meanwhile. The step "all" admits those about which nothing
        was chosen."""
        numbers = [int(pk) for pk in data.getlist("application") if pk.isdecimal() and len(pk) < 19]
        applications = list(waiting.handed_in().filter(pk__in=numbers))
        if data.get("step") == "all":
            data = data.copy()
            for application in applications:
                if not data.get(f"a{application.pk}-decision"):
                    data[f"a{application.pk}-decision"] = Decision.ADMIT
        return cls._of(applications, data)

    @classmethod
    def _of(cls, applications, data: QueryDict | None) -> "DecisionForms":
        categories = list(Category.objects.prefetch_related("translations"))
        known = {category.pk: category for category in categories}
        rows = []
        for application in applications:
            application.category = known.get(application.category_id)
            rows.append(DecisionForm(data, application=application, categories=categories))
        countries = localising.in_order({row.country for row in rows})
        names = localising.in_order({row.application.name for row in rows})
        rows.sort(key=lambda row: (countries.index(row.country), names.index(row.application.name)))
        return cls(rows)

    def is_valid(self) -> bool:
        faulty = [row for row in self.rows if not row.is_valid()]  # all are looked at: each says what is wrong
        return not faulty

    @property
    def decided(self) -> list[Decided]:
        return [row.decided for row in self.rows if row.decided]

    def by_decision(self) -> list[tuple[Decision, list[Decided]]]:
        """For a last look: what is to be recorded, by decision."""
        groups = [(what, [one for one in self.decided if one.what == what]) for what in Decision]
        return [(what, ones) for what, ones in groups if ones]
