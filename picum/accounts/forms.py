"""Forms for signing in, at the members' door and at the desk's, and for one's own password."""

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.password_validation import password_validators_help_texts
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from picum.accounts import signing_in
from picum.accounts.models import User
from picum.network import network_of


class SignInForm(forms.Form):
    """Address and password; with `by_link` the address will do."""

    use_required_attribute = False

    address = forms.CharField(
        label=_("Your mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": _("Please write your mail address here.")},
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Please write your password here, or have a link mailed to you.")},
    )

    def __init__(self, data=None, *, by_link: bool = False):
        super().__init__(data)
        self.fields["password"].required = not by_link


class DeskSignInForm(AdminAuthenticationForm):
    """The desk's own form, where as many passwords can be tried as elsewhere, and no more."""

    def clean(self):
        address, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not (address and password):
            return self.cleaned_data
        try:
            network = network_of(self.request)
            self.user_cache = signing_in.by_password(address, password, network=network, now=timezone.now())
        except signing_in.TooMany as error:
            raise forms.ValidationError(str(error)) from None
        if self.user_cache is None:
            raise self.get_invalid_login_error()
        self.confirm_login_allowed(self.user_cache)
        return self.cleaned_data


class PasswordForm(SetPasswordForm):
    """A new password, twice; and the old one, unless `knows_who` it is."""

    use_required_attribute = False
    field_order = ["old", "new_password1", "new_password2"]

    old = forms.CharField(
        label=_("Your old password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, user: User, data=None, *, knows_who: bool):
        super().__init__(user, data)
        if knows_who:
            del self.fields["old"]
        self.fields["new_password1"].help_text = " ".join(password_validators_help_texts())


class IntroductionForm(forms.ModelForm):
    """What somebody is called, and in which language they work."""

    use_required_attribute = False

    class Meta:
        model = User
        fields = ["name", "language"]
        labels = {"name": _("Your name"), "language": _("Language of the desk")}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True


class KnownPasswordForm(forms.Form):
    """The password that the account has."""

    use_required_attribute = False

    password = forms.CharField(
        label=_("The password of your account"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
