"""Words of Django's own pages and forms that some of its catalogues lack: `make messages` collects them from here,
and our translations count before Django's. What its scripts lack stands in `locale/…/djangojs.po`.
"""

from django.utils.translation import gettext_noop, ngettext_lazy

WORDS = (
    gettext_noop("Error:"),
    gettext_noop("Forgotten your login credentials?"),
    gettext_noop("In case you’ve forgotten, you are:"),
    gettext_noop("View"),
    gettext_noop("View %s"),
    gettext_noop("Breadcrumbs"),
    gettext_noop("Model name"),
    gettext_noop("Add link"),
    gettext_noop("Change or view list link"),
    gettext_noop("Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."),
)
TOO_SHORT = ngettext_lazy(
    "This password is too short. It must contain at least %d character.",
    "This password is too short. It must contain at least %d characters.",
)
