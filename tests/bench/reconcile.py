"""How long double entry takes over a year of the city, against the view that compares cell by cell.

    python -m tests.bench.reconcile [--events 7000000] [--runs 3] [--json]

Raw events are made inside the engine, with retractions, late ones, repetitions and reused seqs; the books
beside them from the same formula, not from the rows. Both are run in turn. Then some books
are falsified, and exactly those must be found. Memory is the engine's own, at its peak.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from ops.settings import Settings
from ops.stack import clickhouse as clickhouse_stack
from ops.stack.process import free_port
from producers.contract.wards import WARDS as WARDS_OF_THE_CITY
from streams.warehouse.comparison import Scope, compare
from streams.warehouse.store import Store
from tests.bench.report import report, show
from tests.pipeline.warehouse import database

WARDS: Final = len(WARDS_OF_THE_CITY)
DAY: Final = date(2025, 7, 14)
_BEGIN_S: Final = 1_735_664_400  # 2025-01-01 in Hanoi
_YEAR_S: Final = 31_536_000
# For a year of the city, by the design.
TARGET_S: Final = 10.0
_SETTINGS: Final = "SETTINGS max_partitions_per_insert_block = 0, max_threads = 2"


def generate(store: Store, events: int, blocks: int = 40) -> int:
    """A year with about that many events and their books; how many."""
    store.command("DROP VIEW IF EXISTS dossiers_feed")  # another table's work, not measured here
    each = events // WARDS
    for block in range(blocks):
        begin = each * WARDS * block // blocks
        count = each * WARDS * (block + 1) // blocks - begin
        store.command(_events(each, begin, count, "[0]"))
    # Repetitions, and seqs used again for another content on another day, in parts of their own.
    store.command(_events(each, 0, each * WARDS, "if(s % 100 = 5, [1], if(s % 10000 = 77, [2], []))"))
    store.command(_books(each))
    return each * WARDS


def damage(store: Store, day: date = DAY) -> int:
    """Books of a day that lose a step of each of their cells; how many cells."""
    store.command(
        "INSERT INTO book SELECT * REPLACE (version + 1 AS version, arrayMap(n -> n - 1, count) AS count)"
        f" FROM book FINAL WHERE day = '{day}' AND ward IN (SELECT code FROM wards ORDER BY code LIMIT 3)"
    )
    return int(
        store.value(
            f"SELECT sum(length(count)) FROM book FINAL WHERE day = '{day}'"
            " AND ward IN (SELECT code FROM wards ORDER BY code LIMIT 3)"
        )
    )


def _step(seq: str, each: int) -> dict[str, str]:
    """What the step with this seq says: a fixed mixture."""
    chance, done = f"intHash32({seq})", f"intDiv(intHash32({seq}), 21) % 4 = 2"
    return {
        "at": f"toDateTime64({_BEGIN_S} + intDiv(({seq}) * {_YEAR_S}, {each + 1}), 3, 'Asia/Ho_Chi_Minh')",
        "field": f"['chung-thuc', 'ho-tich', 'dat-dai', 'xay-dung', 'cu-tru', 'y-te'][1 + {chance} % 6]",
        "channel": f"['counter', 'online', 'post'][1 + intDiv({chance}, 7) % 3]",
        "status": f"[2, 4, 9, 10][1 + intDiv({chance}, 21) % 4]",
        "timeliness": f"if({done}, ['early', 'on_time', 'overdue'][1 + intDiv({chance}, 84) % 3], 'open')",
        "minutes": f"if({done}, intDiv({chance}, 252) % 4800, 0)",
    }


def _numbers(begin: int, count: int, copies: str) -> str:
    # Every 200th event takes back the step 50 before it; `copy` 1 is a repetition, 2 another content.
    return f"""
    (
        SELECT number AS n, intDiv(number, {WARDS}) + 1 AS s, wards[number % {WARDS} + 1] AS ward,
            s % 200 = 199 AS ret, arrayJoin({copies}) AS copy
        FROM numbers({begin}, {count}) AS nn
        CROSS JOIN (SELECT groupArray(code) AS wards FROM (SELECT code FROM wards FINAL ORDER BY code)) AS w
    )"""


def _events(each: int, begin: int, count: int, copies: str) -> str:
    own, of = _step("s", each), _step("s - 50", each)
    cell = {name: f"if(ret, {of[name]}, {own[name]})" for name in own}
    moved = f"addDays({own['at']}, if(copy = 2, -1, 0))"
    return f"""
INSERT INTO events (ward, epoch, seq, type, occurred_at, book_day, arrived_at, dossier, procedure, field,
    channel, status, received_at, timeliness, minutes, of_epoch, of_seq, body, topic_id, partition, `offset`)
SELECT ward, 'bench', s, if(ret, 'dongbo.dossier.retracted.v1', 'dongbo.dossier.status-changed.v1'), {moved},
    toDate32(if(ret, {of["at"]}, {moved})),
    {own["at"]} + toIntervalSecond(2 + if(s % 1000 = 3, 200000, 0) + copy),
    concat('H26.', ward, '-', toString(intDiv(s, 4))), '2.000815', {cell["field"]}, {cell["channel"]},
    {cell["status"]}, {own["at"]}, {cell["timeliness"]}, {cell["minutes"]}, if(ret, 'bench', ''),
    if(ret, s - 50, 0), if(ret, toString(s), ''), 't1', 0, n * 3 + copy
FROM {_numbers(begin, count, copies)}
{_SETTINGS}"""


def _books(each: int) -> str:
    own, of = _step("s", each), _step("s - 50", each)
    cell = {name: f"if(ret, {of[name]}, {own[name]})" for name in own}
    return f"""
INSERT INTO book (day, ward, version, revision, arrived_at, events, field, channel, status, timeliness, count,
    minutes)
SELECT day, ward, 1, 1, addDays(toDateTime64(day, 3, 'Asia/Ho_Chi_Minh'), 1), sum(all_events),
    groupArrayIf(field, steps != 0), groupArrayIf(channel, steps != 0), groupArrayIf(status, steps != 0),
    groupArrayIf(timeliness, steps != 0), groupArrayIf(steps, steps != 0), groupArrayIf(times, steps != 0)
FROM
(
    SELECT toDate32({cell["at"]}) AS day, ward, {cell["field"]} AS field, {cell["channel"]} AS channel,
        toUInt8({cell["status"]}) AS status, {cell["timeliness"]} AS timeliness, count() AS all_events,
        toInt64(sum(if(ret, -1, 1))) AS steps,
        toInt64(sum(if(ret, -1, 1) * toInt64({cell["minutes"]}))) AS times
    FROM {_numbers(0, each * WARDS, "[0]")}
    GROUP BY day, ward, field, channel, status, timeliness
)
GROUP BY day, ward
{_SETTINGS}"""


class Memory:
    """The engine's resident memory at its peak since `reset`, in MB; 0 where the system does not tell."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def reset(self) -> None:
        if sys.platform == "linux":
            (self._folder / "clear_refs").write_text("5")

    def peak_mb(self) -> float:
        if sys.platform != "linux":
            return 0.0
        lines = (self._folder / "status").read_text().splitlines()
        return round(int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024)


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=7_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), clickhouse_port=free_port())
        endpoint = clickhouse_stack.start(settings)
        try:
            with database(endpoint) as store:
                return _bench(store, Memory(endpoint.process.pid), given.events, given.runs, given.json)
        finally:
            endpoint.stop()


def _bench(store: Store, memory: Memory, events: int, runs: int, as_json: bool) -> int:
    made = generate(store, events)
    memory.reset()
    before_mb = memory.peak_mb()
    ours = [timed(lambda: compare(store, Scope())) for _ in range(runs)]
    ours_mb = memory.peak_mb()
    wards = tuple(
        str(code) for (code,) in store.query("SELECT code FROM wards FINAL ORDER BY code LIMIT 16").rows
    )
    one_slice = timed(lambda: compare(store, Scope(wards), threads=1))
    one_day = timed(lambda: compare(store, Scope(days=(DAY,)), threads=1))
    memory.reset()
    view = [timed(lambda: store.query("SELECT * FROM v_reconcile")) for _ in range(runs)]
    view_mb = memory.peak_mb()
    ledger = timed(lambda: store.query("SELECT * FROM v_corrections WHERE day = {d:Date32}", {"d": DAY}))
    agreed = compare(store, Scope())
    cells = damage(store)
    found = len(compare(store, Scope()))
    right = not agreed and found == cells
    notes: dict[str, float | str] = {
        "events": made,
        "events_in_rows": int(store.value("SELECT count() FROM events")),
        "books": int(store.value("SELECT count() FROM book FINAL")),
        "engine_mb_before": before_mb,
        "engine_mb_peak": ours_mb,
        "engine_mb_peak_of_the_view": view_mb,
        "seconds_16_wards_1_thread": round(one_slice, 3),
        "seconds_one_day_1_thread": round(one_day, 3),
        "seconds_ledger_of_one_day": round(ledger, 3),
        "falsified_cells_found": f"{found} of {cells}",
        "right": str(right).lower(),
        "target_s": TARGET_S,
        "met": str(max(ours) < TARGET_S).lower(),
    }
    show([report("reconcile_year", "s", ours, view, notes=notes)], as_json=as_json)
    return 0 if right and max(ours) < TARGET_S else 1


if __name__ == "__main__":
    sys.exit(main())
