"""Goal: kill -9 at any instruction leaves an event's natural key and its seq both or neither (F1, F2, F45).

Method: a process appends new and repeated events on one real file and is killed at a random moment, again and
again; what it had been told must be true of the file, and sending everything again must change nothing.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

from producers.contract.codec import decode
from producers.contract.events import StatusChanged
from producers.natural import NaturalOutbox
from producers.outbox import Outbox
from tests.builders import WARD
from tests.unit.natural_victim import draft

ROOT = Path(__file__).parents[2]
KILLS = 24


def run_and_kill(path: Path, seed: int, first: int, after_s: float) -> dict[int, int]:
    """Start the victim, kill it; return the seq of each event that it was promised."""
    victim = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.natural_victim", str(path), str(seed), str(first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    promised: dict[int, int] = {}
    with victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "ready\n"
        threading.Timer(after_s, victim.kill).start()
        for line in victim.stdout:
            if line.endswith("\n"):  # a last line that the kill cut short was not promised
                begin, *seqs = map(int, line.split())
                promised |= dict(enumerate(seqs, start=begin))
    assert victim.returncode == -9
    return promised


def stored(outbox: Outbox) -> dict[int, int]:
    """The seq of each event in the file; an event that is there twice fails."""
    found: dict[int, int] = {}
    for row in outbox.pending(10**6):
        data = decode(row.value).data
        assert isinstance(data, StatusChanged)
        number = int(data.dossier.rpartition("-")[2])
        assert number not in found
        found[number] = row.seq
    return found


def test_append_killed_at_random_moments_keeps_key_and_seq_together(tmp_path: Path) -> None:
    path, chance = tmp_path / "o.db", random.Random(20250701)
    promised: dict[int, int] = {}
    for kill in range(KILLS):
        told = run_and_kill(path, kill, len(promised), chance.uniform(0.0, 0.05))
        assert all(promised.get(number, seq) == seq for number, seq in told.items())
        promised |= told
        with Outbox(path) as outbox:
            found = stored(outbox)
            assert sorted(found.values()) == list(range(1, outbox.ward(WARD).last_seq + 1))
            assert promised.items() <= found.items()
    with Outbox(path) as outbox:
        numbers = sorted(found)
        again = NaturalOutbox(outbox).append(WARD, [draft(number) for number in numbers])
        assert [one.seq for one in again] == [found[number] for number in numbers]
        assert all(one.duplicate and not one.conflict for one in again)
        assert outbox.ward(WARD).last_seq == len(found) > KILLS
