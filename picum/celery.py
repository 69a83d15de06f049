"""The Celery application. Configuration stands in the settings under CELERY_."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "picum.settings")
app = Celery("picum")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
