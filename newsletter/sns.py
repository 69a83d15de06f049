"""Amazon's posts. They come by way of SNS, which asks first whether we want them.

Loaded when it is wanted: it brings boto3 along, 30 MB that no other worker needs.
"""

from anymail.webhooks.amazon_ses import AmazonSESTrackingWebhookView
from botocore.config import Config
from django.conf import settings
from django.http import HttpRequest

from newsletter.hook_views import Unconfirmed, UnexpectedTopic

CONNECT_SECONDS, ANSWER_SECONDS = 5, 10


class AmazonView(AmazonSESTrackingWebhookView):
    """Anymail's, but that reading a post asks nobody: it is done under locks."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        patience = Config(connect_timeout=CONNECT_SECONDS, read_timeout=ANSWER_SECONDS, retries={"max_attempts": 1})
        given = self.client_params.get("config")
        self.client_params["config"] = patience.merge(given) if given else patience

    def auto_confirm_sns_subscription(self, sns_message):
        """Raises Unconfirmed, or UnexpectedTopic for another topic than ours: anybody's can be pointed at us."""
        topic = settings.ANYMAIL.get("AMAZON_SES_TOPIC")
        raise Unconfirmed if topic and sns_message.get("TopicArn") == topic else UnexpectedTopic

    def confirm(self, request: HttpRequest) -> None:
        """Tell Amazon that we want the posts of the topic that asks here. Raises whatever Anymail and boto raise."""
        super().auto_confirm_sns_subscription(self._parse_sns_message(request))
