"""Every page for people carries its language in the address; `/` alone chooses one (LocaleMiddleware, temporary)."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from newsletter.hooks import receive

urlpatterns = [
    path("mailbox/", include("picum.mailbox.urls")),
    # No language: machines post here. Without the slash too, since a redirect would lose the post.
    path("hooks/<slug:provider>", receive),
    path("hooks/<slug:provider>/", receive, name="hook"),
    *i18n_patterns(
        path("desk/", admin.site.urls),
        path("newsletter/", include("newsletter.urls")),
        path("", include("picum.accounts.urls")),
        path("", include("members.urls")),
        path("", include("picum.pages.urls")),
    ),
]
