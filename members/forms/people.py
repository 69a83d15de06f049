"""Forms for the people of a member."""

from typing import ClassVar

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from members.forms.choosing import MailField, NameField, own_languages
from members.models import Contact, ContactRole

Role = ContactRole.Role
# What each may do, as `members.access.MAY` has it.
ROLES = {
    Role.CONTACT: _("may do everything here, and invites and removes people"),
    Role.TREASURER: _("gets the debit notes, sees fees and receipts"),
    Role.COMMUNICATIONS: _("keeps the profile up to date, and writes field reports"),
    Role.NEWSLETTER: _("writes field reports for the newsletter"),
}


class PersonForm(forms.Form):
    """Somebody of a member, and what they do there; all but the address."""

    use_required_attribute = False

    name = NameField(label=_("Name"), max_length=150)
    position = NameField(label=pgettext_lazy("job", "Position"), max_length=100, required=False)
    telephone = forms.CharField(
        label=_("Telephone"), max_length=40, required=False, widget=forms.TextInput(attrs={"type": "tel"})
    )
    language = forms.ChoiceField(label=_("We write to them in"), choices=own_languages)
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Please choose at least one role.")},
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["roles"].choices = [(role.value, _told(role)) for role in Role]

    @classmethod
    def of(cls, contact: Contact) -> "PersonForm":
        """Filled in with what is known of somebody."""
        known = {name: getattr(contact, name) for name in ("name", "position", "telephone", "language")}
        return cls(initial=known | {"roles": [role.role for role in contact.roles.all()]})


class InviteForm(PersonForm):
    """Somebody new."""

    email = MailField(label=_("Mail address"), max_length=254)

    field_order: ClassVar = ["name", "email", "position", "telephone", "language", "roles"]


class AccountForm(forms.Form):
    """What somebody is called, and the language in which we write to them."""

    use_required_attribute = False

    name = NameField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    language = forms.ChoiceField(label=_("Your language"), choices=own_languages)


def _told(role: str) -> SafeString:
    return format_html('<span>{} <span class="quiet">{}</span></span>', Role(role).label, ROLES[role])
