"""Every saved question and all that the page asks, on ten years of the city or of the country.

    python -m tests.bench.questions [--scale city|country|small] [--days N] [--runs 7] [--only WORD]
                                    [--folder DIR] [--json]

Data is made first (`tests.bench.country`: books in full, dossiers sampled) and thrown away in the end, unless
`--folder` names where to keep it. Each query runs alone, as the reader, cold once and then `--runs` times;
p95 of so few runs is the slowest but one at most. Targets in milliseconds: what the live page asks again
and again 50 for the city, any other question of the city 1,000, of the country 5,000.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from clickhouse_connect.driver.client import Client
from rich.console import Console
from rich.table import Table

from ops.settings import Settings
from ops.stack import clickhouse as clickhouse_stack
from ops.stack.process import free_port
from streams.domain.days import HANOI
from streams.monitor.upkeep import sweep
from streams.warehouse.migrate import migrate
from streams.warehouse.store import Store
from tests.bench.asked import LIVE, Asked, everything
from tests.bench.country import COUNTRY, Scale, generate
from tests.pipeline.warehouse import SQL, address

DATABASE: Final = "bench"
LIVE_MS, CITY_MS, COUNTRY_MS = 50.0, 1_000.0, 5_000.0


class Measured(msgspec.Struct, frozen=True):
    """One query: milliseconds, rows read by the engine, rows of the answer, and whether the target is met.

    `cpu_ms` is what the engine's process used: on a busy machine the only figure that says something.
    """

    kind: str
    name: str
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    read_rows: int
    rows: int
    target_ms: float
    error: str = ""

    @property
    def met(self) -> bool:
        return not self.error and self.p95_ms <= self.target_ms


def scales(end: date) -> dict[str, Scale]:
    """What can be measured; `small` shows in seconds that all of it runs."""
    return {
        "small": Scale(days=60, end=end, recent_days=5, sample=20, cut_days=1, judged_cuts=30),
        "city": Scale(end=end),
        "country": Scale(wards=COUNTRY, end=end, recent_days=10, sample=1_000, judged_cuts=360),
    }


def newest_end() -> date:
    """Yesterday in Hanoi: views that look a month back from now find a month of data."""
    return (datetime.now(HANOI) - timedelta(days=1)).date()


def target(asked: Asked, scale: Scale) -> float:
    """Milliseconds."""
    if scale.wards >= COUNTRY:
        return COUNTRY_MS
    return LIVE_MS if asked.kind == LIVE else CITY_MS


def measure(client: Client, pid: int, asked: Asked, target_ms: float, runs: int) -> Measured:
    """One query, alone; what it fails with is its result."""
    times: list[float] = []
    cpu: list[float] = []
    try:
        for _ in range(runs + 1):
            began, before = time.perf_counter(), cpu_ms(pid)
            answer = client.query(asked.sql, parameters=dict(asked.values))
            times.append((time.perf_counter() - began) * 1000)
            cpu.append(cpu_ms(pid) - before)
    except Exception as error:
        return Measured(asked.kind, asked.name, 0, 0, 0, 0, 0, target_ms, str(error)[:300])
    times = sorted(times[1:])
    read, p50 = int(answer.summary.get("read_rows", 0)), statistics.median(times)
    p95 = times[min(len(times) - 1, round(0.95 * (len(times) - 1)))]
    used, rows = round(statistics.median(cpu[1:])), len(answer.result_rows)
    return Measured(asked.kind, asked.name, round(p50, 1), round(p95, 1), used, read, rows, target_ms)


def cpu_ms(pid: int) -> float:
    """What a process has used so far; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0.0
    parts = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) * 1000 / os.sysconf("SC_CLK_TCK")


@contextmanager
def engine(folder: Path, memory_mb: int) -> Iterator[tuple[clickhouse_stack.Endpoint, Store]]:
    """An engine of its own with a migrated database."""
    settings = Settings(
        data_dir=folder,
        clickhouse_port=free_port(),
        clickhouse_memory_mb=memory_mb,
        clickhouse_database=DATABASE,
    )
    endpoint = clickhouse_stack.start(settings)
    try:
        where = replace(address(endpoint, DATABASE), request_timeout_s=3_600)
        with Store(where) as store:
            migrate(store, SQL)
            yield endpoint, store
    finally:
        endpoint.stop()


def bench(endpoint: clickhouse_stack.Endpoint, scale: Scale, runs: int, only: str) -> list[Measured]:
    """Ask everything, one after the other."""
    found = []
    client = endpoint.reader(DATABASE)
    try:
        for asked in everything(scale):
            if only in f"{asked.kind}.{asked.name}":
                found.append(measure(client, endpoint.process.pid, asked, target(asked, scale), runs))
                print(f"{found[-1].name}: {found[-1].p95_ms} ms", file=sys.stderr, flush=True)
    finally:
        client.close()
    return found


def show(found: list[Measured], made: dict[str, int], *, as_json: bool) -> None:
    """A table for people, or one JSON object."""
    if as_json:
        rows = [msgspec.structs.asdict(one) | {"met": one.met} for one in found]
        print(json.dumps({"rows": made, "questions": rows}, ensure_ascii=False))
        return
    table = Table("asked by", "query", "p50 ms", "p95 ms", "CPU ms", "rows read", "rows", "target ms", "")
    for one in sorted(found, key=lambda each: each.p95_ms / each.target_ms, reverse=True):
        figures = (
            f"{one.p50_ms:,.1f}",
            f"{one.p95_ms:,.1f}",
            f"{one.cpu_ms:,.0f}",
            f"{one.read_rows:,}",
            f"{one.rows:,}",
        )
        state = "ok" if one.met else f"[red]{one.error[:60] or 'missed'}[/red]"
        table.add_row(one.kind, one.name, *figures, f"{one.target_ms:,.0f}", state)
    console = Console(width=150)
    console.print(table)
    console.print(", ".join(f"{name}: {count:,}" for name, count in made.items()))
    console.print(f"{sum(one.met for one in found)} of {len(found)} within their target")


def main() -> int:
    known = scales(newest_end())
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=sorted(known), default="city")
    parser.add_argument("--days", type=int, default=0, help="fewer or more days than ten years")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", default="", help="queries with this word in their name")
    parser.add_argument("--folder", type=Path, help="keep the data here, and use it if it is there")
    parser.add_argument("--memory-mb", type=int, default=4_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    scale = known[given.scale]
    scale = replace(scale, days=given.days) if given.days else scale
    with (
        tempfile.TemporaryDirectory() as folder,
        engine(given.folder or Path(folder), given.memory_mb) as (
            endpoint,
            store,
        ),
    ):
        made = generated(store, scale)
        found = bench(endpoint, scale, given.runs, given.only)
    show(found, made, as_json=given.json)
    return 0 if all(one.met for one in found) else 1


def generated(store: Store, scale: Scale) -> dict[str, int]:
    """Make the data unless the folder holds some; how many rows of what, and how long it took."""
    began = time.monotonic()
    if store.value("SELECT count() FROM book"):
        return {"book": int(store.value("SELECT count() FROM book"))}
    made = generate(store, scale)
    for table in ("book", "day_totals", "open_dossiers", "dossiers", "events", "city_cut"):
        # As a day's merges leave them; what merging costs is measured by `bench merges`.
        store.command(f"OPTIMIZE TABLE {table} FINAL")
    sweep(store)
    return made | {"seconds": round(time.monotonic() - began)}


if __name__ == "__main__":
    sys.exit(main())
