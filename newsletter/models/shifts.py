"""Who is at work: a row for each run of a worker over an edition."""

from django.db import models

from newsletter.models.delivery import Edition


class Shift(models.Model):
    """A worker's run, as it last told of itself (`newsletter.shifts.note`). Figures for people; nothing rests on them.

    The waits are seconds, summed over the run's lanes.
    """

    worker = models.CharField(max_length=32, unique=True)
    edition = models.ForeignKey(Edition, models.CASCADE, related_name="shifts")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    lanes = models.PositiveSmallIntegerField()
    letters = models.PositiveIntegerField()
    relay = models.FloatField(default=0)  # for the relay's, or the provider's, answers
    rate = models.FloatField(default=0)  # for a letter's moment
    domain = models.FloatField(default=0)  # the same, for that of its domain
    ledger = models.FloatField(default=0)  # for the database

    def __str__(self) -> str:
        return f"{self.worker} {self.letters}"
