"""What the warehouse's tests share: databases and topics of their own, loaders, a worker's changelog."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from producers.contract.codec import encode
from producers.contract.envelope import Event, SequencedEvent
from producers.contract.topics import PARTITION_OF_WARD, topic_specs
from streams.domain.shelf import Message, Shelf
from streams.warehouse import tables
from streams.warehouse.block import Block, Span
from streams.warehouse.loader import Loader, LoaderConfig
from streams.warehouse.rows import Row
from streams.warehouse.store import Store
from streams.warehouse.tables import LOADED, Table
from tests.conftest import eventually, unique_name
from tests.databases import SQL as SQL
from tests.databases import address as address
from tests.databases import database as database

REPOSITORY: Final = Path(__file__).resolve().parents[2]
_RUN: Final = """
import logging, signal, sys, threading
import msgspec
from streams.warehouse.loader import LoaderConfig, run_loader
logging.basicConfig(level="INFO")
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
run_loader(msgspec.convert(msgspec.json.decode(sys.argv[1]), LoaderConfig), stop)
"""


def insert_cut(store: Store, number: int, generation: int = 0) -> int:
    """A cut as the monitor publishes it, without its totals; returns its instant in milliseconds."""
    at_ms = 1_735_664_400_000 + number * 10_000
    names = ("number", "at", "published_at", "generation", "wards_total")
    kinds = ("UInt64", "DateTime64(3)", "DateTime64(3)", "UInt32", "UInt16")
    store.insert("city_cut", names, kinds, [[number], [at_ms], [at_ms + 3000], [generation], [126]])
    return at_ms


def empty(store: Store) -> None:
    """Forget all that was loaded."""
    derived: tuple[str, ...] = ("book_history", "day_totals", "dossiers", "difficulties", "late_events")
    derived += ("block_seqs", "landed_seqs", "late_books")
    derived += ("span_seqs", "open_dossiers", "dossier_ends", "open_states", "open_copies", "settled_seqs")
    for name in (*(table.name for table in LOADED), *derived):
        store.command(f"TRUNCATE TABLE {name}")


def insert(store: Store, table: Table, rows: list[Row]) -> None:
    """Insert rows as the loader does."""
    store.insert(table.name, table.columns, table.types, list(zip(*rows, strict=True)))


# An event, when Kafka had it, and its offset.
Arrival = tuple[SequencedEvent, int, int]


def land(store: Store, arrivals: Iterable[Arrival]) -> None:
    """Events as the loader stores them; what was given before may come again."""
    block = Block()
    for event, arrived_ms, offset in arrivals:
        ward = event.data.ward
        span = Span("t1", "dossier.events", PARTITION_OF_WARD[ward], 0, -1)
        block.take_event(span, encode(event), ward.encode(), offset, arrived_ms)
    assert not block.rejects
    insert(store, tables.EVENTS, block.events)


class Topics:
    """The topics of an installation of its own, and a producer."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.app_id = unique_name("app")
        self.specs = topic_specs(f"{self.app_id}.events", self.app_id)
        self.events, self.changelog = (spec.name for spec in self.specs[:2])
        self.admin = AdminClient({"bootstrap.servers": bootstrap})
        self.create(*self.specs)
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "message.max.bytes": 4_000_000, "linger.ms": 5, "acks": "all"}
        )
        self._failed: list[object] = []
        self._books: dict[bytes, bytes] = {}
        self._shelf = Shelf(_Records(self._books))
        self._offsets: dict[int, int] = {}

    def create(self, *specs: Any) -> None:
        """Make topics."""
        topics = [NewTopic(spec.name, spec.partitions, 1, config=spec.config) for spec in specs]
        for future in self.admin.create_topics(topics).values():
            future.result(20)

    def config(self, store: Store, **members: Any) -> LoaderConfig:
        """A loader's configuration for these topics."""
        known: dict[str, Any] = {"linger_ms": 50, "backoff_ms_max": 1000, "patience_ms": 500, "tick_ms": 200}
        return LoaderConfig(
            bootstrap=self.bootstrap,
            store=store.address,
            app_id=self.app_id,
            events_topic=self.events,
            **(known | members),
        )

    def send(self, events: Iterable[Event]) -> int:
        """Publish events as a ward does; how many."""
        count = 0
        for event in events:
            ward = event.data.ward
            self.raw(encode(event), ward.encode(), PARTITION_OF_WARD[ward])
            count += 1
        self.flush()
        return count

    def raw(self, value: bytes | None, key: bytes | None, partition: int, topic: str | None = None) -> None:
        """Publish any bytes to any partition."""
        self._producer.produce(topic or self.events, value, key, partition, on_delivery=self._delivered)
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until Kafka has everything."""
        assert self._producer.flush(30) == 0
        assert self._failed == []

    def _delivered(self, error: object, _: object) -> None:
        if error is not None:
            self._failed.append(error)

    def count(self, events: Iterable[Event], arrived_ms: int) -> None:
        """Write the books that a worker would, one changelog record a changed key and event."""
        for event in events:
            partition = PARTITION_OF_WARD[event.data.ward]
            offset = self._offsets[partition] = self._offsets.get(partition, -1) + 1
            message = Message(encode(event), event.data.ward.encode(), offset, arrived_ms)
            change = self._shelf.apply(partition, [message])
            self._books.update(change.records)
            for key, value in change.records:
                self.raw(value, key, partition, self.changelog)
        self.flush()


class _Records:
    """The worker's table, in memory."""

    def __init__(self, books: dict[bytes, bytes]) -> None:
        self._books = books

    def get(self, key: bytes, /) -> bytes | None:
        return self._books.get(key)

    def books_of(self, ward: str, /) -> Iterable[bytes]:
        prefix = f"{ward}|".encode()
        return [
            value
            for key, value in self._books.items()
            if key.startswith(prefix) and not key.endswith(b"|sync")
        ]


@contextmanager
def running(config: LoaderConfig) -> Iterator[Loader]:
    """A loader in a thread; what it raised is raised here."""
    loader, stop, failed = Loader(config), threading.Event(), []

    def work() -> None:
        try:
            loader.run(stop)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield loader
    finally:
        stop.set()
        thread.join(60)
    if failed:
        raise failed[0]


class LoaderProcess:
    """A loader in a process of its own."""

    def __init__(self, config: LoaderConfig, log: Path) -> None:
        import msgspec

        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _RUN, msgspec.json.encode(config).decode()],
                cwd=REPOSITORY,
                env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
                stdout=output,
                stderr=output,
            )

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        return self.process.wait(60)


def stored(store: Store) -> int:
    """How many different events are stored."""
    return int(store.value("SELECT uniqExact(ward, epoch, seq, content_hash) FROM events"))


def covered(store: Store) -> int:
    """How many messages lie in blocks that are done with: rows are there before that."""
    return int(store.value("SELECT sum(last_offset - first_offset + 1) FROM coverage FINAL"))


def wait_stored(store: Store, count: int, timeout: float = 60.0) -> None:
    """Until that many different events are there."""
    eventually(lambda: stored(store) >= count, timeout)
    assert stored(store) == count


def wait_all_read(loader: Loader, timeout: float = 60.0) -> None:
    """Until a loader has nothing left to read and nothing in hand."""

    def idle() -> bool:
        health = loader.health()
        return (
            health["state"] == "running"
            and bool(health["lag"])
            and not any(health["lag"].values())
            and health["held"]["messages"] == 0
        )

    eventually(idle, timeout)
