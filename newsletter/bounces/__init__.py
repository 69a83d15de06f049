"""Bounces by mail: read, understood, and handed to `newsletter.tracking`."""

from newsletter.bounces.intake import take, told
from newsletter.bounces.mailbox import Unreachable, collect
from newsletter.bounces.reading import LARGEST, SOURCE, Reading, read

__all__ = ["LARGEST", "SOURCE", "Reading", "Unreachable", "collect", "read", "take", "told"]
