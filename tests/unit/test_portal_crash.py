"""Goal: kill -9 while portal requests are taken leaves events, what is known of dossiers and findings whole.

Method: as `test_natural_crash`; after the deaths every request is sent again and must be answered as it was.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from pathlib import Path

from producers.natural import NaturalOutbox
from producers.outbox import Outbox
from producers.portal import PortalIntake
from tests.builders import WARD
from tests.unit.portal_victim import request
from tests.unit.test_natural_crash import ROOT, stored
from tests.unit.test_portal import NOW

KILLS = 20


def run_and_kill(path: Path, seed: int, first: int, after_s: float) -> dict[int, list[int]]:
    """Start the victim, kill it; return the seqs of each request that was answered."""
    victim = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.portal_victim", str(path), str(seed), str(first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "ready\n"
        threading.Timer(after_s, victim.kill).start()
        lines = [list(map(int, line.split())) for line in victim.stdout if line.endswith("\n")]
    assert victim.returncode == -9
    return {number: seqs for number, *seqs in lines}


def test_portal_killed_at_random_moments_answers_the_same_afterwards(tmp_path: Path) -> None:
    path, chance, told = tmp_path / "o.db", random.Random(7), dict[int, list[int]]()
    for kill in range(KILLS):
        answered = run_and_kill(path, kill, len(told), chance.uniform(0.0, 0.04))
        assert all(told.get(number, seqs) == seqs for number, seqs in answered.items())
        told |= answered
    with Outbox(path) as outbox:
        before = stored(outbox)
        assert sorted(before.values()) == list(range(1, len(before) + 1))
        intake = PortalIntake(NaturalOutbox(outbox), clock=NOW.timestamp)
        for number, seqs in told.items():
            answer = json.loads(intake.take(WARD, "DongBoHoSoMC", request(number)).body())
            assert [one["seq"] or 0 for one in answer["result"]] == seqs
        assert len(stored(outbox)) == len(before)
        assert len(intake.findings(limit=10**6)) >= len(told) > KILLS
