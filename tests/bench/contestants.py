"""The contestants of `worker.py`, each in a process of its own: same messages, same decoding, same books.

Run as `python -m tests.bench.contestants NAME BOOTSTRAP APP_ID TOPIC EVENTS DATA_DIR`. Prints events a
second, from the first that was processed to the last, with the backlog in Kafka before the start. All keep
their records in memory and write every change of them to a changelog with acks from all replicas; they
differ in who moves the messages.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import faust
from confluent_kafka import Consumer, Producer, TopicPartition

from producers.contract.topics import PARTITIONS, changelog_topic
from streams.app import Worker, WorkerConfig, run_worker
from streams.book_records import BookRecords
from streams.domain.shelf import Message, Shelf

RESULT: Final = "events a second: "
_SAMPLE_S: Final = 0.005


class Meter:
    """Events a second between the first sample that saw any and the end."""

    def __init__(self, events: int) -> None:
        self._events, self._first, self._first_s = events, 0, 0.0

    def see(self, done: int) -> None:
        """Note how many are done; ends the process with the result when that is all."""
        now_s = time.perf_counter()
        if done and not self._first:
            self._first, self._first_s = done, now_s
        if done >= self._events:
            # Not `print`: Faust's own worker takes standard output over.
            os.write(1, f"\n{RESULT}{(self._events - self._first) / (now_s - self._first_s)}\n".encode())
            os._exit(0)


def ours(bootstrap: str, app_id: str, topic: str, events: int, data_dir: Path) -> None:
    """The worker as it is run."""
    meter = Meter(events)

    def watch(worker: Worker) -> None:
        while True:
            counts = worker.keeper.counts
            meter.see(counts.counted + counts.repeated + counts.rejected)
            time.sleep(_SAMPLE_S)

    config = WorkerConfig(bootstrap=bootstrap, app_id=app_id, events_topic=topic, data_dir=data_dir)
    run_worker(config, lambda worker: threading.Thread(target=watch, args=(worker,), daemon=True).start())


def stock(bootstrap: str, app_id: str, topic: str, events: int, data_dir: Path) -> None:
    """Faust as its documentation shows it: message after message, a table that writes its changelog."""
    meter, done = Meter(events), 0
    app = faust.App(
        app_id,
        broker=f"kafka://{bootstrap}",
        datadir=data_dir,
        topic_partitions=PARTITIONS,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        web_enabled=False,
        value_serializer="raw",
        key_serializer="raw",
    )
    table: Any = app.Table("book", key_type=bytes, value_type=bytes)
    records = BookRecords()
    shelf = Shelf(records)

    async def keep(stream: Any) -> None:
        nonlocal done
        async for event in stream.events():
            got = event.message
            message = Message(got.value, got.key, got.offset, int(got.timestamp * 1000))
            for key, value in shelf.apply(got.partition, [message]).records:
                table[key] = value
                records.put(key, value)
            done += 1
            meter.see(done)

    app.agent(app.topic(topic, value_type=bytes, key_type=bytes))(keep)
    faust.Worker(app, loglevel="ERROR").execute_from_commandline()


def plain(bootstrap: str, app_id: str, topic: str, events: int, data_dir: Path) -> None:
    """No framework: librdkafka fetches, a loop does the rest. The practical limit in Python."""
    meter, done, records = Meter(events), 0, BookRecords()
    shelf, changelog = Shelf(records), changelog_topic(app_id)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": app_id, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, n, 0) for n in range(PARTITIONS)])
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 0})
    failed: list[object] = []

    def delivered(error: object, _: object) -> None:
        if error is not None:
            failed.append(error)

    while True:
        batches: dict[int, list[Message]] = {}
        offsets: dict[int, int] = {}
        for got in consumer.consume(5000, 0.1):
            assert got.error() is None
            number, offset = got.partition() or 0, got.offset() or 0
            key = got.key()
            batch = batches.setdefault(number, [])
            batch.append(
                Message(got.value(), key if isinstance(key, bytes) else None, offset, got.timestamp()[1])
            )
            offsets[number] = offset + 1
        for number, batch in batches.items():
            changed = shelf.apply(number, batch).records
            for key, value in changed:
                producer.produce(changelog, value, key, number, on_delivery=delivered)
                records.put(key, value)
            done += len(batch)
        assert producer.flush(30) == 0
        assert not failed
        if offsets:
            consumer.commit(
                offsets=[TopicPartition(topic, n, at) for n, at in offsets.items()], asynchronous=True
            )
        meter.see(done)


CONTESTANTS: Final[dict[str, Callable[[str, str, str, int, Path], None]]] = {
    "ours": ours,
    "stock": stock,
    "plain": plain,
}

if __name__ == "__main__":
    who, address, app, events_topic, count, folder = sys.argv[1:]
    CONTESTANTS[who](address, app, events_topic, int(count), Path(folder))
