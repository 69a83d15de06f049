from newsletter.models.audience import Subscriber, Suppression
from newsletter.models.content import Body, Issue, Item, ItemTranslation, Section, Source
from newsletter.models.continuity import Heartbeat
from newsletter.models.delivery import Delivery, Edition, Rendition, Route
from newsletter.models.shifts import Shift
from newsletter.models.throttle import Throttle
from newsletter.models.tracking import DeliveryEvent, RawEvent

__all__ = [
    "Body",
    "Delivery",
    "DeliveryEvent",
    "Edition",
    "Heartbeat",
    "Issue",
    "Item",
    "ItemTranslation",
    "RawEvent",
    "Rendition",
    "Route",
    "Section",
    "Shift",
    "Source",
    "Subscriber",
    "Suppression",
    "Throttle",
]
