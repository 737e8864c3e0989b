"""ClickHouse's side of the loader: one thread stores blocks in order and hands them back to be committed.

Invariants:
- Only a block that ClickHouse has acknowledged wholly comes out of `stored`.
- While ClickHouse is away the block stays in hand and its offsets are held; nothing is thrown away, nothing
  goes to `rejects`, and the next block waits.
- Every row stands for itself, so a block may be written any number of times, wholly or in part.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from queue import Empty, Queue
from typing import Any, Final

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_random_exponential,
)

from producers.contract import crash
from producers.contract.errors import Stop, Unavailable
from streams.warehouse import tables
from streams.warehouse.backsteps import BackSteps
from streams.warehouse.block import Block, Span, columns
from streams.warehouse.config import LoaderConfig
from streams.warehouse.health import Health
from streams.warehouse.lanes import Lanes
from streams.warehouse.load_notes import LoadNotes
from streams.warehouse.positions import LOST_RANGE, TOPIC_RECREATED
from streams.warehouse.reader import incident_row
from streams.warehouse.store import Store
from streams.warehouse.tables import Table

log: Final = logging.getLogger(__name__)

# Months come from the wards' times, so a block may touch any number of partitions of `events`. And blocks are
# not deduplicated by ClickHouse: a block whose rows were stored but whose materialized view failed must be
# taken again wholly.
INSERT_SETTINGS: Final[dict[str, Any]] = {"max_partitions_per_insert_block": 0, "insert_deduplicate": 0}
_RunKey = tuple[str, int]


class Writer:
    """Takes blocks one at a time; `ready` says when the next may come."""

    def __init__(self, config: LoaderConfig, health: Health) -> None:
        self._config, self._health = config, health
        self._store = Store(config.store)
        self._blocks: Queue[Block] = Queue(maxsize=1)
        self._stored: deque[Block] = deque()
        self._free = threading.Event()
        self._free.set()
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._runs: dict[_RunKey, Span] = {}
        self._back_steps = BackSteps()
        self._lanes = Lanes(self._insert)
        self._notes = LoadNotes(self._insert)
        self._thread = threading.Thread(target=self._work, name="loader-writer", daemon=True)
        self._thread.start()

    def ready(self, timeout_s: float = 0.0) -> bool:
        """Whether a block can be handed over now.

        :raises Stop: the writer ended; nothing that was not stored is committed
        """
        if self._failure is not None:
            raise self._failure
        return self._free.wait(timeout_s) if timeout_s else self._free.is_set()

    def hand(self, block: Block) -> None:
        """Give a block away, after `ready`."""
        self._free.clear()
        self._health.hold(block)
        self._blocks.put(block)

    def stored(self) -> Iterator[Block]:
        """The blocks that were stored since the last call, in order: commit them."""
        while self._stored:
            yield self._stored.popleft()

    def close(self) -> None:
        """End after the insert that is under way; what waits for ClickHouse is left to the next loader."""
        self._stop.set()
        self._thread.join(self._config.store.request_timeout_s + 5)
        self._lanes.close()
        self._store.close()

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    block = self._blocks.get(timeout=0.2)
                except Empty:
                    pass
                else:
                    self._store_block(block)
                    self._free.set()
                self._notes.write()
            self._notes.write(at_once=True)
        except Unavailable:  # asked to stop while waiting
            pass
        except BaseException as error:
            log.exception("the writer ends")
            self._failure = error
            self._free.set()

    def _store_block(self, block: Block) -> None:
        began = time.perf_counter()
        inserts = block.inserts()
        if crash.ARMED:
            crash.at("loader.read")
        for attempt in self._attempts():
            with attempt:
                self._lanes.run(inserts)
                if crash.ARMED:
                    crash.at("loader.rows")
                self._cover(block, int((time.perf_counter() - began) * 1000))
        if crash.ARMED:
            crash.at("loader.stored")
        self._stored.append(block)
        self._health.back("clickhouse")
        self._health.stored(block, int((time.perf_counter() - began) * 1000))

    def _attempts(self) -> Retrying:
        return Retrying(
            retry=retry_if_exception_type(Unavailable),
            wait=wait_random_exponential(multiplier=0.2, max=self._config.backoff_ms_max / 1000),
            stop=stop_when_event_set(self._stop),
            sleep=sleep_using_event(self._stop),
            before_sleep=self._note,
            reraise=True,
        )

    def _note(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning("offsets are held: %s", error)
        self._health.waiting("clickhouse", str(error))

    def _insert(self, table: Table, data: list[Any]) -> None:
        try:
            self._store.insert(table.name, table.columns, table.types, data, INSERT_SETTINGS)
        except Stop as error:
            raise Stop(error.code, f"table {table.name}: {error.detail}", error.remedy) from error

    def _cover(self, block: Block, insert_ms: int) -> None:
        """Say what is stored now; after the rows, so that the proof never runs ahead of them."""
        now_ms = time.time_ns() // 1_000_000
        spans = [
            span
            for span in block.spans
            if span.topic == self._config.events_topic and span.last >= span.first
        ]
        self._tell_gaps(spans)
        longer = [(span, self._prolonged(span)) for span in spans]
        went_on = [(span, run is not span) for span, run in longer]
        self._tell(self._back_steps.found(self._store, went_on))
        if longer:
            rows = [_coverage_row(run, now_ms) for _, run in longer]
            self._insert(tables.COVERAGE, columns(rows))
        self._notes.add(block, now_ms, insert_ms)
        for _, run in longer:
            self._runs[run.topic_id, run.partition] = run
        self._back_steps.stored(went_on)

    def _prolonged(self, span: Span) -> Span:
        run = self._runs.get((span.topic_id, span.partition))
        if run is None or span.first != run.last + 1:
            return span
        return Span(
            span.topic_id,
            span.topic,
            span.partition,
            run.first,
            span.last,
            run.events + span.events,
            run.rejects + span.rejects,
            run.heartbeats + span.heartbeats,
        )

    def _tell_gaps(self, spans: list[Span]) -> None:
        """A run that begins beyond what is stored leaves a hole; the first of a new topic ends the old."""
        new = [span for span in spans if self._prolonged(span) is span]
        if not new:
            return
        ends = self._stored_ends()
        rows = [row for span in new for row in _incidents(span, ends)]
        self._tell(rows)

    def _tell(self, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            self._insert(tables.INCIDENTS, columns(rows))
            log.error("incident: %s", "; ".join(str(row[_DETAIL_EN]) for row in rows[:3]))
            self._health.incident("; ".join(str(row[_DETAIL_EN]) for row in rows[:3]))

    def _stored_ends(self) -> dict[_RunKey, int]:
        """Where the loaded part of each partition ends, by topic id; the newest topic comes last."""
        rows = self._store.query(
            "SELECT topic_id, partition, max(last_offset) FROM coverage WHERE topic = {topic:String}"
            " GROUP BY topic_id, partition ORDER BY max(stored_at)",
            {"topic": self._config.events_topic},
        ).rows
        return {(str(topic_id), int(partition)): int(last) for topic_id, partition, last in rows}


_DETAIL_EN: Final = tables.INCIDENTS.columns.index("detail_en")


def _incidents(span: Span, ends: dict[_RunKey, int]) -> list[tuple[Any, ...]]:
    """What a run that does not prolong a known one tells about what was not loaded."""
    found = []
    known = ends.get((span.topic_id, span.partition))
    expected = 0 if known is None else known + 1
    if span.first > expected:
        found.append((span.topic_id, LOST_RANGE, expected, span.first - 1))
    older = [
        (key[0], end) for key, end in ends.items() if key[1] == span.partition and key[0] != span.topic_id
    ]
    if known is None and older:
        old_id, end = older[-1]
        found.append((old_id, TOPIC_RECREATED, end + 1, end + 1))
    return [
        incident_row(topic_id, span.topic, span.partition, kind, first, last)
        for topic_id, kind, first, last in found
    ]


def _coverage_row(run: Span, now_ms: int) -> tuple[Any, ...]:
    return (
        run.topic_id,
        run.topic,
        run.partition,
        run.first,
        run.last,
        run.events,
        run.rejects,
        run.heartbeats,
        now_ms,
    )
