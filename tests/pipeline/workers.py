"""Worker processes for tests and benchmarks, and what must come out of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from producers.contract.codec import admit
from producers.contract.envelope import HeartbeatEvent
from producers.contract.errors import Reject
from producers.contract.topics import PARTITION_OF_WARD, PARTITIONS, changelog_topic
from streams.domain import records
from streams.domain.book import Book, day_of
from streams.domain.sync import WardSync

REPOSITORY: Final = Path(__file__).resolve().parent.parent.parent
_RUN: Final = """
import logging, sys
from pathlib import Path
from streams.app import WorkerConfig, run_worker
logging.basicConfig(level="INFO", format="%(created).3f %(levelname)s %(name)s %(message)s")
bootstrap, app_id, topic, data_dir = sys.argv[1:]
run_worker(
    WorkerConfig(
        bootstrap=bootstrap,
        app_id=app_id,
        events_topic=topic,
        data_dir=Path(data_dir),
        framework_log_level="INFO",
    )
)
"""
State = dict[bytes, Book | WardSync]


class WorkerProcess:
    """One worker in a process of its own, with its log in a file."""

    def __init__(self, bootstrap: str, app_id: str, topic: str, data_dir: Path, name: str = "worker") -> None:
        self.log = data_dir / f"{name}.{time.monotonic_ns()}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _RUN, bootstrap, app_id, topic, str(data_dir / name)],
                cwd=REPOSITORY,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            )

    def text(self) -> str:
        """What it has logged."""
        return self.log.read_text(errors="replace")

    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """kill -9, also when it is stopped."""
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def terminate(self, timeout_s: float = 10.0) -> int:
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)


def producer(bootstrap: str, **config: str | int) -> Producer:
    """A producer that takes everything up to the topic's bound."""
    return Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 4_000_000, "acks": "all"} | config)


def bounds(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    """First and end offset. A topic made a moment ago may not have told its leader yet: asked again."""
    deadline = time.monotonic() + 30
    while True:
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
            return low, high
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def ends(bootstrap: str, topic: str) -> dict[int, int]:
    """End offset of each partition."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none"})
    try:
        return {n: bounds(consumer, topic, n)[1] for n in range(PARTITIONS)}
    finally:
        consumer.close()


def committed(bootstrap: str, group: str, topic: str) -> dict[int, int]:
    """What a group has committed, 0 where nothing."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    try:
        asked = [TopicPartition(topic, n) for n in range(PARTITIONS)]
        return {tp.partition: max(0, tp.offset) for tp in consumer.committed(asked, timeout=10)}
    except KafkaException as error:  # a broker that has just started is no coordinator yet: ask again
        raise AssertionError(str(error)) from error
    finally:
        consumer.close()


def messages(bootstrap: str, topic: str) -> Iterator[Message]:
    """Everything in a topic, in the order of each partition."""
    left = {n: end for n, end in ends(bootstrap, topic).items() if end > 0}
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "none", "enable.partition.eof": True}
        | {"fetch.message.max.bytes": 8_000_000, "receive.message.max.bytes": 100_000_000}
    )
    consumer.assign([TopicPartition(topic, n, 0) for n in left])
    deadline = time.monotonic() + 60
    try:
        while left and time.monotonic() < deadline:
            for message in consumer.consume(5000, timeout=0.5):
                if message.error() is None:
                    yield message
                else:
                    left.pop(message.partition() or 0, None)
    finally:
        consumer.close()
    assert not left, "the topic was not read to its end"


def kept(bootstrap: str, app_id: str) -> State:
    """The newest record of each key in the changelog."""
    newest: dict[bytes, bytes] = {}
    for message in messages(bootstrap, changelog_topic(app_id)):
        key, value = message.key(), message.value()
        known = isinstance(key, bytes) and key[:5].decode("ascii", "replace") in PARTITION_OF_WARD
        if known and isinstance(key, bytes) and value and records.newer(value, newest.get(key)):
            newest[key] = value
    return {key: _decode(key, value) for key, value in newest.items()}


def _decode(key: bytes, value: bytes) -> Book | WardSync:
    return records.decode_sync(value) if records.is_sync(key) else records.decode_book(value)


def expected(bootstrap: str, topic: str) -> State:
    """The same, made by applying `Book` and `WardSync` one message after the other: no shelf, no chunks."""
    state: State = {}
    for message in messages(bootstrap, topic):
        _apply(state, message)
    return state


def _apply(state: State, message: Message) -> None:
    partition, offset, arrived_ms = message.partition() or 0, message.offset() or 0, message.timestamp()[1]
    key = message.key()
    raw_key = key if isinstance(key, bytes) else None
    try:
        event, time_s = admit(message.value(), raw_key, partition, arrived_ms / 1000)
    except Reject:
        ward = (raw_key or b"").decode("ascii", "replace")
        if PARTITION_OF_WARD.get(ward) == partition:
            _sync(state, ward).reject(arrived_ms, offset)
        return
    sync = _sync(state, event.data.ward)
    if isinstance(event, HeartbeatEvent):
        sync.hear(event.data, arrived_ms)
    elif sync.take(event.data.epoch, event.data.seq, int(time_s * 1000), arrived_ms):
        day = day_of(event, time_s)
        book = state.setdefault(records.book_key(event.data.ward, day), Book(event.data.ward, day))
        assert isinstance(book, Book)
        book.apply(event, arrived_ms)


def _sync(state: State, ward: str) -> WardSync:
    sync = state.setdefault(records.sync_key(ward), WardSync(ward))
    assert isinstance(sync, WardSync)
    return sync


def difference(found: State, wanted: State) -> list[str]:
    """What two states disagree in, for the message of an assertion; empty if they are equal."""
    keys = sorted(found.keys() | wanted.keys())
    return [
        f"{key!r}: {found.get(key)} != {wanted.get(key)}" for key in keys if found.get(key) != wanted.get(key)
    ]
