"""Goal: kill -9 at any instruction loses no event that `append` returned, and leaves no hole (F1, F2, F45).

Method: a process appends, acknowledges and purges on one real file and is killed at a random moment, again
and again; after each death the file is read and compared with what the process had been told.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from producers.contract.envelope import StatusChangedEvent
from producers.outbox import Draft, Outbox
from tests.builders import START, WARD, status
from tests.unit.outbox_victim import KEEP_MAX, WARDS

ROOT = Path(__file__).parents[2]
KILLS = 40


def run_and_kill(path: Path, seed: int, after_s: float) -> dict[str, int]:
    """Start the victim, kill it; return the newest seq of each ward that it was promised."""
    victim = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.outbox_victim", str(path), str(seed)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "ready\n"
        threading.Timer(after_s, victim.kill).start()
        # A last line that the kill cut short was not promised.
        lines = [line.split() for line in victim.stdout if line.endswith("\n")]
    assert victim.returncode == -9
    return {ward: int(seq) for ward, seq in lines}


def check_whole(outbox: Outbox) -> None:
    """The three counts, the wards' positions and the rows all tell the same, without a hole."""
    counts, wards = outbox.counts(), outbox.wards()
    assert counts.appended == sum(at.last_seq for at in wards.values())
    assert counts.sent == sum(at.sent_seq for at in wards.values())
    assert counts.kept <= KEEP_MAX
    kept = 0
    for ward, at in wards.items():
        sent = [row.seq for row in outbox.sent(ward, range(1, 10**9), limit=10**6)]
        pending = [row.seq for row in outbox.pending(10**6) if row.ward == ward]
        assert sent + pending == list(range(at.last_seq + 1 - len(sent) - len(pending), at.last_seq + 1))
        assert len(pending) == at.pending
        kept += len(sent)
    assert counts.kept == kept


def test_append_killed_at_random_moments_keeps_all_it_promised(tmp_path: Path) -> None:
    path, chance = tmp_path / "o.db", random.Random(20250701)
    promised = dict.fromkeys(WARDS, 0)
    epochs = set()
    for kill in range(KILLS):
        promised |= run_and_kill(path, kill, chance.uniform(0.0, 0.06))
        with Outbox(path, keep_max=KEEP_MAX) as outbox:
            epochs.add(outbox.epoch)
            check_whole(outbox)
            for ward in WARDS:
                assert outbox.ward(ward).last_seq >= promised[ward]
    assert len(epochs) == 1
    assert sum(promised.values()) > KILLS


def test_append_by_two_processes_and_acknowledge_by_a_third_stay_contiguous(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    with ThreadPoolExecutor(2) as pool, Outbox(path, keep_max=KEEP_MAX) as outbox:
        victims = [pool.submit(run_and_kill, path, seed, 1.0) for seed in (1, 2)]
        while not all(victim.done() for victim in victims):
            outbox.acknowledge({ward: at.last_seq for ward, at in outbox.wards().items()})
        promised = [victim.result() for victim in victims]
        check_whole(outbox)
        for ward in WARDS:
            assert outbox.ward(ward).last_seq >= max(told.get(ward, 0) for told in promised)


def test_append_by_threads_on_one_outbox_gives_no_seq_twice(tmp_path: Path) -> None:
    draft = Draft(StatusChangedEvent, status(1).data, START)
    with Outbox(tmp_path / "o.db") as outbox, ThreadPoolExecutor(4) as pool:
        given = [pool.submit(outbox.append, WARD, [draft] * 7) for _ in range(40)]
        seqs = sorted(seq for one in given for seq in one.result())
    assert seqs == list(range(1, 281))
