"""What conservation, the quality figures and the difficulties cost over a year of the city.

    python -m tests.bench.hops [--events 7000000] [--runs 5] [--json]

The year is made inside the engine, evenly over the partitions; the loader began a new run of `coverage` each
day. Kafka is left out: it would answer a handful of small requests. The baseline is what conservation would
cost if it counted the raw rows at each look. Then a row is deleted, and it must be found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import Final

from ops.settings import Settings
from ops.stack import clickhouse as clickhouse_stack
from ops.stack.process import free_port
from producers.contract.topics import PARTITIONS
from producers.contract.wards import WARDS
from streams.monitor.config import MonitorConfig
from streams.monitor.conservation import Conservation
from streams.monitor.jobs import Context
from streams.monitor.kafka_ends import Ends
from streams.warehouse.store import Store
from tests.bench.reconcile import timed
from tests.bench.report import report, show
from tests.pipeline.warehouse import database

_RUN: Final = 800  # a day's messages of a partition
_MONTH: Final = "WHERE day BETWEEN '2025-06-01' AND '2025-06-30'"


def generate(store: Store, events: int) -> None:
    """A year: raw rows with dense offsets, the runs that cover them, books and what was counted."""
    store.command("DROP VIEW IF EXISTS dossiers_feed")
    each = events // len(WARDS)
    for month in range(12):
        store.command(_events(each, each * month // 12, each * (month + 1) // 12))
    for statement in (_COVERAGE, _BOOKS, _SYNC):
        store.command(statement)


def _events(each: int, begin: int, end: int) -> str:
    begun = "toDateTime64('2025-01-01', 3, 'Asia/Ho_Chi_Minh')"
    at = f"{begun} + toIntervalSecond(intDiv(k * 31536000, {each}))"
    return f"""
INSERT INTO events (ward, epoch, seq, type, occurred_at, book_day, arrived_at, dossier, field, channel,
    status, topic_id, partition, `offset`)
SELECT w.1, 'bench', k + 1, 'dongbo.dossier.status-changed.v1', {at} AS at, toDate32(at),
    at + toIntervalSecond(if(k % 50 = 0, 5000, 30)), concat('H26.', w.1, '-', toString(intDiv(k, 4))),
    'chung-thuc', 'online', 2, 't1', w.2, w.3 + k * w.4
FROM (SELECT number AS k FROM numbers({begin}, {end - begin})) AS n
CROSS JOIN
(
    SELECT (code, partition, toUInt64(row_number() OVER own - 1), count() OVER whole) AS w
    FROM (SELECT code, partition FROM wards FINAL)
    WINDOW own AS (PARTITION BY partition ORDER BY code), whole AS (PARTITION BY partition)
) AS ws
SETTINGS max_partitions_per_insert_block = 0, max_threads = 2"""


_COVERAGE: Final = f"""
INSERT INTO coverage
SELECT
    't1', 'bench.events', partition, first, least(first + {_RUN} - 1, size - 1) AS last, last - first + 1,
    0, 0, now64(3) - toIntervalSecond(size - first)
FROM
(
    SELECT partition, count() AS size, arrayJoin(range(0, size, {_RUN})) AS first
    FROM events GROUP BY partition
)
"""
_BOOKS: Final = """
INSERT INTO book (day, ward, version, revision, arrived_at, events, epochs, epoch_events)
SELECT book_day, ward, 1, 1, max(arrived_at), count(), ['bench'], [count()]
FROM events GROUP BY book_day, ward
"""
_SYNC: Final = """
INSERT INTO ward_sync (ward, version, known_at, epochs, intervals, counted, contiguous, highest, events)
SELECT
    ward, 1, max(arrived_at), ['bench'], [[toUInt64(1), max(seq)]], [max(seq)], [max(seq)], [max(seq)],
    max(seq)
FROM events GROUP BY ward
"""
_RECOUNT: Final = (
    "SELECT partition, uniqExact(ward, epoch, seq), uniqExact(`offset`) FROM events GROUP BY partition"
)


def _job(store: Store) -> tuple[Conservation, Context]:
    sizes = store.query("SELECT partition, max(last_offset) + 1 FROM coverage GROUP BY partition").rows
    every = frozenset(range(PARTITIONS))
    ends = Ends("t1", dict.fromkeys(every, 0), {int(p): int(size) for p, size in sizes}, every, every, every)
    config = MonitorConfig("127.0.0.1:1", store.address, "bench")
    job = Conservation(config, confirm_s=0.0, read_ends=lambda: ends)
    return job, Context(config, store, threading.Event())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=7_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        endpoint = clickhouse_stack.start(Settings(data_dir=Path(folder), clickhouse_port=free_port()))
        try:
            with database(endpoint) as store:
                return _bench(store, given.events, given.runs, given.json)
        finally:
            endpoint.stop()


def _bench(store: Store, events: int, runs: int, as_json: bool) -> int:
    generate(store, events)
    job, context = _job(store)
    first = timed(lambda: job.run(context))
    ours = [timed(lambda: job.run(context)) for _ in range(runs)]
    baseline = [timed(lambda: store.query(_RECOUNT)) for _ in range(runs)]
    whole = job.run(context)
    store.command("DELETE FROM events WHERE ward = '00070' AND seq = 100")
    found = job.run(context)
    right = (whole["broken"], whole["in_flight"], found["broken"]) == (0, 0, 1)
    views = {"quality_month": f"v_quality {_MONTH}", "quality_city_month": f"v_quality_city {_MONTH}"}
    views |= {"quality_city_year": "v_quality_city", "difficulties_by_group": "v_difficulties_by_group"}
    notes: dict[str, float | str] = {
        "events": events,
        "runs_of_coverage": int(store.value("SELECT count() FROM coverage FINAL")),
        "seconds_first_look": round(first, 3),
        "right": str(right).lower(),
    }
    for name, view in views.items():
        ask = partial(store.query, f"SELECT * FROM {view}")
        notes[f"seconds_{name}"] = round(min(timed(ask) for _ in range(runs)), 3)
    show([report("conservation_year", "s", ours, baseline, notes=notes)], as_json=as_json)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
