"""The main job at full volume on real parts: three weeks of July 2025, plain, again, and under kills."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.pipeline.city import Cli

EXACT = {
    "dossiers_received": 66_000,
    "wards": 126,
    "days": 21,
    "events_published": 313_201,
    "events_stored": 313_201,
    "events_counted": 313_201,
    "rejected": 0,
    "differences": 0,
    "ok": True,
}
KILLS = 4
# The same figure by two ways: from the books' totals, and dossier by dossier.
BACKLOG_OF_BOOKS = (
    "SELECT sum(received - resolved - withdrawn - stopped) AS backlog FROM v_ward_day"
    " WHERE day <= '2025-07-21'"
)
BACKLOG_OF_DOSSIERS = (
    "SELECT countIf(open AND accepted) AS backlog FROM v_dossiers WHERE received_at < '2025-07-22'"
)


def _figures(report: dict[str, Any]) -> dict[str, Any]:
    return {name: report[name] for name in EXACT}


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A city into which July was replayed once."""
    city = Cli(tmp_path_factory.mktemp("july"))
    assert _figures(city.json("demo", "--once", timeout_s=240)) == EXACT
    return city


@pytest.mark.timeout(600)
def test_demo_again_on_the_same_data_changes_no_total(cli: Cli) -> None:
    assert _figures(cli.json("demo", "--once", timeout_s=240)) == EXACT


@pytest.mark.timeout(600)
def test_city_by_day_after_the_demo_sums_to_all_dossiers(cli: Cli) -> None:
    with cli.up():
        july = [row for row in cli.json("ask", "city-by-day") if row["day"] <= "2025-07-21"]
        wards = cli.json("ask", "wards-by-received", "-p", "from=2025-07-01", "-p", "to=2025-07-21")
        assert cli.json("reconcile") == []
        assert cli.json("sql", BACKLOG_OF_BOOKS) == cli.json("sql", BACKLOG_OF_DOSSIERS)
    assert [row["day"] for row in july] == [f"2025-07-{day:02d}" for day in range(1, 22)]
    assert sum(row["received"] for row in july) == 66_000
    assert all(row["wards_reporting"] == 126 for row in july)
    assert len(wards) == 126


@pytest.mark.timeout(600)
def test_demo_with_worker_and_loader_killed_is_exact(tmp_path: Path) -> None:
    """kill -9 of worker and loader in turn, at seeded moments of the replay; every total still exact."""
    cli, rng = Cli(tmp_path), Random(126)
    killed: list[tuple[str, int]] = []
    process = cli.popen("demo", "--once", "--json")
    killer = threading.Thread(target=_kill_some, args=(cli, rng, killed, process), daemon=True)
    killer.start()
    out, err = process.communicate(timeout=300)
    killer.join(timeout=30)
    assert process.returncode == 0, f"{killed}\n{out}\n{err[-3000:]}"
    assert _figures(json.loads(out)) == EXACT
    assert {name for name, _ in killed} == {"worker-0", "loader"}
    assert len(killed) >= 2 * KILLS


def _kill_some(cli: Cli, rng: Random, killed: list[tuple[str, int]], process: Any) -> None:
    """Each of the two, KILLS times, but never the same pid twice."""
    while len(killed) < 2 * KILLS and process.poll() is None:
        name = ("worker-0", "loader")[len(killed) % 2]
        pid = cli.pid_of(name)
        if pid and (name, pid) not in killed:
            time.sleep(rng.uniform(1.0, 3.0))
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed.append((name, pid))
        time.sleep(0.1)
