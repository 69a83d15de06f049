"""What holds an edition back, and which limits are in force, in words for who watches."""

import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from newsletter import pacing
from newsletter.holding import Cause, Holding
from picum import localising


def sentence(held: Holding | None, *, now: datetime.datetime) -> str:
    """What is in the way, and where there is one, the setting that changes it; "" when nothing is."""
    if held is None:
        return ""
    when = _when(held.until, now) if held.until else ""
    match held.cause:
        case Cause.BACKS_OFF:
            return _("Mail cannot leave at the moment; sending goes on by itself %s.") % when
        case Cause.WARM_UP:
            return _("Today’s share of the warm-up is used up (SENDING_WARM_UP); it goes on by itself %s.") % when
        case Cause.LATER:
            return _("What is left waits for its next try %s.") % when
        case Cause.RATE:
            rate = number(settings.SENDING_RATE)
            return _("The limit of %s mails a second is reached (SENDING_RATE).") % rate
        case Cause.DOMAIN:
            words = _("Readers at %(domain)s wait: it gets %(rate)s mails a second (SENDING_DOMAIN_RATES).")
            return words % {"domain": held.domain, "rate": number(pacing.domain_rate(held.domain))}
        case Cause.NOBODY:
            return _nobody(held)
        case Cause.RELAY:
            return " ".join([_relay(held), _crew(held)]).strip()
        case Cause.LEDGER:
            return _("The database takes most of the time: %s ms a mail.") % _milliseconds(held)
        case Cause.WORKERS:
            return _crew(held)
        case Cause.MACHINE:
            return _("The workers are as busy as their machine lets them be.")


def knobs(limits: pacing.Standing, *, now: datetime.datetime) -> str:
    """The settings that decide how quickly mail leaves, in one line."""
    connections = settings.SENDING_CONNECTIONS
    parts = [ngettext("%d connection a worker", "%d connections a worker", connections) % connections]
    if settings.SENDING_RATE:
        parts.append(_("%s mails a second") % number(settings.SENDING_RATE))
    if rates := settings.SENDING_DOMAIN_RATES:
        others = _("others")
        named = [f"{others if domain == '*' else domain} {number(rate)}" for domain, rate in rates.items()]
        parts.append(_("of these %s") % ", ".join(named) if settings.SENDING_RATE else _each(named))
    if not settings.SENDING_RATE and not rates:
        parts.append(_("no limit a second"))
    return _("In force: %s.") % "; ".join([*parts, *_warm_up(limits, now)])


def number(value: float) -> str:
    """As people of the active language write it: 14, 2.5, 0.25, 1,000."""
    places = next(places for places in range(3) if round(value, places) == value or places == 2)
    return number_format(value, decimal_pos=places, force_grouping=True)


def _each(named: list[str]) -> str:
    return _("mails a second to %s") % ", ".join(named)


def _warm_up(limits: pacing.Standing, now: datetime.datetime) -> list[str]:
    plan = settings.SENDING_WARM_UP
    if plan is None:
        return []
    today = timezone.localdate(now, timezone.get_default_timezone())
    if today < plan.start:
        return [_("warm-up from %s") % localising.day(plan.start, get_language() or "en")]
    if limits.left_today is None:
        return []
    share = {"left": number(limits.left_today), "share": number(plan.allowance(today) or 0)}
    return [_("warm-up: %(left)s of today’s %(share)s left") % share]


def _nobody(held: Holding) -> str:
    if held.seconds is None:
        return _("No worker is at work; is Celery running?")
    words = ngettext(
        "No worker has been seen for %d second; is Celery running?",
        "No worker has been seen for %d seconds; is Celery running?",
        held.seconds,
    )
    return words % held.seconds


def _relay(held: Holding) -> str:
    numbers = {"ms": _milliseconds(held), "connections": held.connections}
    if settings.NEWSLETTER_TRANSPORT == "smtp":
        words = ngettext(
            "The relay takes most of the time: %(ms)s ms a mail on %(connections)d connection.",
            "The relay takes most of the time: %(ms)s ms a mail on %(connections)d connections.",
            held.connections,
        )
    else:
        words = ngettext(
            "The provider takes most of the time: %(ms)s ms a mail on %(connections)d connection.",
            "The provider takes most of the time: %(ms)s ms a mail on %(connections)d connections.",
            held.connections,
        )
    return words % numbers + " " + _("More connections help (SENDING_CONNECTIONS).")


def _milliseconds(held: Holding) -> str:
    return number(round(held.milliseconds, 1 if held.milliseconds < 10 else 0))


def _crew(held: Holding) -> str:
    if held.workers >= held.wanted:
        return ""
    words = _("%(workers)d of %(wanted)d workers are at work; with more of them it would be quicker.")
    return words % {"workers": held.workers, "wanted": held.wanted}


def _when(until: datetime.datetime, now: datetime.datetime) -> str:
    """ "in 12 seconds", "at 14:05", "on 21 October 2026, 00:00"."""
    seconds = max(1, round((until - now).total_seconds()))
    if seconds < 100:
        return ngettext("in %d second", "in %d seconds", seconds) % seconds
    local, today = timezone.localtime(until), timezone.localtime(now).date()
    if local.date() == today:
        return _("at %s") % f"{local:%H:%M}"
    return _("on %s") % localising.moment(local, get_language() or "en")
