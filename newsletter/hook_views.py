"""Anymail's webhook views, one for each provider: they check that a post is the provider's, and read it.

They are not routed to: `newsletter.hooks` receives, and a worker reads later (`newsletter.posts`).
"""

import base64
import hashlib
import hmac
import logging
import time
import warnings

from anymail.exceptions import AnymailNotSupportedWarning, AnymailWebhookValidationFailure
from anymail.utils import get_anymail_setting
from anymail.webhooks.base import AnymailBaseWebhookView, AnymailBasicAuthMixin
from anymail.webhooks.resend import ResendTrackingWebhookView
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string

from picum import env

log = logging.getLogger(__name__)

# Anymail warns at each start of a view that SendGrid is no longer tested there; docs/providers.md says so once.
warnings.filterwarnings("ignore", category=AnymailNotSupportedWarning)


class Unconfirmed(Exception):
    """The post asks whether we want the posts of our topic: it needs an answer, not under locks."""


class UnexpectedTopic(Exception):
    """The post asks so for a topic that ANYMAIL_AMAZON_SES_TOPIC does not name."""


class ResendView(ResendTrackingWebhookView):
    """Resend's posts, whose signature Anymail would check with a package as large as it is needless: it is one HMAC
    over number, time and body (the Standard Webhooks specification, which Svix follows)."""

    TOLERANCE = 300  # seconds; what is older may be somebody's copy

    def __init__(self, **kwargs):
        self.key = get_anymail_setting("signing_secret", esp_name=self.esp_name, default=None)
        super().__init__(signing_secret=None, **kwargs)

    def validate_request(self, request):
        if self.key is None:
            return
        number, moment = request.headers.get("svix-id", ""), request.headers.get("svix-timestamp", "")
        given = [part.partition(",")[2] for part in request.headers.get("svix-signature", "").split()]
        try:
            key = base64.b64decode(self.key.removeprefix("whsec_"), validate=True)
            fresh = abs(time.time() - int(moment)) <= self.TOLERANCE
        except ValueError as error:
            raise AnymailWebhookValidationFailure("Resend's signature cannot be read") from error
        signed = f"{number}.{moment}.".encode() + request.body
        right = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        if not fresh or not any(constant_time_compare(one, right) for one in given):
            raise AnymailWebhookValidationFailure("Resend's webhook was called with a wrong signature")


# Loaded when they are wanted: Amazon's alone brings boto3 along, 30 MB that no other worker needs.
VIEWS = {
    "amazon-ses": "newsletter.sns.AmazonView",
    "brevo": "anymail.webhooks.brevo.BrevoTrackingWebhookView",
    "mailersend": "anymail.webhooks.mailersend.MailerSendTrackingWebhookView",
    "mailgun": "anymail.webhooks.mailgun.MailgunTrackingWebhookView",
    "mailjet": "anymail.webhooks.mailjet.MailjetTrackingWebhookView",
    "mailtrap": "anymail.webhooks.mailtrap.MailtrapTrackingWebhookView",
    "mandrill": "anymail.webhooks.mandrill.MandrillCombinedWebhookView",
    "postal": "anymail.webhooks.postal.PostalTrackingWebhookView",
    "postmark": "anymail.webhooks.postmark.PostmarkTrackingWebhookView",
    "resend": "newsletter.hook_views.ResendView",
    "sendgrid": "anymail.webhooks.sendgrid.SendGridTrackingWebhookView",
    "sparkpost": "anymail.webhooks.sparkpost.SparkPostTrackingWebhookView",
    "unisender-go": "anymail.webhooks.unisender_go.UnisenderGoTrackingWebhookView",
}  # Scaleway has none


def view_for(provider: str) -> AnymailBaseWebhookView:
    """Raises ImproperlyConfigured when a key is missing without which nothing can be checked."""
    return import_string(VIEWS[provider])()


def is_guarded(provider: str) -> bool:
    """Whether anything tells this provider's posts from a stranger's. While developing nothing needs to."""
    return settings.DEBUG or env.has_webhook_secret(provider, settings.ANYMAIL)


def is_genuine(request: HttpRequest, provider: str) -> bool:
    """Whether the post is the provider's: the shared secret, and its signature where it signs.

    Raises ImproperlyConfigured, as `view_for` does.
    """
    view = view_for(provider)
    try:
        view.run_validators(request)
    except AnymailWebhookValidationFailure:
        return False
    except ImproperlyConfigured:
        raise
    except Exception as error:
        log.warning("A post of %s could not be checked: %s", provider, type(error).__name__)
        # A body that the check cannot even read. Where there are signatures, it has none. Elsewhere it counts if the
        # shared secret came with it: we want to know what we cannot read.
        unsigned = provider not in env.SIGNING_KEYS
        return unsigned and bool(view.basic_auth) and _knows_the_secret(view, request)
    return True


def _knows_the_secret(view: AnymailBasicAuthMixin, request: HttpRequest) -> bool:
    try:
        AnymailBasicAuthMixin.validate_request(view, request)
    except AnymailWebhookValidationFailure:
        return False
    return True
