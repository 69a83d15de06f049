from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PagesConfig(AppConfig):
    name = "picum.pages"
    label = "pages"
    verbose_name = _("Pages")

    def ready(self):
        from picum import checks  # noqa: F401  # registers the project's system checks
