from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "picum.accounts"
    label = "accounts"
    verbose_name = _("People who sign in")

    def ready(self):
        from picum.accounts import mails  # noqa: F401  # the builders of letters make themselves known
