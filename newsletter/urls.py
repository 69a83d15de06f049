from django.urls import path

from newsletter import views

app_name = "newsletter"
urlpatterns = [
    path("", views.archive, name="archive"),
    path("items/<int:pk>/", views.item, name="item"),
    # Mail programs shorten addresses, and a redirect would lose the one-click POST of RFC 8058.
    path("leave/<str:token>", views.leave),
    path("leave/<str:token>/", views.leave, name="leave"),
    path("preferences/<str:token>/", views.preferences, name="preferences"),
    path("<slug:slug>/", views.edition, name="edition"),
]
