"""Links that lead nowhere, as far as they were asked in the background."""

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter import link_checks
from newsletter.link_checks import Link
from newsletter.models import LinkCheck
from newsletter.outside import Note
from newsletter.problems.problem import Group, Kind, Place, Problem

State = LinkCheck.State


def of(links: Iterable[Link], checks: Mapping[str, LinkCheck], language: str) -> list[Problem]:
    """`links`: those of an edition; `checks`: by address as `link_checks.bare` has it."""
    by_state: dict[str, list[Place]] = {}
    for link in links:
        check = checks.get(link_checks.bare(link.url))
        state = check.state if check else State.UNKNOWN
        if state != State.OK and not (check and check.note == Note.OUR_OWN):
            by_state.setdefault(state, []).append(_place(link, check, language))
    found = []
    for state in (State.BROKEN, State.PRIVATE, State.REFUSED, State.UNKNOWN):
        if places := by_state.get(state):
            found.append(Problem(words(state, places), places=tuple(places), group=Group.LINKS, counted=state))
    return found


def words(state: str, places: Iterable[Place]) -> str:
    """What is said of the links in a state; one that stands in many places is one."""
    number = len({link_checks.bare(place.url) for place in places})
    said = {
        State.BROKEN: ngettext("%d link is broken.", "%d links are broken.", number),
        State.PRIVATE: ngettext(
            "%d link does not lead to the public web; it was not opened.",
            "%d links do not lead to the public web; they were not opened.",
            number,
        ),
        State.REFUSED: ngettext(
            "%d link could not be checked: please try it yourself.",
            "%d links could not be checked: please try them yourself.",
            number,
        ),
        State.UNKNOWN: ngettext("%d link has not been checked yet.", "%d links have not been checked yet.", number),
    }
    return said[state] % number


def _place(link: Link, check: LinkCheck | None, language: str) -> Place:
    in_source = link.item is not None and link.language is None
    why = _why(check)
    if in_source:
        why = _("a source: %s") % why if why else _("a source")
    return Place(Kind.ITEM if in_source else Kind.WORDS, link.language or language, link.item, why, link.url)


def _why(check: LinkCheck | None) -> str:
    if check is None or check.state == State.UNKNOWN:
        return ""
    if not check.note:
        return _("the site answers %d") % check.status
    return {
        Note.NOT_PUBLIC: _("its site is in a private network"),
        Note.PORT: _("it leads to an unusual port"),
        Note.PASSWORD: _("there is a user name or password in it"),
        Note.NO_HOST: _("there is no such site"),
        Note.NO_NAMES: _("the name of its site could not be looked up"),
        Note.NO_ANSWER: _("its site does not answer"),
        Note.TOO_SLOW: _("its site is too slow"),
        Note.CERTIFICATE: _("the certificate of its site is not valid"),
        Note.NOT_HTTP: _("its site answers in no way that we understand"),
        Note.NOT_WEB: _("it is no web address"),
        Note.REDIRECTS: _("it leads on and on without an end"),
    }[Note(check.note)]
