"""The main job at full volume on real parts: three weeks of July 2025, plain, again, and under kills."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ops.settings import REPOSITORY
from streams.domain.days import HANOI
from tests.conftest import eventually
from tests.pipeline import troubles
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
    # The reader's limit is for a machine of its own; here many share one.
    city = Cli(tmp_path_factory.mktemp("july"), clickhouse_reader_seconds_max=280)
    assert _figures(city.json("demo", "--once", timeout_s=240)) == EXACT
    return city


def test_nothing_falls_on_the_way_from_nothing_to_the_demo(cli: Cli) -> None:
    """No process speaks of what a migration has not made yet: nobody should have to know that it passes."""
    logs = {path.name: path.read_text() for path in (cli.settings.data_dir / "logs").glob("*.log")}
    assert {"loader.log", "monitor.log", "dashboard.log", "worker-0.log"} <= logs.keys()
    assert [name for name, text in logs.items() if "Traceback" in text] == []


@pytest.mark.timeout(600)
def test_demo_again_on_the_same_data_changes_no_total(cli: Cli) -> None:
    assert _figures(cli.json("demo", "--once", timeout_s=240)) == EXACT


@pytest.fixture(scope="module")
def running(cli: Cli) -> Iterator[Cli]:
    """The same city, up: after the tests that start it themselves."""
    with cli.up():
        yield cli


@pytest.mark.timeout(600)
def test_city_by_day_after_the_demo_sums_to_all_dossiers(running: Cli) -> None:
    cli = running
    july = [row for row in cli.json("ask", "city-by-day") if row["day"] <= "2025-07-21"]
    wards = cli.json("ask", "wards-by-received", "-p", "from=2025-07-01", "-p", "to=2025-07-21")
    assert cli.json("reconcile") == []
    assert cli.json("sql", BACKLOG_OF_BOOKS) == cli.json("sql", BACKLOG_OF_DOSSIERS)
    assert [row["day"] for row in july] == [f"2025-07-{day:02d}" for day in range(1, 22)]
    assert sum(row["received"] for row in july) == 66_000
    assert all(row["wards_reporting"] == 126 for row in july)
    assert len(wards) == 126


@pytest.mark.timeout(900)
def test_notebook_runs_top_to_bottom_and_tells_of_the_troubles(running: Cli, tmp_path: Path) -> None:
    """docs/analysis.ipynb as it is committed, over the three weeks and a few faults sent in on purpose."""
    troubles.publish(running.settings.kafka_bootstrap)
    sent_at = datetime.now(HANOI).isoformat()
    newest = "SELECT toString(max(number)) AS cut FROM v_city_cut WHERE at > parseDateTime64BestEffort('{}')"
    cut = eventually(lambda: _cut(running, newest.format(sent_at)), 240, 1.0)
    out = tmp_path / "analysis.ipynb"
    done = _notebook(running, cut, out)
    assert done.returncode == 0, done.stderr[-3000:]
    text = out.read_text(encoding="utf-8")
    assert text.count("image/png") >= 6
    for ward, why in troubles.WHY.items():
        assert re.search(rf"\\| {ward} \\|[^|]*\\|[^|]*{why}", text), (ward, why)


def _cut(cli: Cli, sql: str) -> str:
    """The number of a cut that holds what was sent, or nothing yet."""
    (row,) = cli.json("sql", sql)
    return str(row["cut"]) if row["cut"] != "0" else ""


def _notebook(cli: Cli, cut: str, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.docs.notebook", str(out)],
        env=os.environ | cli.settings.environment() | {"NOTEBOOK_CUT": cut},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )


@pytest.mark.long
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
