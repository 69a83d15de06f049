from newsletter.models.audience import Subscriber, Suppression
from newsletter.models.consent import Consent, Wording
from newsletter.models.content import Body, Issue, Item, ItemTranslation, Section, Source
from newsletter.models.continuity import Heartbeat
from newsletter.models.delivery import Delivery, Edition, Recipient, Rendition, Route
from newsletter.models.figures import AudienceCount, IssueTotal
from newsletter.models.glossary import Term
from newsletter.models.jobs import ImportJob
from newsletter.models.machine import MachineRun
from newsletter.models.memory import Learned, Sentence, SentenceBand, SentencePair
from newsletter.models.outside import LinkCheck, SenderCheck
from newsletter.models.requests import Move, SignUp, SystemMail
from newsletter.models.search import SearchEntry
from newsletter.models.shifts import Shift
from newsletter.models.throttle import Throttle
from newsletter.models.tracking import DeliveryEvent, RawEvent
from newsletter.models.translation import Remark, Revision, Text, Translator
from newsletter.models.trials import TrialAddress, TrialGroup

__all__ = [
    "AudienceCount",
    "Body",
    "Consent",
    "Delivery",
    "DeliveryEvent",
    "Edition",
    "Heartbeat",
    "ImportJob",
    "Issue",
    "IssueTotal",
    "Item",
    "ItemTranslation",
    "Learned",
    "LinkCheck",
    "MachineRun",
    "Move",
    "RawEvent",
    "Recipient",
    "Remark",
    "Rendition",
    "Revision",
    "Route",
    "SearchEntry",
    "Section",
    "SenderCheck",
    "Sentence",
    "SentenceBand",
    "SentencePair",
    "Shift",
    "SignUp",
    "Source",
    "Subscriber",
    "Suppression",
    "SystemMail",
    "Term",
    "Text",
    "Throttle",
    "Translator",
    "TrialAddress",
    "TrialGroup",
    "Wording",
]
