"""The judge: the relay's own log is held against the ledger, address by address.

Nothing here asks a database or a wire: what is compared comes in as plain data, so that the judge itself can be tried.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

FINAL = {"accepted", "failed", "skipped", "unknown"}
LONGEST_SILENCE = 150  # seconds: G4


@dataclass(frozen=True)
class Doubt:
    """Something that may leave letters in doubt, and how many at most."""

    what: str
    most: int


@dataclass
class Evidence:
    """What is known when all is over.

    `readers`: whom the drill subscribed. `ledger`: (address, state) of each delivery. `frozen`: how many the editions
    counted when they were frozen. `log`: recipients in the order in which the relay took their mail. `refused`: whom
    it refused for good. `left`: who unsubscribed meanwhile. `doubts`: what happened, by a name of its own, and
    `causes`: for each unknown address the name of what put it in doubt, where one is known. `silences`: the longest
    time without a mail, in seconds, after each loss of the broker. `half_frozen`: deliveries that a freezing which was
    killed left behind. `pauses`: why editions stopped and waited for a person, though the relay had refused nothing
    that concerns all of the mail.
    """

    readers: Sequence[str]
    ledger: Sequence[tuple[str, str]]
    frozen: int
    log: Sequence[str]
    refused: Set[str] = frozenset()
    left: Set[str] = frozenset()
    doubts: Mapping[str, Doubt] = field(default_factory=dict)
    causes: Mapping[str, str] = field(default_factory=dict)
    silences: Mapping[str, float] = field(default_factory=dict)
    half_frozen: int = 0
    pauses: Sequence[str] = ()


@dataclass
class Finding:
    """Addresses by what became of them; each of the readers is in exactly one of `sent`, `failed`, `skipped`,
    `unknown` and `missed`, unless the ledger contradicts what really happened (`contradicted`)."""

    sent: list[str]
    failed: list[str]
    skipped: list[str]
    arrived: list[str]  # of the unknown: the relay has the mail
    lost: list[str]  # of the unknown: it has not
    missed: list[str]
    twice: list[str]
    contradicted: list[str]
    unexplained: list[str]
    beyond: list[str]  # doubts that left more letters unknown than they may
    bound: int
    problems: list[str]

    @property
    def unknown(self) -> int:
        return len(self.arrived) + len(self.lost)


def judge(evidence: Evidence) -> Finding:
    """What became of everybody; `problems` says in words which promises were broken, and is empty when none was."""
    got = Counter(evidence.log)
    rows = Counter(address for address, _state in evidence.ledger)
    state_of = dict(evidence.ledger)
    sorted_out = {name: [] for name in ("sent", "failed", "skipped", "arrived", "lost", "missed", "contradicted")}
    for address in evidence.readers:
        sorted_out[_verdict(address, state_of.get(address), got[address], evidence)].append(address)
    unknown = [address for address, state in state_of.items() if state == "unknown"]
    blamed = Counter(evidence.causes[address] for address in unknown if address in evidence.causes)
    finding = Finding(
        **sorted_out,
        twice=[address for address, times in got.items() if times > 1],
        unexplained=[address for address in unknown if evidence.causes.get(address) not in evidence.doubts],
        beyond=[name for name, number in blamed.items() if name in evidence.doubts and number > most(evidence, name)],
        bound=sum(doubt.most for doubt in evidence.doubts.values()),
        problems=[],
    )
    strangers = (set(got) | set(rows)) - set(evidence.readers)
    doubles = [address for address, number in rows.items() if number > 1]
    finding.problems = list(_problems(finding, evidence, strangers=len(strangers), doubles=len(doubles)))
    return finding


def most(evidence: Evidence, name: str) -> int:
    return evidence.doubts[name].most


def _verdict(address: str, state: str | None, times: int, evidence: Evidence) -> str:
    """Where an address belongs, by the ledger's word and the relay's."""
    if state == "unknown":
        return "arrived" if times else "lost"
    if times:
        return "sent" if state == "accepted" else "contradicted"
    if state == "failed" and address in evidence.refused:
        return "failed"
    if state == "skipped" and address in evidence.left:
        return "skipped"
    return "missed"


def _problems(finding: Finding, evidence: Evidence, *, strangers: int, doubles: int):
    if finding.missed:
        yield f"G1: {len(finding.missed)} missed: {_some(finding.missed, dict(evidence.ledger))}"
    if finding.contradicted:
        yield f"G1: {len(finding.contradicted)} have the mail and the ledger denies it: {_some(finding.contradicted)}"
    if not len(evidence.ledger) == evidence.frozen == len(evidence.readers):
        yield f"G1: {len(evidence.readers)} readers, {evidence.frozen} frozen, {len(evidence.ledger)} in the ledger"
    if open_rows := sum(state not in FINAL for _address, state in evidence.ledger):
        yield f"G1: {open_rows} deliveries are not final"
    if evidence.half_frozen:
        yield f"G1: a freezing that was killed left {evidence.half_frozen} deliveries"
    if strangers or doubles:
        yield f"G1: {strangers} addresses that nobody subscribed, {doubles} with more than one delivery"
    if finding.twice:
        yield f"G2: {len(finding.twice)} got it twice: {_some(finding.twice)}"
    if finding.unknown > finding.bound:
        yield f"G3: {finding.unknown} unknown, {finding.bound} at most were in doubt"
    for name in finding.beyond:
        yield f"G3: more than {most(evidence, name)} unknown by: {name}"
    if finding.unexplained:
        yield f"G3, G5: {len(finding.unexplained)} unknown without a cause: {_some(finding.unexplained)}"
    for reason in evidence.pauses:
        yield f"An edition paused without need: {reason or 'it does not say why'}"
    for name, seconds in evidence.silences.items():
        if seconds > LONGEST_SILENCE:
            yield f"G4: {seconds:.0f} s without a mail after: {name}"


def _some(addresses: Sequence[str], states: Mapping[str, str] | None = None) -> str:
    shown = [f"{address} ({states.get(address, 'no delivery')})" if states else address for address in addresses[:5]]
    return ", ".join(shown) + (" …" if len(addresses) > 5 else "")


def table(finding: Finding, evidence: Evidence) -> str:
    """For a person, in ASCII: what became of everybody, and what put letters in doubt."""
    rows = [
        ("readers", len(evidence.readers), f"{evidence.frozen} frozen, {len(evidence.log)} mails taken by the relay"),
        ("sent", len(finding.sent), "the ledger says accepted, the relay has it"),
        ("failed", len(finding.failed), "refused for good by the relay"),
        ("skipped", len(finding.skipped), "left while it was being sent"),
        ("unknown", finding.unknown, f"at most {finding.bound}"),
        ("  arrived", len(finding.arrived), "of the unknown"),
        ("  did not", len(finding.lost), "of the unknown"),
        ("missed", len(finding.missed), "must be 0"),
        ("twice", len(finding.twice), "must be 0"),
        ("contradicted", len(finding.contradicted), "must be 0: arrived, and the ledger denies it"),
    ]
    lines = [f"  {name:<14}{number:>8}  {words}" for name, number, words in rows]
    lines += ["", "  what left letters in doubt                            unknown  at most"]
    blamed = Counter(evidence.causes.get(address, "") for address in (*finding.arrived, *finding.lost))
    lines += [f"    {name:<50}{blamed[name]:>9}{doubt.most:>9}" for name, doubt in evidence.doubts.items()]
    if finding.unknown:
        lines += ["", "  the unknown, one by one"]
        lines += [f"    {address:<32}{_fate(address, finding):<16}{evidence.causes.get(address) or 'no cause'}"
                  for address in sorted((*finding.arrived, *finding.lost))]  # fmt: skip
    if evidence.silences:
        lines += ["", "  after the loss of the broker                    longest silence"]
        lines += [f"    {name:<50}{seconds:>7.1f} s" for name, seconds in evidence.silences.items()]
    return "\n".join(lines)


def _fate(address: str, finding: Finding) -> str:
    return "arrived" if address in finding.arrived else "did not arrive"
