"""Goal: whatever dies, hangs, is cut off or lies: nothing is lost and nothing is counted twice.

Method: the short campaign of `./dev faults` in processes of its own; the oracle is its ledger. Bounds of time
are wide here (`--patience`), so that a slow machine fails nothing; what is counted has no bound.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ops.settings import REPOSITORY

EVENTS = 31_500
KINDS_MIN = 20


@pytest.mark.timeout(1500)
def test_short_campaign_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    arguments = ["--seed", "8", "--events", str(EVENTS), "--minutes", "0.7", "--patience", "5", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", *arguments, "--folder", str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=1400,
        check=False,
    )
    assert done.stdout, done.stderr[-5000:]
    found = json.loads(done.stdout)
    assert (found["findings"], found["verdict"]["findings"]) == ([], []), done.stderr[-5000:]
    assert (found["verdict"]["lost"], found["verdict"]["counted_twice"]) == (0, 0)
    assert found["verdict"]["events"] == EVENTS
    assert found["kinds"] >= KINDS_MIN
    assert sum(found["kills"].values()) >= 10
    assert done.returncode == 0
