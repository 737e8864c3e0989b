"""How long a rebuild takes to count a year of the city anew, to compare it book by book, and to replace it.

    python -m tests.bench.rebuild [--events 7000000] [--json]

A year of one ward is made by the worker's own code, with retractions, late and repeated events and reused
seqs, and stands for every ward: its rows and books in the engine, its records in the changelog of a real
broker. Nothing may differ; then a day of some books is falsified, and exactly those must be found; then every
book of the year is, as if a rule of counting had changed all of them, and what `--apply` does is timed: the
workers' group held, one more look, every record written, and a loader that brings them to the engine, after
which nothing may differ again. Memory is that of the largest process of the rebuild, and the engine's own, at
their peaks. Exit code 1 if something is not right, or if the look or the replacing takes more than 180 s.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from confluent_kafka import Consumer, TopicPartition

from ops.settings import Settings
from ops.stack import clickhouse as clickhouse_stack
from ops.stack import kafka as kafka_stack
from ops.stack.process import free_port
from producers.contract.codec import seconds_of
from producers.contract.envelope import SequencedEvent
from producers.contract.topics import PARTITION_OF_WARD, PARTITIONS
from producers.contract.vocabulary import Channel, Status
from producers.contract.wards import WARDS
from streams.domain import records
from streams.domain.book import Book, day_of
from streams.domain.logic import logic
from streams.domain.sync import WardSync
from streams.rebuild import apply, kafka, runs
from streams.rebuild.hold import Hold
from streams.rebuild.look import Look, Scope, Where, look, processors
from streams.rebuild.runs import Run
from streams.warehouse import tables
from streams.warehouse.rows import book_row, event_row, sync_row
from streams.warehouse.store import Store
from tests.bench.reconcile import Memory, damage, timed
from tests.bench.report import Report, report, show
from tests.builders import HANOI, retraction, status
from tests.pipeline.warehouse import Topics, database, insert, running

MODEL: Final = min(WARDS)
TARGET_S: Final = 180.0
_BEGIN: Final = datetime(2025, 1, 1, 7, 30, tzinfo=HANOI)
_FIELDS: Final = ("chung-thuc", "ho-tich", "dat-dai", "xay-dung", "cu-tru", "y-te")
_DAYS: Final = 365
# No cell of the grid is kept: that is of the last two hours only.
_NEVER_MS: Final = 4_102_444_800_000
# Rows of the model that are inserted for all wards by one statement.
_STEP: Final = 2_000


class Year:
    """A ward's year: its rows as the loader makes them, its books as the worker keeps them."""

    def __init__(self, events: int) -> None:
        self._random = Random(7)
        self.rows: list[Any] = []
        self.books: dict[str, Book] = {}
        self.sync = WardSync(MODEL)
        self._recent: list[Any] = []
        for seq in range(1, events + 1):
            self._one(seq, events)

    def _one(self, seq: int, events: int) -> None:
        day = (seq - 1) * _DAYS // events
        at = _BEGIN + timedelta(days=day, seconds=self._random.randint(0, 34_000))
        event: SequencedEvent = self._step(seq, at)
        if seq % 200 == 199:
            event = retraction(seq, self._recent[-50], at=at)
        else:
            self._recent.append(event)
        late_s = 200_000 if seq % 1000 == 3 else 2
        arrived_ms = int(at.timestamp() + late_s) * 1000
        self._count(event, arrived_ms)
        if seq % 100 == 5:
            self._row(event, arrived_ms + 1000, 2)  # a repetition
        if seq % 10_000 == 77:
            self._row(self._step(seq, at - timedelta(days=1)), arrived_ms + 2000, 3)  # a seq used again

    def _step(self, seq: int, at: datetime) -> Any:
        done = self._random.random() < 0.4
        received = at - timedelta(days=self._random.randint(0, 9), minutes=self._random.randint(0, 200))
        return status(
            seq,
            ward=MODEL,
            at=at,
            status=Status.DONE if done else Status(self._random.choice((2, 4, 10))),
            field=self._random.choice(_FIELDS),
            channel=self._random.choice(list(Channel)),
            received_at=received,
            due_at=received + timedelta(days=5),
            finished_at=at if done else None,
        )

    def _count(self, event: SequencedEvent, arrived_ms: int) -> None:
        time_s = seconds_of(event.time)
        day = day_of(event, time_s)
        self._row(event, arrived_ms, 1)
        self.sync.take(event.data.epoch, event.data.seq, int(time_s * 1000), arrived_ms)
        self.books.setdefault(day, Book(MODEL, day)).apply(event, arrived_ms)

    def _row(self, event: SequencedEvent, arrived_ms: int, copy: int) -> None:
        self.rows.append(
            event_row(event, seconds_of(event.time), arrived_ms, ("t1", 0, event.data.seq * 4 + copy))
        )


def fill(store: Store, topics: Topics, events: int) -> int:
    """The year of every ward, in the engine and in the changelog; how many rows."""
    store.command("DROP VIEW IF EXISTS dossiers_feed")  # another table's work, not measured here
    year = Year(events // len(WARDS))
    for start in range(0, len(year.rows), _STEP):
        _insert(store, year.rows[start : start + _STEP])
    for ward in WARDS:
        _keep(store, topics, year, ward)
    topics.flush()
    _loaded(topics)
    return int(store.value("SELECT count() FROM events"))


def _insert(store: Store, rows: list[Any]) -> None:
    """For the model, then from its rows for all others."""
    table = tables.EVENTS
    names = ", ".join(f"`{name}`" for name in table.columns)
    store.command(f"CREATE TABLE model ENGINE = Memory AS SELECT {names} FROM events LIMIT 0")
    store.insert("model", table.columns, table.types, list(zip(*rows, strict=True)))
    store.command(
        f"INSERT INTO events ({names}) SELECT m.* REPLACE (w.code AS ward)"
        " FROM model AS m CROSS JOIN (SELECT code FROM wards FINAL) AS w"
        " SETTINGS max_partitions_per_insert_block = 0"
    )
    store.command("DROP TABLE model")


def _keep(store: Store, topics: Topics, year: Year, ward: str) -> None:
    number, found = PARTITION_OF_WARD[ward], []
    for day, book in year.books.items():
        book.ward = ward
        value = records.encode(book)
        topics.raw(value, records.book_key(ward, day), number, topics.changelog)
        found.append(book_row(value))
    insert(store, tables.BOOK, found)
    year.sync.ward = ward
    value = records.encode(year.sync)
    topics.raw(value, records.sync_key(ward), number, topics.changelog)
    insert(store, tables.WARD_SYNC, [sync_row(value)])


def _loaded(topics: Topics) -> None:
    """Say for the loader that it has all of the changelog."""
    client = Consumer({"bootstrap.servers": topics.bootstrap, "group.id": f"{topics.app_id}-loader"})
    parts = [TopicPartition(topics.changelog, number) for number in range(PARTITIONS)]
    ends = [client.get_watermark_offsets(part, timeout=20)[1] for part in parts]
    places = [TopicPartition(topics.changelog, number, end) for number, end in enumerate(ends)]
    client.commit(offsets=places, asynchronous=False)
    client.close()


@contextmanager
def _stack() -> Iterator[tuple[Store, Topics, Memory]]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder),
            clickhouse_port=free_port(),
            kafka_bootstrap=f"127.0.0.1:{free_port()}",
        )
        broker = kafka_stack.start(settings)
        endpoint = clickhouse_stack.start(settings)
        try:
            with database(endpoint) as store:
                yield store, Topics(broker.bootstrap), Memory(endpoint.process.pid)
        finally:
            endpoint.stop()
            broker.stop()


def damage_all(store: Store) -> None:
    """Every book that there is loses a step of each of its cells, in the engine only."""
    store.command(
        "INSERT INTO book SELECT * REPLACE (version + 1 AS version, arrayMap(n -> n - 1, count) AS count)"
        " FROM book FINAL SETTINGS max_partitions_per_insert_block = 0"
    )


def replace_all(store: Store, topics: Topics, where: Where, scope: Scope) -> Run:
    """What `dongbo rebuild --apply` does while the workers are stopped, a loader beside it."""
    begun = Run("bench", runs.COMPARED, time.time_ns() // 1_000_000, "bench", logic(), scope)
    with running(topics.config(store)):
        with Hold(topics.bootstrap, topics.app_id, topics.events) as hold:
            seen = look(where, scope, processors())
            hold.check()
            run = apply.write(where, store, begun, seen, hold)
        return apply.finish(where, store, run, [])


def _looks(store: Store, where: Where, scope: Scope) -> tuple[float, Look, str, bool]:
    """How long one look takes, what it saw, and whether a falsified day is found, no more and no less."""
    found: list[Look] = []
    seconds = timed(lambda: found.append(look(where, scope, processors())))
    cells = damage(store)
    wrong = sum(len(one.differences) for one in look(where, scope, processors()).found)
    return seconds, found[0], f"{wrong} of {cells}", not found[0].found and wrong == cells


def bench(events: int) -> list[Report]:
    """The look and the replacing; each says in its notes whether it was right."""
    with _stack() as (store, topics, memory):
        rows = fill(store, topics, events)
        names = kafka.Address(topics.bootstrap, topics.app_id, topics.events, topics.changelog)
        where, scope = Where(names, store.address, _NEVER_MS), Scope(tuple(sorted(WARDS)))
        memory.reset()
        seconds, seen, falsified, right = _looks(store, where, scope)
        looked_mb = memory.peak_mb()
        damage_all(store)
        done: list[Run] = []
        applied_s = timed(lambda: done.append(replace_all(store, topics, where, scope)))
        left, applied_mb = len(look(where, scope, processors()).found), memory.peak_mb()
    notes: dict[str, float | str] = {
        "events": seen.rows,
        "events_in_rows": rows,
        "books": seen.books,
        "events_per_s": round(seen.rows / seconds),
        "processes": processors(),
        "mb_largest_child": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
        "engine_mb_peak": looked_mb,
        "falsified_cells_found": falsified,
        "right": str(right).lower(),
    }
    replaced: dict[str, float | str] = {
        "records_replaced": done[0].written,
        "engine_mb_peak": applied_mb,
        "records_that_differ_afterwards": left,
        "right": str(done[0].written >= seen.books and left == 0).lower(),
    }
    return [
        report("rebuild_year", "s", [seconds], notes=notes),
        report("rebuild_year_apply", "s", [applied_s], notes=replaced),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=7_000_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = bench(given.events)
    show(found, as_json=given.json)
    return 0 if all(one.notes["right"] == "true" and one.ours <= TARGET_S for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
