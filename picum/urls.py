from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("mailbox/", include("picum.mailbox.urls"))]
urlpatterns += i18n_patterns(path("desk/", admin.site.urls))
