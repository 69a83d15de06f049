"""The least that it needs; the rest comes from the environment."""

import os
from urllib.parse import urlsplit

_database = urlsplit(os.environ["DATABASE_URL"])

# What PostgreSQL calls our languages.
LANGUAGES_OF_POSTGRESQL = {
    "en": "english",
    "de": "german",
    "nl": "dutch",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "pt": "portuguese",
}
SECRET_KEY = "only for measuring"  # noqa: S105
INSTALLED_APPS = ["django.contrib.contenttypes", "modelsearch", "benchmarks.peer.searching"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.path[1:],
        "USER": _database.username or "",
        "PASSWORD": _database.password or "",
        "HOST": _database.hostname or "",
        "PORT": _database.port or "",
    }
}
MODELSEARCH_BACKENDS = {
    "default": {"BACKEND": "modelsearch.backends.database", "AUTO_UPDATE": False},
} | {
    code: {"BACKEND": "modelsearch.backends.database", "SEARCH_CONFIG": name, "AUTO_UPDATE": False}
    for code, name in LANGUAGES_OF_POSTGRESQL.items()
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
