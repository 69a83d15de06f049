"""Every page for people carries its language in the address; `/` alone chooses one (LocaleMiddleware, temporary)."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("mailbox/", include("picum.mailbox.urls")),
    *i18n_patterns(
        path("desk/", admin.site.urls),
        path("newsletter/", include("newsletter.urls")),
        path("", include("picum.pages.urls")),
    ),
]
