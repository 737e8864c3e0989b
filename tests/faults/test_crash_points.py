"""Goal: a process may die between any two of its steps: every crash point is hit, and everything is exact.

Method: a city in which each process is restarted so that it kills itself at a point; then the ledger is
compared with every table and view.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.settings import REPOSITORY
from producers.contract.crash import POINTS
from tests.conftest import eventually
from tests.faults.catalogue.points import PROCESS_OF, Armed
from tests.faults.city import City
from tests.faults.oracle import judge
from tests.faults.plan import Plan
from tests.faults.process import told_file

_OWN = "migrate"


def _waves() -> list[dict[str, str]]:
    """Points by process, one of each process at a time; outboxes have three processes."""
    left: dict[str, list[str]] = {}
    for point in POINTS:
        name = PROCESS_OF[point.split(".")[0]]
        left.setdefault(name, []).append(point)
    found = []
    while any(left.values()):
        wave = {
            name: points.pop(0) for name, points in left.items() if points and name not in (_OWN, "outbox")
        }
        outboxes = [left["outbox"].pop(0) for _ in range(min(3, len(left["outbox"])))]
        found.append(wave | {f"outbox-{n}": point for n, point in enumerate(outboxes)})
        left[_OWN] = []
    return found


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    living = City(tmp_path, Plan(seed=83, each=120, seconds=400.0))
    try:
        living.start()
        living.begin()
        yield living
    finally:
        living.stop()


def _migrated(city: City, point: str) -> tuple[int, str]:
    """Migrate with a point armed; its exit code, and where it says it died."""
    told = told_file("migrate")
    told.unlink(missing_ok=True)
    crash = {"FAULTS_CRASH_AT": point, "FAULTS_CRASH_TOLD": str(told)}
    done = subprocess.run(
        [sys.executable, "-m", "ops", "migrate"],
        env=os.environ | city.settings.environment() | crash,
        cwd=REPOSITORY,
        timeout=300,
        check=False,
    )
    return done.returncode, told.read_text() if told.exists() else ""


def _all_died(city: City, armed: list[Armed]) -> bool:
    city.tick()
    waiting = [one.name for one in armed if not one.died()]
    assert not waiting, waiting
    return True


def _falsify(city: City) -> None:
    """Take two rows away, count an event twice: what the oracle must see."""
    city.store.command("DELETE FROM events WHERE ward = '00004' AND seq IN (3, 4)")
    city.store.command(
        "INSERT INTO book SELECT * REPLACE (version + 1 AS version, events + 1 AS events) FROM book FINAL"
        " WHERE ward = '00008' ORDER BY day LIMIT 1"
    )


def _finished(city: City) -> bool:
    city.tick()
    return sum(city.marks().values()) == city.plan.events


@pytest.mark.timeout(1500)
@pytest.mark.long
def test_every_point_is_hit_and_leaves_exact_tables(city: City) -> None:
    assert {point.split(".")[0] for point in POINTS} == PROCESS_OF.keys()
    for wave in _waves():
        armed = [Armed(city, name, point) for name, point in wave.items()]
        eventually(lambda armed=armed: _all_died(city, armed), timeout=200, interval=0.2)  # type: ignore[misc]
        for one in armed:
            assert one.disarm()
    for forget, point in (("views/%", "migrate.view"), ("0002_%", "migrate.statement")):
        city.store.command(
            f"ALTER TABLE migrations DELETE WHERE name LIKE '{forget}' SETTINGS mutations_sync = 2"
        )
        assert _migrated(city, point) == (-signal.SIGKILL, point)
        assert _migrated(city, "") == (0, "")
    city.hurry()
    eventually(lambda: _finished(city), timeout=300, interval=0.3)
    assert city.settle(300) == {}
    verdict = judge(city, [])
    assert verdict.findings == []
    assert (verdict.lost, verdict.counted_twice) == (0, 0)
    _falsify(city)
    falsified = judge(city, [])
    assert (falsified.lost, falsified.counted_twice) == (2, 1), falsified.findings
