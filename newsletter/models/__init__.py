from newsletter.models.audience import Subscriber, Suppression
from newsletter.models.content import Body, Issue, Item, ItemTranslation, Section, Source
from newsletter.models.delivery import Delivery, Edition, Pace, Rendition, Route

__all__ = [
    "Body",
    "Delivery",
    "Edition",
    "Issue",
    "Item",
    "ItemTranslation",
    "Pace",
    "Rendition",
    "Route",
    "Section",
    "Source",
    "Subscriber",
    "Suppression",
]
