"""The questions of an application, one form for each step. An answer's key is the name of its field.

Forms clean and hand over. A form is bound to a post (`is_fresh`), or to what the application holds already: then it
tells what is still wrong with that.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from django import forms
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from members.forms.choosing import Lists, MailField, NameField, WebField, countries, own_languages
from members.forms.languages import WorkingLanguagesField
from members.models import Application, Kind, Level, Paper, Shown
from members.uploads import PaperField
from picum.addresses import InvalidAddress, address_key, reachable

LONGEST_TYPED = 20_000  # characters of what is not valid, and kept all the same
REFEREES = (1, 2)


class StepForm(forms.Form):
    """Some questions. `kept` is what the application keeps of a post, valid or not."""

    for_people: ClassVar[set[str] | None] = None  # the fields that a person is asked; None: all
    not_answers: ClassVar[set[str]] = set()  # kept elsewhere than among the answers

    def __init__(self, data=None, files=None, *, application: Application, lists: Lists, is_fresh: bool = False):
        self.application, self.lists, self.is_fresh = application, lists, is_fresh
        super().__init__(data, files)
        self.is_person = application.kind == Kind.PERSON
        if self.is_person and self.for_people is not None:
            for name in set(self.fields) - self.for_people:
                del self.fields[name]
        self.prepare()

    def prepare(self) -> None:
        """Fill in what depends on the application, or on the language of the page."""

    @property
    def groups(self) -> list[tuple[str, list[str]]]:
        """How the page lays the fields out: headings ("": none), and names."""
        return [("", list(self.fields))]

    @property
    def grouped(self) -> list[tuple[str, list[forms.BoundField]]]:
        return [
            (heading, shown)
            for heading, names in self.groups
            if (shown := [self[name] for name in names if name in self.fields])
        ]

    def answered(self) -> Mapping[str, object] | None:
        """What the application holds of this step, to bind a form to; None when nobody has been here."""
        answers = self.application.answers
        return answers if any(name in answers for name in self.fields) else None

    def kept(self) -> dict[str, object]:
        """Answers as cleaned; what is not valid, as it was typed. Wants that the form was cleaned."""
        names = [name for name in self.fields if name not in self.not_answers]
        return {name: self.cleaned_data[name] if name in self.cleaned_data else self._typed(name) for name in names}

    def _typed(self, name: str) -> object:
        value = self[name].data
        if isinstance(value, list | tuple):
            return [_short(one) for one in value[:100]]
        return value if isinstance(value, bool) else _short(value or "")

    def own_addresses(self) -> set:
        """The keys of the addresses that belong to the applicant."""
        names = ("email", "contact_email", "treasurer_email")
        typed = [self.application.email, *(str(self.application.answers.get(name) or "") for name in names)]
        return {address_key(address) for text in typed if (address := _address(text))}


def _short(text: object) -> str:
    return str(text).replace("\x00", "")[:LONGEST_TYPED]  # no database keeps a NUL in JSON


def _address(text: str) -> str:
    try:
        return reachable(text)
    except InvalidAddress:
        return ""


class About(StepForm):
    for_people = {"name", "country"}

    name = NameField(label=_("Legal name"), max_length=200)
    acronym = forms.CharField(label=_("Acronym"), max_length=30, required=False)
    country = forms.ChoiceField(label=_("Country of representation"))
    registration_number = forms.CharField(
        label=_("Registration number"),
        max_length=60,
        required=False,
        help_text=_("In your country's register of associations or companies. Leave it empty if you have none."),
    )

    def prepare(self) -> None:
        self.fields["country"].choices = [("", "—"), *countries(get_language())]
        if self.is_person:
            self.fields["name"].label = _("Your name")
            self.fields["country"].label = _("Country")
            self.fields["name"].widget.attrs["autocomplete"] = "name"


class Address(StepForm):
    for_people = {"street", "postcode", "city", "telephone", "website"}

    street = forms.CharField(label=_("Street and number"), max_length=200)
    postcode = forms.CharField(label=_("Postcode"), max_length=20, required=False)
    city = forms.CharField(label=_("Town"), max_length=100)
    email = MailField(label=_("Mail address"), help_text=_("The one for everybody who writes to your organisation."))
    telephone = forms.CharField(
        label=_("Telephone"), max_length=40, required=False, help_text=_("With the prefix of your country.")
    )
    website = WebField(label=_("Website"), required=False)

    def prepare(self) -> None:
        if not self.is_person:
            self.fields["email"].initial = self.application.email
            return
        autocomplete = {"street": "street-address", "postcode": "postal-code", "city": "address-level2"}
        for name, value in autocomplete.items() | {("telephone", "tel"), ("website", "url")}:
            self.fields[name].widget.attrs["autocomplete"] = value


class Work(StepForm):
    for_people = {"areas", "rights", "language", "languages"}

    type = forms.ChoiceField(label=_("Type of organisation"))
    level = forms.ChoiceField(label=_("How far your work reaches"), choices=Level.choices, widget=forms.RadioSelect)
    areas = forms.MultipleChoiceField(label=_("Activity areas"), widget=forms.CheckboxSelectMultiple)
    rights = forms.MultipleChoiceField(
        label=_("Rights you work on"), widget=forms.CheckboxSelectMultiple, required=False
    )
    language = forms.ChoiceField(
        label=_("Language of correspondence"),
        help_text=_("In which we write to your organisation."),
    )
    description = forms.CharField(
        label=_("Describe your work"),
        max_length=2000,
        widget=forms.Textarea,
        help_text=_(
            "What you do, for whom and with whom, in your language of correspondence; at most 2000 characters."
        ),
    )
    languages = WorkingLanguagesField(label=_("Working languages"), required=False)

    def prepare(self) -> None:
        fields = self.fields
        if not self.is_person:
            fields["type"].choices = [("", "—"), *self.lists.types]
        else:
            fields["language"].help_text = _("In which we write to you.")
        fields["areas"].choices, fields["rights"].choices = self.lists.areas, self.lists.rights
        fields["language"].choices, fields["language"].initial = own_languages(), get_language()

    def answered(self) -> Mapping[str, object] | None:
        """Kept as codes; the field reads names."""
        if (held := super().answered()) is None:
            return None
        return {**held, "languages": self.fields["languages"].prepare_value(held.get("languages"))}


class People(StepForm):
    contact_name = NameField(label=_("Name"), max_length=150)
    contact_position = forms.CharField(label=pgettext_lazy("job", "Position"), max_length=100, required=False)
    contact_email = MailField(label=_("Mail address"), help_text=_("This person gets an account here."))
    contact_telephone = forms.CharField(label=_("Telephone"), max_length=40, required=False)
    treasurer_is_contact = forms.BooleanField(label=_("The same person looks after the fees"), required=False)
    treasurer_name = NameField(label=_("Name of the treasurer"), max_length=150)
    treasurer_email = MailField(label=_("Mail address of the treasurer"))

    def prepare(self) -> None:
        self.fields["contact_email"].initial = self.application.email
        is_same = self.is_bound and self["treasurer_is_contact"].data
        for name in ("treasurer_name", "treasurer_email"):
            self.fields[name].required = not is_same
            words = _("Please fill this in, or tick that it is the same person.")
            self.fields[name].error_messages["required"] = words

    @property
    def groups(self) -> list[tuple[str, list[str]]]:
        contact = [name for name in self.fields if name.startswith("contact")]
        treasurer = [name for name in self.fields if name.startswith("treasurer")]
        return [(_("The person we write to"), contact), (_("Treasurer"), treasurer)]


class Reasons(StepForm):
    why = forms.CharField(
        label=_("Why do you want to join?"), max_length=4000, widget=forms.Textarea, help_text=_("A few sentences.")
    )

    def prepare(self) -> None:
        # Named by the language of the person who is asked: they may not read ours.
        for number in REFEREES:
            self.fields |= {
                f"referee{number}_name": NameField(label=_("Name"), max_length=150),
                f"referee{number}_organisation": forms.CharField(
                    label=pgettext_lazy("of a referee", "Organisation"), max_length=200, required=False
                ),
                f"referee{number}_email": MailField(label=_("Mail address")),
                f"referee{number}_language": forms.ChoiceField(
                    label=_("Language in which we write to this person"),
                    choices=own_languages(),
                    initial=get_language(),
                ),
            }

    @property
    def groups(self) -> list[tuple[str, list[str]]]:
        headings = (_("First referee"), _("Second referee"))
        referees = [[name for name in self.fields if name.startswith(f"referee{number}_")] for number in REFEREES]
        return [("", ["why"]), *zip(headings, referees, strict=True)]

    def clean(self) -> dict[str, object]:
        data, own = super().clean(), self.own_addresses()
        for number in REFEREES:
            name = f"referee{number}_email"
            if not data.get(name):
                continue
            key = address_key(data[name])
            if key in own:
                self.add_error(name, _("This is your own address. A referee is somebody else who knows your work."))
            elif number > 1 and data.get("referee1_email") and key == address_key(data["referee1_email"]):
                self.add_error(name, _("Please name two different people."))
        return data


class Papers(StepForm):
    """The files themselves go to `members.applying.attach`."""

    not_answers = set(Paper.Kind.values)

    statutes = PaperField(label=_("Your statutes"))
    accounts = PaperField(label=_("Your accounts of last year"), required=False)
    other = PaperField(label=_("Another paper"), required=False)

    def prepare(self) -> None:
        self.fields["statutes"].required = not any(
            paper.kind == Paper.Kind.STATUTES for paper in self.application.papers.all()
        )

    def answered(self) -> Mapping[str, object] | None:
        return {} if self.application.papers.all() else None

    def files_by_kind(self) -> Iterable[tuple[str, object]]:
        """What came, checked."""
        return [(kind, self.cleaned_data[kind]) for kind in Paper.Kind.values if self.cleaned_data.get(kind)]


class Choices(StepForm):
    """What the public may see, and the newsletter. Nothing is ticked before somebody ticks it."""

    for_people = {"newsletter", "newsletter_wording"}

    in_directory = forms.BooleanField(label=_("List us in the public directory of members"), required=False)
    shown = forms.MultipleChoiceField(
        label=_("What the directory may show, beside name, country and type"),
        choices=Shown.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    open_data = forms.BooleanField(
        label=_("Put this into the lists that anybody can download (CSV, JSON), too"), required=False
    )
    newsletter = forms.BooleanField(required=False)
    newsletter_wording = forms.CharField(widget=forms.HiddenInput, required=False)

    def prepare(self) -> None:
        wording = self.lists.newsletter
        self.fields["newsletter"].label = wording.text
        self.fields["newsletter"].help_text = _(
            "This has nothing to do with your application. We send a mail to %(address)s first: only when the button "
            "in it has been pressed does the newsletter come."
        ) % {"address": self.application.email}

    @property
    def groups(self) -> list[tuple[str, list[str]]]:
        listed = ["in_directory", "shown", "open_data"]
        return [(_("Public directory"), listed), (_("Newsletter"), ["newsletter"])]

    def clean(self) -> dict[str, object]:
        data = super().clean()
        if data.get("open_data") and not data.get("in_directory"):
            self.add_error("open_data", _("This goes together with the public directory only."))
        if not data.get("newsletter"):
            data["newsletter_wording"] = ""
        elif self.is_fresh and data.get("newsletter_wording") != self.lists.newsletter.digest:
            self.add_error(
                "newsletter",
                _("The words that you agree to have changed since you opened this page: please read them again."),
            )
            data["newsletter"] = False  # kept is what was agreed to
        return data


class Code(StepForm):
    """The signature goes to `members.applying.sign`."""

    not_answers = {"code_version", "signed_by"}

    code_version = forms.CharField(widget=forms.HiddenInput, required=False)
    signed_by = NameField(
        label=_("Your name, as your signature"),
        max_length=150,
        help_text=_("By writing your name here, you sign this code of conduct."),
    )
    privacy = forms.BooleanField(
        label=_("I have read how my data are treated, and tell the people whom I name here about it."),
        error_messages={"required": _("Please read how data are treated, and tick this.")},
    )

    def prepare(self) -> None:
        if self.lists.code is None:
            del self.fields["code_version"], self.fields["signed_by"]

    @property
    def shows_the_version_in_force(self) -> bool:
        """Whether that is what a post has signed."""
        return self.lists.code is not None and self.data.get("code_version") == self.lists.code.version

    @property
    def groups(self) -> list[tuple[str, list[str]]]:
        return [(_("Code of conduct"), ["signed_by"]), (_("How we treat your data"), ["privacy"])]

    def answered(self) -> Mapping[str, object] | None:
        held = self.application
        if not held.code_id and "privacy" not in held.answers:
            return None
        signed = {"code_version": held.code.version, "signed_by": held.code_signed_by} if held.code_id else {}
        return {"privacy": held.answers.get("privacy", False)} | signed

    def clean(self) -> dict[str, object]:
        data = super().clean()
        if data.get("signed_by") and not self.shows_the_version_in_force:
            self.add_error(
                "signed_by", _("There is a new version of the code of conduct: please read it, and sign it again.")
            )
        return data
