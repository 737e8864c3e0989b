"""How ClickHouse keeps up when books are upserted all day: a month of the city, compressed in time.

    python -m tests.bench.merges [--days 30] [--inserts 60] [--history 365] [--json]

Each simulated day, as the loader does it, inserts of the books of that day and the day before, and of the
day's events, some 12,600 steps of 3,150 dossiers. Inserts follow each other without a pause, where life has
seconds between them, so merges have less time here. After each day: active parts by table, merges running,
and what asking with FINAL takes. Exit code 1 where a bound is broken: parts of any table, milliseconds of
either question (medians of 3, so that one slow moment of the machine is no finding), and parts that grow: at
most twice as many in the last third of the month as in the first.
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

import msgspec
from rich.console import Console
from rich.table import Table

from streams.monitor.upkeep import sweep
from streams.warehouse.store import Store
from tests.bench.country import Scale, generate, upsert, work_day
from tests.bench.looks import engine
from tests.bench.questions import newest_end
from tests.bench.report import commit, machine

TABLES: Final = ("book", "day_totals", "book_history", "events", "dossiers", "open_dossiers")
ASKED: Final = {
    "city": "SELECT * FROM v_city_day WHERE day > {day:Date32} - 7",
    "backlog": "SELECT sum(backlog), sum(overdue) FROM v_backlog",
}
_RUNS: Final = 3
# ClickHouse slows inserts down from 1,000 parts of a partition on; a tenth of it is far from trouble.
PARTS_MAX: Final = 100
# What a question of the city may take at any time.
READ_MS_MAX: Final = 1_000.0
GROWTH_MAX: Final = 2.0
# Of so few parts twice as many are still few.
PARTS_FEW: Final = 10


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


def broken(found: list[dict[str, Any]]) -> list[str]:
    """The bounds that the month did not keep to, in words."""
    names = [f"parts_{table}" for table in TABLES]
    wrong = [
        f"day {day['day']}: {name} is {day[name]:,}, above {bound:,}"
        for day in found
        for name, bound in [
            *((name, PARTS_MAX) for name in names),
            *((f"{each}_ms", READ_MS_MAX) for each in ASKED),
        ]
        if day[name] > bound
    ]
    third = len(found) // 3
    for name in names if third else ():
        first, last = (statistics.mean(day[name] for day in some) for some in (found[:third], found[-third:]))
        if last > GROWTH_MAX * max(first, PARTS_FEW):
            wrong.append(f"{name} grows: {first:,.1f} in the first third, {last:,.1f} in the last")
    return wrong


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
        **{f"{name}_ms": _ask(store, sql, {"day": scale.end}) for name, sql in ASKED.items()},
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
        print(json.dumps({"commit": commit(), "machine": msgspec.structs.asdict(machine()), "days": found}))
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
    wrong = broken(found)
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
