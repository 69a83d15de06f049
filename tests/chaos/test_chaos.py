"""The chaos drill: its judge on made-up stories, its relay's plan, and one small drill for real."""

import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from picum.chaos import wire
from picum.chaos.calamities import Calamities
from picum.chaos.judge import Doubt, Evidence, judge, table
from picum.chaos.site import surroundings

ROOT = Path(__file__).resolve().parent.parent.parent
READERS = ["amal@example.org", "boris@example.org", "carla@example.org", "dan@example.org", "eva@example.org"]
AMAL, BORIS, CARLA, DAN, EVA = READERS
KILL = "kill -9 of worker 1 at 3.0 s"

# Amal and Boris have it; Carla's mailbox does not exist, Dan left, and a worker was killed with Eva's letter in hand.
A_GOOD_RUN = Evidence(
    READERS,
    [(AMAL, "accepted"), (BORIS, "accepted"), (CARLA, "failed"), (DAN, "skipped"), (EVA, "unknown")],
    frozen=5,
    log=[BORIS, AMAL, EVA],
    refused={CARLA},
    left={DAN},
    doubts={KILL: Doubt(KILL, 1)},
    causes={EVA: KILL},
    silences={"FLUSHALL at 4.0 s": 12.0},
)


def told(evidence: Evidence, **changes: object) -> list[str]:
    return judge(replace(evidence, **changes)).problems


def ledger(**states: str) -> list[tuple[str, str]]:
    """The good run's, with other states for some: `amal="queued"`."""
    return [(address, states.get(address.partition("@")[0], state)) for address, state in A_GOOD_RUN.ledger]


TWO_UNKNOWN = {"ledger": ledger(boris="unknown"), "causes": {EVA: KILL, BORIS: KILL}}


def test_a_run_in_which_every_promise_was_kept_has_no_problems():
    finding = judge(A_GOOD_RUN)
    assert finding.problems == []
    assert (finding.sent, finding.failed, finding.skipped) == ([AMAL, BORIS], [CARLA], [DAN])
    assert (finding.arrived, finding.lost, finding.missed, finding.twice) == ([EVA], [], [], [])


def test_an_unknown_letter_that_did_not_arrive_is_told_from_one_that_did():
    finding = judge(replace(A_GOOD_RUN, log=[AMAL, BORIS]))
    assert (finding.arrived, finding.lost, finding.problems) == ([], [EVA], [])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"log": [AMAL, EVA]}, f"G1: 1 missed: {BORIS} (accepted)"),
        ({"log": [AMAL, EVA], "ledger": ledger(boris="queued")}, f"G1: 1 missed: {BORIS} (queued)"),
        ({"refused": set()}, f"G1: 1 missed: {CARLA} (failed)"),
        ({"left": set()}, f"G1: 1 missed: {DAN} (skipped)"),
        ({"ledger": ledger()[1:], "log": [BORIS, EVA]}, f"G1: 1 missed: {AMAL} (no delivery)"),
        ({"log": [AMAL, BORIS, CARLA, EVA]}, f"G1: 1 have the mail and the ledger denies it: {CARLA}"),
        ({"frozen": 4}, "G1: 5 readers, 4 frozen, 5 in the ledger"),
        ({"ledger": ledger(dan="attempting")}, "G1: 1 deliveries are not final"),
        ({"log": [*A_GOOD_RUN.log, "zoe@example.org"]}, "G1: 1 addresses that nobody subscribed, 0 with more than one "
                                                        "delivery"),
        ({"half_frozen": 3}, "G1: a freezing that was killed left 3 deliveries"),
        ({"log": [AMAL, BORIS, AMAL, EVA]}, f"G2: 1 got it twice: {AMAL}"),
        ({"log": [AMAL, BORIS, EVA, EVA]}, f"G2: 1 got it twice: {EVA}"),
        (TWO_UNKNOWN, "G3: 2 unknown, 1 at most were in doubt"),
        (TWO_UNKNOWN, f"G3: more than 1 unknown by: {KILL}"),
        ({"causes": {EVA: ""}}, f"G3, G5: 1 unknown without a cause: {EVA}"),
        ({"doubts": {}, "causes": {}}, "G3: 1 unknown, 0 at most were in doubt"),
        ({"pauses": ["Another database"]}, "An edition paused without need: Another database"),
        ({"silences": {"FLUSHALL at 4.0 s": 151.0}}, "G4: 151 s without a mail after: FLUSHALL at 4.0 s"),
    ],
)  # fmt: skip
def test_each_broken_promise_is_named(changes, problem):
    assert problem in told(A_GOOD_RUN, **changes)


def test_the_table_counts_everybody_once():
    lines = table(judge(A_GOOD_RUN), A_GOOD_RUN).splitlines()
    numbers = {words[0]: int(words[1]) for line in lines if len(words := line.split()) > 1 and words[1].isdigit()}
    counted = sum(numbers[name] for name in ("sent", "failed", "skipped", "unknown", "missed"))
    assert numbers["readers"] == counted == 5
    assert f"{KILL} " in "\n".join(lines)


def test_the_plan_of_the_relay_is_the_same_for_the_same_seed_and_has_every_kind():
    addresses = [f"reader{number}@example.org" for number in range(2000)]
    plans = [wire.plan(addresses, dice=random.Random(seed)) for seed in (7, 7, 8)]
    assert plans[0] == plans[1] != plans[2]
    assert set(plans[0].values()) == {*wire.OF_LETTERS, wire.POLICY}


def test_every_second_blow_is_a_kill_and_ten_blows_are_of_every_kind():
    for seed in range(5):
        calamities = Calamities(None, None, random.Random(seed), print, 3, 5, postgres=object(), redis=object())
        kinds = calamities.kinds(10)
        assert kinds[::2] == ["kill", "kill at the dot", "kill a child", "kill", "kill at the dot"]
        assert set(kinds[1::2]) == {"freeze", "postgres crash", "postgres restart", "redis flush", "redis kill"}


# --- for real ---------------------------------------------------------------------------------------------------------


def chaos(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """The command as from a terminal; the configured site is one that nobody must touch."""
    site = {"SECRET_KEY": "secret", "DEBUG": "true", "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
            "CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}  # fmt: skip
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "manage.py", "chaos", *arguments]
    return subprocess.run(command, cwd=ROOT, env=surroundings() | site | environment, capture_output=True, text=True,
                          timeout=150)  # fmt: skip


@pytest.mark.service  # not that it needs one: .ci/run drills anyway, and `make test` is to be quick
def test_a_small_drill_without_services_keeps_every_promise(tmp_path):
    run = chaos("--embedded", "--recipients", "40", "--kills", "1", "--seed", "3", TMPDIR=str(tmp_path))
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.endswith("Every promise was kept.\n")
    assert len(re.findall(r" kill -9 +sender \d", run.stdout)) == 1
    assert run.stdout.count("deliveries left behind: 0") == 2
    assert re.search(r"^  missed +0 ", run.stdout, re.MULTILINE)
    assert list(tmp_path.iterdir()) == []  # it cleans up after itself


@pytest.mark.parametrize("lacking", [["--recipients", "0"], ["--kills", "-1"], ["--services", "--embedded"]])
def test_nonsense_is_refused_before_anything_is_started(lacking, tmp_path):
    run = chaos(*lacking, TMPDIR=str(tmp_path))
    assert run.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_services_that_are_missing_are_named(tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    run = chaos("--services", PATH=str(programs))
    assert run.returncode == 1
    assert "redis-server" in run.stderr
    assert os.listdir(programs) == []
