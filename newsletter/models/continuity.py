"""The database's own sign of life."""

import uuid

from django.db import models
from django.db.models import Q


class Heartbeat(models.Model):
    """One row, written by `newsletter.continuity` about each 30 seconds while a worker is alive.

    Who supervises the site watches `seen_at`. `life` is drawn anew when the database was found to have been restored
    or copied; `server` is the database server's own name for itself, as it was at the last beat.
    """

    life = models.UUIDField(default=uuid.uuid4)
    server = models.CharField(max_length=80)
    beats = models.PositiveBigIntegerField(default=1)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_heartbeat")]

    def __str__(self) -> str:
        return f"{self.beats} {self.seen_at}"
