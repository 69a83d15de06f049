"""The least a Django project with django-post_office needs; the rest comes from the environment."""

import os
from urllib.parse import urlsplit

_database, _relay = urlsplit(os.environ["DATABASE_URL"]), urlsplit(os.environ["EMAIL_URL"])

SECRET_KEY = "only for measuring"  # noqa: S105
INSTALLED_APPS = ["django.contrib.contenttypes", "post_office"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.path[1:],
        "USER": _database.username or "",
        "PASSWORD": _database.password or "",
        "HOST": _database.hostname or "",
        "PORT": _database.port or "",
        "CONN_MAX_AGE": 60,
    }
}
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
EMAIL_BACKEND = "post_office.EmailBackend"
EMAIL_HOST, EMAIL_PORT = _relay.hostname, _relay.port
POST_OFFICE = {
    "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
    "BATCH_SIZE": int(os.environ["PEER_BATCH"]),
    "THREADS_PER_PROCESS": int(os.environ["PEER_THREADS"]),
    "MESSAGE_ID_ENABLED": True,  # ours carry one too
    "MESSAGE_ID_FQDN": "picum.example",
}
