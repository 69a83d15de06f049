from django.urls import path

from newsletter import feeds
from newsletter.views import archive, data, preferences, reader, signing_up

app_name = "newsletter"
urlpatterns = [
    path("", archive.archive, name="archive"),
    path("items/<int:pk>/", archive.item, name="item"),
    path("feed/", feeds.feed, name="feed"),
    path("feed/<slug:key>/", feeds.area_feed, name="area_feed"),
    # Mail programs shorten addresses, and a redirect would lose the one-click POST of RFC 8058.
    path("leave/<str:token>", reader.leave),
    path("leave/<str:token>/", reader.leave, name="leave"),
    path("undo/<str:token>/", reader.undo, name="undo"),
    path("preferences/<str:token>/", preferences.preferences, name="preferences"),
    path("move/<str:token>/", reader.move, name="move"),
    path("sign-up/", signing_up.sign_up, name="sign_up"),
    path("sign-up/embed/", signing_up.embed, name="embed"),
    path("sign-up/confirm/<str:token>/", signing_up.confirm, name="confirm"),
    path("link/", signing_up.ask_link, name="link"),
    path("data/<str:token>/", data.data, name="data"),
    path("data/<str:token>/json/", data.data_json, name="data_json"),
    path("data/<str:token>/erase/", data.erase, name="erase"),
    path("<slug:slug>/", archive.edition, name="edition"),
]
