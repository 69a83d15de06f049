"""The only settings file. Everything that differs between machines comes from the environment: `.env.example`."""

import os
import tempfile
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _
from kombu import Exchange, Queue

from picum import env

BASE_DIR = Path(__file__).resolve().parent.parent
env.load(BASE_DIR / ".env")

DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY", why="a long random text that signs sessions and readers' links")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
# The key of the address hashes outlives every rotation: the stop list is made of these hashes.
ADDRESS_KEY = env.text("ADDRESS_KEY", (SECRET_KEY_FALLBACKS or [SECRET_KEY])[-1])
SITE_URL = (
    env.site("SITE_URL", "http://127.0.0.1:8000")
    if DEBUG
    else env.site("SITE_URL", why="the public address that links in mails begin with")
)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost 127.0.0.1 [::1]" if DEBUG else urlsplit(SITE_URL).hostname)
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SECURE = SITE_URL.startswith("https://")

INSTALLED_APPS = [
    "picum.chaos",
    "picum.pages",
    "members",
    "newsletter",
    "picum.mailbox",
    "picum.areas",
    "picum.accounts",
    "picum.letters",
    "parler",
    "django_prose_editor",
    "django_countries",
    "anymail",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "picum.urls"
WSGI_APPLICATION = "picum.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- data -------------------------------------------------------------------------------------------------------
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var")))
VAR_DIR.mkdir(exist_ok=True)
DATABASES = {"default": environ.Env.db_url_config(env.text("DATABASE_URL", f"sqlite:///{VAR_DIR}/picum.sqlite3"))}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a transaction that will write takes its lock at once, so that none fails half-way.
    # FULL: a commit is on the disk; the promises of the send engine rest on that.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    # A file, not memory: threads and worker processes of the tests read it too.
    DATABASES["default"]["TEST"] = {"NAME": f"{tempfile.gettempdir()}/picum-test-{os.getpid()}.sqlite3"}
else:
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

# --- languages ----------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", _("English")),
    ("de", _("German")),
    ("nl", _("Dutch")),
    ("es", _("Spanish")),
    ("fr", _("French")),
    ("it", _("Italian")),
    ("pt", _("Portuguese")),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
COUNTRIES_OVERRIDE = {"XK": _("Kosovo")}  # a user-assigned code of ISO 3166: members are there
USE_TZ = True
TIME_ZONE = env.zone("TIME_ZONE", "Europe/Brussels")
PARLER_LANGUAGES = {
    None: tuple({"code": code} for code, _name in LANGUAGES),
    "default": {"fallbacks": ["en"], "hide_untranslated": False},
}
# Parler's cache is wrong after a rollback and after queryset.update(); prefetching is as quick.
PARLER_ENABLE_CACHING = False

# --- web ----------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "picum" / "static"]
WHITENOISE_USE_FINDERS = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
SESSION_COOKIE_AGE = 12 * 60 * 60  # a working day: the desk shows who reads about undocumented migration
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_SSL_REDIRECT = False  # the proxy's work; a redirect would break the one-click POST of RFC 8058
BEHIND_PROXY = env.flag("BEHIND_PROXY", False)  # who asks, and over what, stands in its X-Forwarded-… headers
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
# What people upload: nothing far too big is read at all, and what lies on a disk meanwhile lies in a folder of ours.
FILE_UPLOAD_HANDLERS = [
    "members.uploads.BodyLimit",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_TEMP_DIR = VAR_DIR / "incoming"
FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, exist_ok=True)
DATA_UPLOAD_MAX_NUMBER_FILES = 10
MAILBOX_ENABLED = env.flag("MAILBOX_ENABLED", DEBUG)
MAILBOX_PATH = VAR_DIR / "mailbox.sqlite3"

# --- mail and sending ---------------------------------------------------------------------------------------------
EMAIL_URL = (
    env.text("EMAIL_URL", "smtp://127.0.0.1:2525?tls=never")
    if DEBUG
    else env.text("EMAIL_URL", why="where mail goes, such as smtp://user:password@relay:587?tls=required")
)
mail = env.mail_settings(EMAIL_URL)
globals().update(mail)
ANYMAIL = env.provider_settings()
if not DEBUG:
    env.require_webhook_secret(mail["EMAIL_PROVIDER"], ANYMAIL)
DEFAULT_FROM_EMAIL = (
    env.text("DEFAULT_FROM_EMAIL", "PICUM <newsletter@picum.example>")
    if DEBUG
    else env.text("DEFAULT_FROM_EMAIL", why="the newsletter's sender, such as PICUM <newsletter@picum.example>")
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# The domain of Message-ID, List-Id and bounces: aligned with the sender's unless said otherwise.
NEWSLETTER_MAIL_DOMAIN = env.text("NEWSLETTER_MAIL_DOMAIN", parseaddr(DEFAULT_FROM_EMAIL)[1].rpartition("@")[2])
NEWSLETTER_REPLY_TO = env.text("NEWSLETTER_REPLY_TO", "")
# Names under which the relay's or the provider's keys for DKIM are published, to see whether they are.
NEWSLETTER_DKIM_SELECTORS = env.words("NEWSLETTER_DKIM_SELECTORS")
# Where bounces gather, if not in a pipe to `manage.py receive_bounce`.
BOUNCE_MAILBOX = env.mailbox("BOUNCE_URL")
BOUNCE_PIPE = env.text("BOUNCE_URL", "") == "pipe:"
SENDING_LEASE_SECONDS = env.whole("SENDING_LEASE_SECONDS", 90, least=2)
SENDING_RECONCILE_SECONDS = env.whole("SENDING_RECONCILE_SECONDS", 30, least=1)
# A provider's call takes 50 to 200 ms and is one of many; a relay is quicker, and lets in only a few at once.
SENDING_CONNECTIONS = env.whole("SENDING_CONNECTIONS", 32 if mail["EMAIL_PROVIDER"] else 8, least=1)
SENDING_LATEST_HOURS = env.whole("SENDING_LATEST_HOURS", 72, least=1)
SENDING_RATE = env.number("SENDING_RATE", 0)  # messages a second over all workers; 0: as fast as the relay
SENDING_DOMAIN_RATES = env.domain_rates("SENDING_DOMAIN_RATES")  # the same for each recipient domain
SENDING_WARM_UP = env.warm_up("SENDING_WARM_UP")  # messages a day while the sending domain is new
SENDING_NEEDS_TWO = env.flag("SENDING_NEEDS_TWO", False)  # who makes an edition ready does not send it
SENDING_BATCH = env.whole("SENDING_BATCH", 1, least=1)  # recipients a provider's call carries

# --- a machine's first translations: docs/translation-files.md --------------------------------------------------------
MACHINE_TRANSLATION = env.text("MACHINE_TRANSLATION", "")  # libretranslate, deepl; empty: none
MACHINE_TRANSLATION_URL = env.text("MACHINE_TRANSLATION_URL", "")
MACHINE_TRANSLATION_KEY = env.text("MACHINE_TRANSLATION_KEY", "")

# --- members' fees: the account to which they are paid ----------------------------------------------------------------
# Without one no debit note goes out. For trying out, the example of the IBAN registry (ISO 13616).
MEMBERS_IBAN = env.iban("MEMBERS_IBAN", "BE68 5390 0754 7034" if DEBUG else "")
MEMBERS_BIC = env.bic("MEMBERS_BIC")
MEMBERS_ACCOUNT_NAME = env.text("MEMBERS_ACCOUNT_NAME", "PICUM")

# --- Celery: a message is a doorbell, the database row is the truth ---------------------------------------------------
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "memory://localhost/")
BROKER_IS_EMBEDDED = CELERY_BROKER_URL.startswith("memory:")  # heard only inside `manage.py run`
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"polling_interval": 0.1}
    if BROKER_IS_EMBEDDED
    # A message of a killed worker comes back after visibility_timeout, looked for every ten seconds. Whoever rings
    # while the broker is away waits for a second or two and no longer: it may be a person who pressed a button.
    else {
        "visibility_timeout": 600,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 2,
        "connect_retries_timeout": 1,
        "interval_start": 0.1,
        "interval_step": 0.2,
        "interval_max": 0.5,
    }
)
# What nobody waits for has a queue of its own: mails never stand behind it. A worker takes from both in turn, or from
# those of its -Q.
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in ("celery", "upkeep")]
CELERY_TASK_ROUTES = {
    task: {"queue": "upkeep"}
    for task in (
        "newsletter.upkeep",
        "members.upkeep",
        "newsletter.check_links",
        "newsletter.check_sender",
        "newsletter.machine_drafts",
    )
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "reconcile": {
        "task": "newsletter.reconcile",
        "schedule": SENDING_RECONCILE_SECONDS,
        "options": {"expires": SENDING_RECONCILE_SECONDS},
    },
    "letters": {
        "task": "letters.tidy",
        "schedule": SENDING_RECONCILE_SECONDS,
        "options": {"expires": SENDING_RECONCILE_SECONDS},
    },
}
# Every hour, though "after seven days" allows for a day: a site that is switched off at night does it too.
CELERY_BEAT_SCHEDULE |= {
    deed.replace("_", "-"): {
        "task": "newsletter.upkeep",
        "args": [deed],
        "schedule": seconds,
        "options": {"expires": seconds},
    }
    for deed, seconds in {
        "expire_sign_ups": 3600,
        "expire_readers": 3600,
        "expire_system_mails": 3600,
        "expire_raw_events": 3600,
        "expire_imports": 3600,
        "expire_sessions": 3600,
        "expire_invitations": 3600,
        "tally_deliveries": 3600,
        "count_readers": 3600,
        "learn_translations": 3600,
        "count_avoided": 3600,
        "index_items": 3600,
        "look_outside": 3600,
        "count_figures": 900,  # while an issue goes out, people look at its figures
    }.items()
}
CELERY_BEAT_SCHEDULE |= {
    f"members-{deed.replace('_', '-')}": {
        "task": "members.upkeep",
        "args": [deed],
        "schedule": 3600,
        "options": {"expires": 3600},
    }
    # The names of `members.upkeep.DEEDS`.
    for deed in (
        "tidy_files",
        "expire_contacts",
        "remind_of_fees",
        "remind_to_confirm",
        "expire_profile_changes",
        "expire_drafts",
        "remind_drafts",
        "remind_referees",
        "expire_applications",
        "tell_published_reports",
    )
}
if BOUNCE_MAILBOX:
    CELERY_BEAT_SCHEDULE["fetch-bounces"] = {
        "task": "newsletter.fetch_bounces",
        "schedule": 180,
        "options": {"expires": 180},
    }

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {"tokens": {"()": "picum.logs.WithoutTokens"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["tokens"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "aiosmtpd": {"level": "ERROR"},
        "mail.log": {"level": "ERROR"},
        "celery": {"level": "WARNING"},
        # Django's own handlers go, and all lines to ours: requests have tokens in their address.
        "django": {"level": "INFO"},
        "django.server": {"level": "WARNING", "propagate": True},
        "flufl.bounce": {"level": "CRITICAL"},  # it tells each of its steps, and tracebacks of strange mails
    },
}
