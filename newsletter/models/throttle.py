"""How quickly mail may leave: what all workers share."""

from django.db import models


class Throttle(models.Model):
    """The moments that `newsletter.pacing` has handed out for a transport, or for a recipient domain of it.

    `name` is "smtp" for the transport itself, "smtp gmail.com" for a domain. Only the transport's row has gaps and
    counts days.
    """

    name = models.CharField(max_length=300, primary_key=True)
    next_at = models.DateTimeField()  # from here on everything is free
    # Moments before `next_at` that are free all the same: pairs of seconds before it, such as [-3.2, -2.9].
    gaps = models.JSONField(default=list)
    later_at = models.DateTimeField()  # until here letters have been told to come again
    day = models.DateField(null=True)
    sent = models.PositiveIntegerField(default=0)  # moments handed out on that day, while a warm-up goes on

    def __str__(self) -> str:
        return f"{self.name} {self.next_at}"
