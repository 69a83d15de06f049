from django.urls import path

from picum.mailbox import views

app_name = "mailbox"
urlpatterns = [
    path("", views.box, name="box"),
    path("latest/", views.latest, name="latest"),
    path("empty/", views.empty, name="empty"),
    path("<int:number>/", views.message, name="message"),
    path("<int:number>/mail.eml", views.eml, name="eml"),
    path("<int:number>/html/", views.html, name="html"),
    path("<int:number>/<slug:tab>/", views.message, name="message"),
]
