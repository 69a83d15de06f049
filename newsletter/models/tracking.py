"""What came back after sending: a provider's posts as they arrived, and the events and bounces read from them."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from newsletter.models.delivery import Delivery
from newsletter.querysets import RawEventQuerySet
from picum.keyset import Newest


class DeliveryEvent(models.Model):
    """What a provider, or a bounce, said about one delivery. Written by `newsletter.tracking` alone, never changed.

    `source` is the provider's name as in EMAIL_URL, or "dsn" for a bounce by mail. `code` is an enhanced status code
    (RFC 3463) or the provider's own word. Opens and clicks have no kind: nobody watches readers here.
    """

    class Kind(models.TextChoices):
        DELIVERED = "delivered", _("delivered")
        SOFT = "soft", _("not now")
        POLICY = "policy", _("refused by policy")
        REJECTED = "rejected", _("not sent by the provider")
        HARD = "hard", _("does not exist")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        COMPLAINED = "complained", _("complained")

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="events", verbose_name=_("delivery"))
    kind = models.CharField(_("what"), max_length=12, choices=Kind.choices)
    source = models.CharField(_("said by"), max_length=20)
    code = models.CharField(_("code"), max_length=20, blank=True, default="")
    detail = models.CharField(_("in their words"), max_length=300, blank=True, default="")
    happened_at = models.DateTimeField(_("happened"))
    received_at = models.DateTimeField(_("received"))
    # A hash of source, delivery, kind and the source's own number of the event: the same event is the same row.
    key = models.UUIDField(unique=True, editable=False)

    class Meta:
        verbose_name = _("delivery event")
        verbose_name_plural = _("delivery events")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["kind", "-id"], name="delivery_event_kind"),
            models.Index("source", Newest(), "kind", name="delivery_event_source"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.delivery_id})"


class RawEvent(models.Model):
    """A provider's post as it arrived, until a worker has read it.

    Bodies hold addresses: a body is emptied when it has been read, and a row lives for some days
    (`newsletter.retention`), so that the same post is known when it is repeated. `error` says why one could not
    be read; its body stays for as long as the row.
    """

    source = models.CharField(_("provider"), max_length=20)
    content_type = models.CharField(max_length=200, blank=True, default="")
    # Of the request's headers only what reading needs.
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    size = models.PositiveIntegerField(_("octets"))
    digest = models.UUIDField(unique=True, editable=False)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    processed_at = models.DateTimeField(_("read"), null=True, blank=True, db_index=True)
    error = models.CharField(_("why it cannot be read"), max_length=300, blank=True, default="")

    objects = RawEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("provider's post")
        verbose_name_plural = _("providers' posts")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["id"], name="raw_event_waiting", condition=models.Q(processed_at__isnull=True)),
            models.Index(fields=["-id"], name="raw_event_unreadable", condition=~models.Q(error="")),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.pk}"
