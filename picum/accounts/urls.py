"""Addresses of signing in, below the language. The desk has its own page for it, with the same check."""

from django.urls import path

from picum.accounts import desk_invitation, views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-in/password/", views.password, name="password"),
    path("sign-in/invitation/<str:token>/", desk_invitation.show, name="desk_invitation"),
    path("sign-in/<str:token>/", views.open_link, name="open"),
    path("sign-out/", views.sign_out, name="sign_out"),
]
