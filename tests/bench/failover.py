"""Bench: kill -9 the worker that owns partitions while events flow; how long until every partition flows
again.

Method: the changelog holds a year of books (126 wards x 365 days), two workers share the partitions, 100
events a second come in over all wards. One worker is killed. A partition flows again when an event that was
sent after the kill has its record in the changelog. The parts are read from the survivor's log.
"""

from __future__ import annotations

import re
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, Producer, TopicPartition

from producers.contract import codec
from producers.contract.envelope import StatusChangedEvent, wrap
from producers.contract.events import StatusChanged
from producers.contract.topics import PARTITION_OF_WARD, PARTITIONS, changelog_topic, topic_specs
from producers.contract.vocabulary import Channel, Status
from producers.contract.wards import WARDS
from streams.domain import records
from streams.domain.book import Book
from streams.topics_setup import ensure_topics
from tests.bench.report import Report, report, show
from tests.bench.worker import broker
from tests.pipeline.workers import WorkerProcess, ends

DAYS: Final = 365
EVENTS_A_DAY: Final = 150
RATE: Final = 100
RUNS: Final = 3
TARGET_S: Final = 15.0
_WAIT_S_MAX: Final = 90.0
# The survivor's log, in order: what each part begins with.
_PARTS: Final = (
    ("noticed", r"Heartbeat failed for group|Revoking previously assigned partitions"),
    ("rejoined", r"Successfully synced group"),
    ("recovery_began", r"Restoring state from changelog|Recovery complete"),
    ("recovered", r"Restore complete!"),
    ("resumed", r"Worker ready"),
)


def fill_changelog(bootstrap: str, app_id: str) -> int:
    """A year of books, of realistic size; returns how many."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20})
    today = datetime.now(UTC).date()
    cells = {f"ho-tich|{channel.value}|{state.value}|open": [7, 0] for channel in Channel for state in Status}
    for ward in WARDS:
        for number in range(1, DAYS + 1):
            day = (today - timedelta(days=number)).isoformat()
            last = (DAYS - number + 1) * EVENTS_A_DAY
            seqs = {"past": [last - EVENTS_A_DAY + 1, last]}
            book = Book(ward, day, 0, EVENTS_A_DAY, 1_750_000_000_000, seqs, {}, cells)
            key, value = records.book_key(ward, day), records.encode(book)
            producer.produce(changelog_topic(app_id), value, key, PARTITION_OF_WARD[ward])
        producer.poll(0)
    assert producer.flush(60) == 0
    return len(WARDS) * DAYS


class Flow(threading.Thread):
    """Events of all wards in turn, `RATE` a second."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        super().__init__(daemon=True)
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "acks": "all"})
        self._topic, self.ended, self.sent = topic, threading.Event(), 0

    def run(self) -> None:
        wards = list(WARDS)
        started = time.monotonic()
        while not self.ended.is_set():
            ward, seq = wards[self.sent % len(wards)], self.sent // len(wards) + 1
            value = codec.encode(_event(ward, seq))
            self._producer.produce(self._topic, value, ward.encode(), PARTITION_OF_WARD[ward])
            self._producer.poll(0)
            self.sent += 1
            time.sleep(max(0.0, started + self.sent / RATE - time.monotonic()))
        self._producer.flush(10)


def _event(ward: str, seq: int) -> StatusChangedEvent:
    now = datetime.now(UTC)
    data = StatusChanged(
        ward=ward,
        epoch="live",
        seq=seq,
        dossier=f"H26.{ward}-250701-{seq % 10_000:04d}",
        procedure="2.000815",
        field="chung-thuc",
        channel=Channel.COUNTER,
        status=Status.RECEIVED,
        received_at=now,
    )
    event = wrap(StatusChangedEvent, data, now)
    assert isinstance(event, StatusChangedEvent)
    return event


def flowing_again(bootstrap: str, app_id: str, topic: str, since_ms: int) -> dict[int, float]:
    """Seconds from `since_ms` until each partition's changelog has a record of an event that came after it.

    A record written after the kill by the survivor for its own partitions counts from when it is written;
    one of the killed worker's partitions can be written by its new owner only. The time is the broker's.
    """
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none"})
    start = ends(bootstrap, changelog_topic(app_id))
    consumer.assign([TopicPartition(changelog_topic(app_id), n, at) for n, at in start.items()])
    again: dict[int, float] = {}
    deadline = time.monotonic() + _WAIT_S_MAX
    while len(again) < PARTITIONS and time.monotonic() < deadline:
        for message in consumer.consume(1000, 0.05):
            key, value, written_ms = message.key(), message.value(), message.timestamp()[1]
            if message.error() is not None or not isinstance(key, bytes) or value is None:
                continue
            if not records.is_sync(key) and records.decode_book(value).arrived_ms >= since_ms:
                again.setdefault(message.partition() or 0, (written_ms - since_ms) / 1000)
    consumer.close()
    return again


def once(bootstrap: str, folder: Path, number: int) -> tuple[float, float, dict[str, float], int]:
    """One kill. Returns seconds until all partitions flow, the median partition's, the parts, the books."""
    app_id, topic = f"failover{number}", f"events{number}"
    ensure_topics(bootstrap, topic_specs(topic, app_id))
    books = fill_changelog(bootstrap, app_id)
    workers = [WorkerProcess(bootstrap, app_id, topic, folder, f"w{number}{i}") for i in range(2)]
    flow = Flow(bootstrap, topic)
    try:
        _until_ready(workers)
        flow.start()
        time.sleep(6)
        killed_ms = int(time.time() * 1000)
        workers[0].kill()
        again = flowing_again(bootstrap, app_id, topic, killed_ms)
        if len(again) < PARTITIONS:
            raise RuntimeError(f"only {len(again)} partitions flow again; see {workers[1].text()[-3000:]}")
        seconds = sorted(again.values())
        return seconds[-1], seconds[len(seconds) // 2], parts(workers[1].text(), killed_ms / 1000), books
    finally:
        flow.ended.set()
        for worker in workers:
            worker.kill()


def _until_ready(workers: list[WorkerProcess]) -> None:
    deadline = time.monotonic() + 60
    while not all("ready:" in worker.text() for worker in workers):
        if time.monotonic() > deadline:
            raise RuntimeError(f"not ready: {workers[0].text()[-2000:]}")
        time.sleep(0.1)


def parts(log: str, killed_s: float) -> dict[str, float]:
    """Seconds after the kill at which the survivor reached each part of its way back."""
    found: dict[str, float] = {}
    for line in log.splitlines():
        stamp = re.match(r"(\d+\.\d+) ", line)
        if stamp and float(stamp[1]) > killed_s:
            for name, pattern in _PARTS:
                if name not in found and re.search(pattern, line):
                    found[name] = round(float(stamp[1]) - killed_s, 2)
    return found


def measure(runs: int = RUNS) -> Report:
    """Several kills, each with topics of its own."""
    times: list[float] = []
    medians: list[float] = []
    notes: dict[str, float | str] = {"target_s": TARGET_S}
    with tempfile.TemporaryDirectory() as temporary, broker(Path(temporary)) as bootstrap:
        for number in range(runs):
            slowest, median, found, books = once(bootstrap, Path(temporary), number)
            times.append(slowest)
            medians.append(median)
            notes |= {f"run{number}_{name}_s": at for name, at in found.items()} | {"books": books}
    return report("failover", "s", times, [TARGET_S], others={"median_partition": medians}, notes=notes)


def main(json: bool = False, runs: int = RUNS) -> None:
    """Run and print."""
    show([measure(runs)], as_json=json)


if __name__ == "__main__":
    main(json="--json" in sys.argv)
