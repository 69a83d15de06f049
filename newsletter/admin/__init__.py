"""The editors' and publishers' desk: Django's own admin, with pages of ours where a form is not enough."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.views.i18n import JavaScriptCatalog

from newsletter.admin import (  # noqa: F401  # each registers its models
    audience,
    consents,
    events,
    glossary,
    issues,
    items,
    people,
    readers,
    sections,
    sign_ups,
    suppressions,
    trials,
)

admin.site.site_header = admin.site.site_title = _("PICUM desk")
admin.site.index_title = _("The desk")
admin.site.enable_nav_sidebar = False  # the pages need the width; the way about is in the header
# Django's own is of its own catalogues alone, and some of them lack words (locale/…/djangojs.po).
admin.site.i18n_javascript = lambda request, extra_context=None: JavaScriptCatalog.as_view()(request)
