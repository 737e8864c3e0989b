"""How ClickHouse keeps up when books are upserted all day: a month of the city, compressed in time.

    python -m tests.bench.merges [--days 30] [--inserts 60] [--history 365] [--json]

Each simulated day, as the loader does it, inserts of the books of that day and the day before, and of the
day's events, some 12,600 steps of 3,150 dossiers. Inserts follow each other without a pause, where life has
seconds between them, so merges have less time here. After each day: active parts by table, merges running,
and what asking with FINAL takes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from streams.monitor.upkeep import sweep
from streams.warehouse.store import Store
from tests.bench.country import Scale, generate, upsert, work_day
from tests.bench.questions import engine, newest_end

TABLES: Final = ("book", "day_totals", "book_history", "events", "dossiers", "open_dossiers")
_CITY: Final = "SELECT * FROM v_city_day WHERE day > {day:Date32} - 7"
_BACKLOG: Final = "SELECT sum(backlog), sum(overdue) FROM v_backlog"
_RUNS: Final = 3


def month(store: Store, scale: Scale, days: int, inserts: int) -> list[dict[str, Any]]:
    """Figures after each simulated day."""
    found = []
    for number in range(1, days + 1):
        today = replace(scale, end=scale.end + timedelta(days=number), days=scale.days + number)
        began = time.perf_counter()
        for piece in range(inserts):
            upsert(store, today, piece + 1, days=2, late_s=piece - inserts)
            work_day(store, today, piece, inserts)
        took = time.perf_counter() - began
        found.append({"day": number, "inserts_s": round(2 * inserts / took, 1)} | _figures(store, today))
        sweep(store)
        print(found[-1], file=sys.stderr, flush=True)
    return found


def _figures(store: Store, scale: Scale) -> dict[str, Any]:
    parts: dict[str, int] = dict(
        store.query(
            "SELECT table, count() FROM system.parts"
            " WHERE active AND database = currentDatabase() GROUP BY table"
        ).rows
    )
    return {
        **{f"parts_{table}": int(parts.get(table, 0)) for table in TABLES},
        "merges": int(store.value("SELECT count() FROM system.merges WHERE database = currentDatabase()")),
        "open_rows": int(store.value("SELECT count() FROM open_dossiers")),
        "city_ms": _ask(store, _CITY, {"day": scale.end}),
        "backlog_ms": _ask(store, _BACKLOG, {}),
    }


def _ask(store: Store, sql: str, values: dict[str, Any]) -> float:
    times = []
    for _ in range(_RUNS):
        began = time.perf_counter()
        store.query(sql, values)
        times.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(times), 1)


def show(found: list[dict[str, Any]], *, as_json: bool) -> None:
    """A table for people, or one JSON value."""
    if as_json:
        print(json.dumps(found))
        return
    table = Table(*found[0])
    for day in found:
        table.add_row(*(f"{value:,}" for value in day.values()))
    Console(width=180).print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--inserts", type=int, default=60, help="of books, and as many of events, a day")
    parser.add_argument("--history", type=int, default=365, help="days of books before the month")
    parser.add_argument("--memory-mb", type=int, default=4_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    end = newest_end() - timedelta(days=given.days)
    scale = Scale(end=end, days=given.history, recent_days=10, cut_days=1, judged_cuts=30)
    with tempfile.TemporaryDirectory() as folder, engine(Path(folder), given.memory_mb) as (_, store):
        generate(store, scale)
        found = month(store, scale, given.days, given.inserts)
    show(found, as_json=given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
