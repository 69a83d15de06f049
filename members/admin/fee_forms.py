"""What is asked on the desk about fees and payments."""

import datetime
from decimal import Decimal

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import camt, fees, payments
from members.fees import Proposal
from picum.localising import local_day

DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class Amount(forms.DecimalField):
    """Euro and cents."""

    def __init__(self, *, most: Decimal = fees.MOST, least: str = "0", **kwargs):
        super().__init__(min_value=Decimal(least), max_value=most, decimal_places=2, **kwargs)


class AmountForm(forms.Form):
    amount = Amount(label=gettext_lazy("Amount (euro)"))


class NothingForm(forms.Form):
    """Only a button."""


class WhyForm(forms.Form):
    why = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200, widget=forms.TextInput(attrs={"class": "vTextField"})
    )


class PaymentForm(forms.Form):
    amount = Amount(label=gettext_lazy("Amount (euro)"), least="0.01", most=payments.MOST)
    received_on = forms.DateField(label=gettext_lazy("Received on"), widget=DAY)
    payer = forms.CharField(label=gettext_lazy("Payer"), max_length=140, required=False)
    communication = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=280,
        required=False,
        help_text=gettext_lazy("Such as: in cash at the assembly."),
    )

    def clean_received_on(self) -> datetime.date:
        day = self.cleaned_data["received_on"]
        if day > local_day(timezone.now()):
            raise forms.ValidationError(_("This day has not come yet."))
        return day


class RunForm(forms.Form):
    """An amount for each member of the proposal; who has none is left out."""

    def __init__(self, *args, proposals: list[Proposal], **kwargs):
        super().__init__(*args, **kwargs)
        self.proposals = proposals
        for one in proposals:
            field = Amount(label=str(one.member), required=False, initial=one.amount)
            field.widget.attrs |= {"class": "desk-amount", "aria-label": str(one.member)}
            self.fields[f"amount-{one.member.pk}"] = field

    @property
    def rows(self) -> list[tuple[Proposal, forms.BoundField]]:
        return [(one, self[f"amount-{one.member.pk}"]) for one in self.proposals]

    @property
    def amounts(self) -> dict[int, Decimal]:
        given = {one.member.pk: self.cleaned_data[f"amount-{one.member.pk}"] for one in self.proposals}
        return {pk: amount for pk, amount in given.items() if amount is not None}


class SearchForm(forms.Form):
    q = forms.CharField(
        label=gettext_lazy("Member, year or communication"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "size": 24}),
    )


class DivideForm(forms.Form):
    fee = forms.ModelChoiceField(None, label=gettext_lazy("For which fee"))
    amount = Amount(label=gettext_lazy("How much of it (euro)"), least="0.01", most=payments.MOST)

    def __init__(self, *args, choices, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["fee"].queryset = choices
        self.fields["fee"].label_from_instance = lambda fee: str(fee.year)


class BankFileForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("Statement of account"),
        widget=forms.FileInput(attrs={"accept": ".xml"}),
        help_text=gettext_lazy("CAMT.053 (XML), as your bank offers it for download; 20 MB at most."),
    )

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > camt.SIZE:
            raise forms.ValidationError(_("The file is larger than %d MB.") % (camt.SIZE / 1e6))
        return file
