"""Goal: whatever instant of the cuts' grid is asked for, the books and the wards' records as of it are what
the raw rows up to it add up to, although worker and loader were away and did everything in a few chunks.

Method: a real broker gets events, heartbeats, retractions, reused seqs and rejected messages for 25 seconds,
most of them around the instants; only then a worker and a loader start. Then each instant is asked for.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers.contract.codec import encode
from producers.contract.envelope import Event, StatusChangedEvent, wrap_heartbeat
from producers.contract.events import Heartbeat
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Status
from producers.contract.wards import WARDS
from streams.domain.book import Book
from streams.domain.cut import GRID_MS
from streams.domain.days import HANOI
from streams.warehouse.store import Store
from tests.builders import EPOCH, START, retraction, status
from tests.conftest import eventually
from tests.pipeline.warehouse import Topics, database, running, wait_all_read
from tests.pipeline.workers import WorkerProcess, kept

SENDING_S: Final = 25.0
CODES: Final = list(WARDS)[:4]
Totals = dict[tuple[str, str], Counter[tuple[int, str]]]

BOOKS: Final = """
SELECT ward, toString(day), arrayZip(status, timeliness, count)
FROM book_history WHERE arrived_at <= {at:DateTime64(3)}
ORDER BY version DESC LIMIT 1 BY ward, day
"""
RAW: Final = """
SELECT ward, toString(book_day), seq, status, timeliness, of_seq
FROM events FINAL WHERE arrived_at <= {at:DateTime64(3)}
ORDER BY rank DESC LIMIT 1 BY ward, epoch, seq
"""
SYNCS: Final = """
SELECT ward, events, heartbeat_last_seq, rejected FROM ward_sync_recent
WHERE known_at <= {at:DateTime64(3)} ORDER BY ward, version DESC LIMIT 1 BY ward
"""
FIRST_AND_LAST: Final = """
SELECT toUnixTimestamp64Milli(min(arrived_at)), toUnixTimestamp64Milli(max(arrived_at)) FROM events
"""
HEARD: Final = """
SELECT ward, sum(event), max(last_seq), sum(reject)
FROM
(
    SELECT DISTINCT ward, seq, 1 AS event, 0 AS last_seq, 0 AS reject
    FROM events WHERE arrived_at <= {at:DateTime64(3)}
    UNION ALL
    SELECT ward, 0, 0, last_seq, 0 FROM heartbeats FINAL WHERE arrived_at <= {at:DateTime64(3)}
    UNION ALL
    SELECT ward, 0, 0, 0, 1 FROM rejects FINAL WHERE arrived_at <= {at:DateTime64(3)}
)
GROUP BY ward ORDER BY ward
"""


@pytest.fixture
def store(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


def _change(seq: int, ward: str) -> StatusChangedEvent:
    done, at = seq % 2 == 0, START + timedelta(days=seq % 3)
    kind = Status.DONE if done else Status.RECEIVED
    return status(seq, ward=ward, at=at, status=kind, finished_at=at if done else None)


def _events(seq: int, ward: str) -> list[Event]:
    """What a ward sends as its `seq`-th: mostly a change, and around it what makes counting hard."""
    if seq % 7 == 0:
        return [retraction(seq, _change(seq - 6, ward))]
    change = _change(seq, ward)
    if seq % 11 == 0:
        return [change, status(seq, ward=ward, at=change.time + timedelta(days=1), field="dat-dai")]
    if seq % 5 == 0:
        clock = datetime.now(HANOI)
        return [
            change,
            wrap_heartbeat(Heartbeat(ward=ward, epoch=EPOCH, last_seq=seq, outbox_pending=0, clock=clock)),
        ]
    return [change]


def _send(topics: Topics) -> int:
    """Send for a while, ten times as fast around the grid's instants; the highest seq."""
    end, seq = time.monotonic() + SENDING_S, 0
    while time.monotonic() < end:
        seq += 1
        for ward in CODES:
            for event in _events(seq, ward):
                topics.raw(encode(event), ward.encode(), PARTITION_OF_WARD[ward])
            if seq % 13 == 0:
                topics.raw(b"{", ward.encode(), PARTITION_OF_WARD[ward])
        topics.flush()
        from_edge_ms = abs((time.time_ns() // 1_000_000 + GRID_MS // 2) % GRID_MS - GRID_MS // 2)
        time.sleep(0.01 if from_edge_ms < 150 else 0.1)
    return seq


def _counted(topics: Topics) -> int:
    """How many events the worker has written records of."""
    found = kept(topics.bootstrap, topics.app_id).values()
    return sum(record.events() for record in found if isinstance(record, Book))


def _books(store: Store, at: datetime) -> Totals:
    rows = store.query(BOOKS, {"at": at}).rows
    return {(ward, day): Counter({tuple(c[:2]): c[2] for c in cells if c[2]}) for ward, day, cells in rows}


def _raw(store: Store, at: datetime) -> Totals:
    rows = store.query(RAW, {"at": at}).rows
    gone = {(ward, of_seq) for ward, _, _, _, _, of_seq in rows if of_seq}
    totals: Totals = {}
    for ward, day, seq, code, timeliness, of_seq in rows:
        cells = totals.setdefault((ward, day), Counter())
        if not of_seq and (ward, seq) not in gone:
            cells[code, timeliness] += 1
    return totals


def test_each_grid_instant_has_what_raw_rows_up_to_it_add_up_to(
    kafka: Broker, store: Store, tmp_path: Path
) -> None:
    topics = Topics(kafka.bootstrap)
    sent = _send(topics) * len(CODES)
    worker = WorkerProcess(kafka.bootstrap, topics.app_id, topics.events, tmp_path)
    try:
        # The loader begins when the changelog has everything: one block holds all revisions of a book.
        eventually(lambda: _counted(topics) == sent, 90, 0.5)
        with running(topics.config(store)) as loader:
            eventually(lambda: store.value("SELECT uniqExact(ward, seq) FROM events") == sent, 90)
            wait_all_read(loader)
    finally:
        worker.kill()
    first_ms, last_ms = store.query(FIRST_AND_LAST).rows[0]
    instants = range(-(-first_ms // GRID_MS) * GRID_MS, last_ms + 2 * GRID_MS, GRID_MS)
    seen = []
    for at_ms in instants:
        at = datetime.fromtimestamp(at_ms / 1000, HANOI)
        raw = _raw(store, at)
        assert _books(store, at) == raw, at
        assert store.query(SYNCS, {"at": at}).rows == store.query(HEARD, {"at": at}).rows, at
        seen.append(sum(cells.total() for cells in raw.values()))
    assert 0 < seen[0] < seen[1] < seen[2], "the instants must differ, or nothing is shown"
