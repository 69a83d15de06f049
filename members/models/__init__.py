"""Who belongs: the rows."""

from members.models.application import Application, ApplicationEntry, Assembly, Paper, Referee
from members.models.categories import Category, CodeOfConduct, Document, FieldPolicy, Kind, OrganisationType
from members.models.fee import BankFile, Fee, Payment, Reminder
from members.models.member import Level, Member, ProfileChange, Shown, Signature
from members.models.membership import DecidedBy, Membership
from members.models.people import Contact, ContactRole
from members.models.report import FieldReport, ReportEntry

__all__ = [
    "Application",
    "ApplicationEntry",
    "Assembly",
    "BankFile",
    "Category",
    "CodeOfConduct",
    "Contact",
    "ContactRole",
    "DecidedBy",
    "Document",
    "Fee",
    "FieldPolicy",
    "FieldReport",
    "Kind",
    "Level",
    "Member",
    "Membership",
    "OrganisationType",
    "Paper",
    "Payment",
    "ProfileChange",
    "Referee",
    "Reminder",
    "ReportEntry",
    "Shown",
    "Signature",
]
