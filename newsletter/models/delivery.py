"""What is sent: an edition, its frozen renditions, and one row for each reader. The row is the queue."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from newsletter.models.audience import Subscriber
from newsletter.models.content import Issue
from newsletter.querysets import DeliveryQuerySet, EditionQuerySet
from newsletter.reasons import ReasonField


class Edition(models.Model):
    """An issue in one language, and how far its sending is. `newsletter.lifecycle` alone changes the state."""

    class State(models.TextChoices):
        DRAFT = "draft", _("being written")
        READY = "ready", _("ready")
        SCHEDULED = "scheduled", _("scheduled")
        HELD = "held", _("held: waits for a person")
        SENDING = "sending", _("being sent")
        PAUSED = "paused", _("paused")
        SENT = "sent", _("sent")
        CANCELLED = "cancelled", _("cancelled")

    issue = models.ForeignKey(Issue, models.PROTECT, related_name="editions", verbose_name=_("issue"))
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.DRAFT)
    readers_wait = models.BooleanField(
        _("readers wait for this language"),
        default=True,
        help_text=_("If not, they get the issue in the next language of their order."),
    )
    # Who called it ready, and when; and when a person last said that it shall go out: `newsletter.two_people`.
    ready_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+")
    ready_at = models.DateTimeField(null=True, editable=False)
    let_go_at = models.DateTimeField(null=True, editable=False)
    send_at = models.DateTimeField(_("send at"), null=True, blank=True)
    frozen_at = models.DateTimeField(_("frozen"), null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True, editable=False)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    # No intent is granted after it: news grows old. Set at freezing, and anew whenever a person lets it go on.
    latest_at = models.DateTimeField(_("latest hour"), null=True, blank=True, editable=False)
    frozen_count = models.PositiveIntegerField(_("readers"), default=0, editable=False)
    reason = ReasonField(_("why it stands still"), blank=True, editable=False)
    last_error = ReasonField(_("last error"), blank=True, editable=False)
    # After a relay failed, nothing is claimed before this moment; doubled with each failure in a row.
    resume_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When a person last let it go on: the breakers of `newsletter.brakes` count from here anew.
    resumed_at = models.DateTimeField(null=True, blank=True, editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)

    objects = EditionQuerySet.as_manager()

    class Meta:
        verbose_name = _("edition")
        verbose_name_plural = _("editions")
        ordering = ["issue", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["issue", "language"], name="one_edition_per_issue_and_language"),
            models.CheckConstraint(
                condition=~Q(state__in=["scheduled", "held"]) | Q(send_at__isnull=False), name="scheduled_has_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["sending", "paused", "sent"]) | Q(frozen_at__isnull=False),
                name="sending_is_frozen",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue.label(self.language)} ({self.language})"

    def get_absolute_url(self) -> str:
        return reverse("newsletter:edition", args=[self.issue.slug])

    @property
    def is_to_come(self) -> bool:
        """Whether it has a time to be sent at, and that lies ahead."""
        return self.send_at is not None and self.send_at > timezone.now()


class Rendition(models.Model):
    """The frozen words of an edition, once per way of filling its gaps and of ordering its index.

    `variant` names, for each item the edition's language lacks, the language shown instead (item ids and languages),
    and the sections that stand first in the index because readers named their areas: like
    "12:es 15:en first:health-care,detention", and "" when nothing is lacking, or left out, and the index is in the
    order of the issue. `marker` stands in html and text where a reader's own token belongs; it is random, so no editor
    can write it.
    """

    edition = models.ForeignKey(Edition, models.CASCADE, related_name="renditions")
    variant = models.TextField(blank=True)
    marker = models.CharField(max_length=32)
    subject = models.CharField(max_length=150)
    html = models.TextField()
    text = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["edition", "variant"], name="one_rendition_per_variant")]

    def __str__(self) -> str:
        return f"{self.edition_id} {self.variant}"


class Route(models.Model):
    """Readers with this order of languages, these areas and this wish for a late language get this rendition."""

    edition = models.ForeignKey(Edition, models.CASCADE, related_name="routes")
    languages = models.CharField(max_length=20)
    areas = models.CharField(max_length=100, blank=True, default="")
    late = models.CharField(max_length=8, choices=Subscriber.Late.choices, default=Subscriber.Late.WAIT)
    rendition = models.ForeignKey(Rendition, models.CASCADE, related_name="routes")
    # A reader's order may lead to several editions of an issue; the open one is where they get it now.
    open = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["edition", "languages", "areas", "late"], name="one_route_per_wish")
        ]

    def __str__(self) -> str:
        return f"{self.languages} {self.areas} {self.late} → {self.rendition_id}"


class Recipient(models.Model):
    """Somebody who is written to by a circular, and need not be a reader. Forgotten when its deliveries are."""

    issue = models.ForeignKey(Issue, models.CASCADE, related_name="recipients")
    address = models.CharField(max_length=254)
    address_key = models.UUIDField(db_index=True)
    handle = models.UUIDField(default=uuid.uuid4)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issue", "address_key"], name="one_recipient_per_circular_and_address")
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Delivery(models.Model):
    """One reader's copy of one issue. Created by `newsletter.enqueue`, which also queues again what is unknown when a
    person says so; otherwise moved only by `newsletter.ledger`."""

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        DEFERRED = "deferred", _("to be tried again")
        CLAIMED = "claimed", _("in hand")
        ATTEMPTING = "attempting", _("on the wire")
        ACCEPTED = "accepted", _("accepted")
        FAILED = "failed", _("failed")
        SKIPPED = "skipped", _("skipped")
        UNKNOWN = "unknown", _("unknown")

    DUE = [State.QUEUED, State.DEFERRED]
    IN_HAND = [State.CLAIMED, State.ATTEMPTING]
    FINAL = [State.ACCEPTED, State.FAILED, State.SKIPPED, State.UNKNOWN]

    # Without constraints of the database's: rows are made only by a SELECT from these very tables with the editions
    # locked, and Django protects what they point to. Three look-ups a row took as long as all else together.
    issue = models.ForeignKey(Issue, models.PROTECT, db_index=False, db_constraint=False, related_name="+")
    edition = models.ForeignKey(Edition, models.PROTECT, db_index=False, db_constraint=False, related_name="deliveries")
    rendition = models.ForeignKey(Rendition, models.PROTECT, db_index=False, db_constraint=False, related_name="+")
    # Erasing a reader leaves the count: the row stays, without the person.
    subscriber = models.ForeignKey(Subscriber, models.SET_NULL, null=True, db_index=False, related_name="deliveries")
    # Of a circular instead; a row without either is somebody's who was erased.
    recipient = models.ForeignKey(
        Recipient, models.SET_NULL, null=True, db_index=False, db_constraint=False, related_name="+"
    )
    address_key = models.UUIDField()
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    why = models.CharField(_("why"), max_length=20, blank=True, default="")
    detail = models.CharField(_("what the relay said"), max_length=300, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due"))
    worker = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(fields=["issue", "address_key"], name="one_delivery_per_issue_and_address"),
            models.UniqueConstraint(fields=["subscriber", "issue"], name="one_delivery_per_reader_and_issue"),
            models.CheckConstraint(
                condition=~Q(state__in=["claimed", "attempting"]) | Q(lease_until__isnull=False),
                name="in_hand_has_a_lease",
            ),
        ]
        indexes = [
            # The only one beside the keys: each is written thrice a mail.
            models.Index(fields=["edition", "state", "due_at", "id"], name="delivery_due"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"
