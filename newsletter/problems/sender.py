"""Will mail services take what we send? As far as that can be seen from here; it never forbids anything."""

from collections.abc import Mapping

from django.conf import settings
from django.utils.translation import gettext as _

from newsletter import sender_domain
from newsletter.problems.problem import Group, Problem
from newsletter.sender_domain import Answer, Checked, Facts
from picum import links


def of(known: Mapping[str, Checked]) -> list[Problem]:
    """What concerns every edition alike. `known`: see `sender_domain.known`."""
    return [Problem(note, group=Group.SENDER) for note in [*_unsubscribing(), *_domains(known)]]


def _unsubscribing() -> list[str]:
    """Mail services press the button only over https (RFC 8058)."""
    if links.absolute("/").startswith("https://"):
        return []
    return [_("The address for unsubscribing does not begin with https: mail services show no button for it.")]


def _domains(known: Mapping[str, Checked]) -> list[str]:
    shown, returned = sender_domain.shown(), sender_domain.returned_to()
    examples = [domain for domain in dict.fromkeys([shown, returned]) if sender_domain.is_example(domain)]
    if examples:
        words = _("“%s” is a domain for trying things out: nothing can be said of how its mail is received.")
        return [words % domain for domain in examples]
    unknown = [domain for domain in dict.fromkeys([shown, returned]) if known[domain].facts is None]
    if unknown:
        return [_("The domain “%s” has not been looked up yet.") % domain for domain in unknown]
    of_shown, of_returned = known[shown].facts, known[returned].facts
    return [
        *_spf(returned, of_returned.spf),
        *_dkim(shown, of_shown),
        *_dmarc(shown, of_shown),
        *_alignment(shown, returned, of_shown, of_returned),
        *_mail(returned, of_returned.mail),
    ]


def _spf(domain: str, answer: Answer) -> list[str]:
    if not answer.is_known:
        return [_no_answer("SPF", domain)]
    if not answer.records:
        return [_("“%s” has no SPF record: it does not say which servers may send its mail.") % domain]
    if len(answer.records) > 1:
        return [_("“%s” has more than one SPF record: mail services then heed none of them.") % domain]
    terms = answer.records[0].lower().split()
    if "+all" in terms or "all" in terms:
        return [_("The SPF record of “%s” lets everybody send in its name (“+all”).") % domain]
    if "?all" in terms or not any(term in {"-all", "~all"} or term.startswith("redirect=") for term in terms):
        return [_("The SPF record of “%s” does not say what to do with other servers (“~all” or “-all”).") % domain]
    return []


def _dkim(domain: str, facts: Facts) -> list[str]:
    if not settings.NEWSLETTER_DKIM_SELECTORS:
        return [
            _(
                "Whether mails are signed (DKIM) cannot be seen from here: whoever looks after the server has not said"
                " yet under which name the key is published (NEWSLETTER_DKIM_SELECTORS)."
            )
        ]
    notes = []
    for selector in settings.NEWSLETTER_DKIM_SELECTORS:
        answer = facts.dkim.get(selector, Answer(None))
        name = f"{selector}._domainkey.{domain}"
        if not answer.is_known:
            notes.append(_no_answer("DKIM", name))
        elif not any(sender_domain.tags(record).get("p") for record in answer.records):
            notes.append(_("There is no DKIM key at “%s”: signatures of mails cannot be checked.") % name)
    return notes


def _dmarc(domain: str, facts: Facts) -> list[str]:
    answer = facts.dmarc
    if not answer.is_known:
        return [_no_answer("DMARC", domain)]
    if not answer.records:
        return [_("“%s” has no DMARC record: large mail services want one of whoever sends to many.") % domain]
    policies = {sender_domain.tags(record).get("p", "").lower() for record in answer.records}
    if len(answer.records) > 1 or not policies <= {"none", "quarantine", "reject"}:
        return [_("The DMARC record of “%s” is not valid: mail services do not heed it.") % facts.dmarc_at]
    return []


def _alignment(shown: str, returned: str, of_shown: Facts, of_returned: Facts) -> list[str]:
    """SPF counts for DMARC only if the two domains belong together (RFC 7489, 3.1.2)."""
    if shown == returned:
        return []
    record = (of_shown.dmarc.records or [""])[0]
    is_strict = sender_domain.tags(record).get("aspf", "r").lower() == "s"
    is_one_house = bool(of_shown.dmarc_at) and of_shown.dmarc_at == of_returned.dmarc_at
    is_within = returned.endswith(f".{shown}") or shown.endswith(f".{returned}")
    if not is_strict and (is_one_house or is_within):
        return []
    words = _(
        "Mails come from “%(shown)s”, bounces go to “%(returned)s”: SPF does not speak for the sender, only DKIM."
    )
    return [words % {"shown": shown, "returned": returned}]


def _mail(domain: str, answer: Answer) -> list[str]:
    if not answer.is_known:
        return [_no_answer("MX", domain)]
    if not any(answer.records):  # "." takes none (RFC 7505)
        return [_("“%s” takes no mail: bounces and wishes to unsubscribe get lost.") % domain]
    return []


def _no_answer(what: str, domain: str) -> str:
    return _("The name servers gave no answer about %(what)s of “%(domain)s”.") % {"what": what, "domain": domain}
