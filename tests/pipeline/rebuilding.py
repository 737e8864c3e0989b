"""A town whose books can be falsified, in the changelog and in ClickHouse, and be asked to be rebuilt."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from typer.testing import CliRunner

from ops.city.prepare import address, prepare
from ops.cli import app
from ops.settings import Settings
from producers.contract.codec import encode
from producers.contract.envelope import Event
from producers.contract.topics import PARTITION_OF_WARD, changelog_topic
from producers.contract.vocabulary import Status
from streams.domain import records
from streams.domain.book import Book
from streams.domain.cut import number_of_cut
from streams.domain.sync import WardSync
from streams.warehouse.loader import Loader, LoaderConfig
from streams.warehouse.store import Store
from tests.builders import START, closing, retraction, status
from tests.conftest import eventually, unique_name
from tests.pipeline.warehouse import running, wait_all_read
from tests.pipeline.workers import State, WorkerProcess, committed, ends, expected, kept, producer

# What may differ between two states that say the same: how often a record was written, and as what.
_WRITTEN: Final = ("generation", "revision")


class Town:
    """One installation on the session's broker and engine: worker and loader, each can be stopped."""

    def __init__(self, settings: Settings, folder: Path, loader: Loader) -> None:
        self.settings, self.folder, self.loader = settings, folder, loader
        self.store = Store(address(settings))
        self.producer = producer(settings.kafka_bootstrap, log_level=0)
        self.changelog = changelog_topic(settings.app_id)
        self._worker: WorkerProcess | None = None

    def start(self) -> None:
        """Start the worker."""
        settings = self.settings
        assert self._worker is None
        self._worker = WorkerProcess(
            settings.kafka_bootstrap, settings.app_id, settings.events_topic, self.folder
        )

    def stop(self) -> None:
        """Stop it as an operator does."""
        if self._worker is not None:
            worker, self._worker = self._worker, None
            worker.terminate(60)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Without a worker for a while."""
        self.stop()
        yield
        self.start()

    def raw(self, value: bytes | None, key: bytes, topic: str | None = None) -> None:
        """Publish any bytes as a ward's, or into another topic."""
        partition = PARTITION_OF_WARD[key[:5].decode()]
        self.producer.produce(topic or self.settings.events_topic, value, key, partition)

    def flush(self) -> None:
        """Wait until Kafka has everything."""
        assert self.producer.flush(30) == 0

    def rest(self) -> None:
        """Until everything that was sent is counted and loaded."""
        bootstrap, settings = self.settings.kafka_bootstrap, self.settings
        topic = settings.events_topic
        eventually(
            lambda: committed(bootstrap, settings.app_id, topic).items() >= ends(bootstrap, topic).items(),
            90,
            0.2,
        )
        self.loaded()

    def loaded(self) -> None:
        """Until the loader has nothing left."""
        bootstrap, group = self.settings.kafka_bootstrap, f"{self.settings.app_id}-loader"
        for topic in (self.settings.events_topic, self.changelog):
            wanted = ends(bootstrap, topic)

            def there(topic: str = topic, wanted: dict[int, int] = wanted) -> bool:
                has = committed(bootstrap, group, topic)
                return all(has[number] >= end for number, end in wanted.items())

            eventually(there, 90, 0.2)
        wait_all_read(self.loader, 90)

    def cut(self) -> int:
        """A cut of now, as the monitor publishes it; its number, above that of every cut before."""
        newest = int(self.store.value("SELECT max(number) FROM city_cut") or 0)
        # A cut's number is its cell of the grid: two cuts within one cell would be one and the same.
        eventually(lambda: number_of_cut(time.time_ns() // 1_000_000) > newest, 30, 0.2)
        now_ms = time.time_ns() // 1_000_000
        names = ("number", "at", "published_at", "generation", "wards_total")
        kinds = ("UInt64", "DateTime64(3)", "DateTime64(3)", "UInt32", "UInt16")
        generation = int(self.store.value("SELECT max(generation) FROM book"))
        row = (number_of_cut(now_ms), now_ms, now_ms, generation, 126)
        self.store.insert("city_cut", names, kinds, [[value] for value in row])
        return row[0]

    def answers(self, cut: int) -> dict[str, Any]:
        """What the views of books say as of a cut."""
        views = (
            "v_ward_day_detail",
            "v_ward_day",
            "v_city_day",
            "v_revisions",
            "v_reconcile",
            "v_corrections",
        )
        return {
            view: self.store.query(f"SELECT * FROM {view}_at(as_of = '{cut}') ORDER BY ALL").rows
            for view in views
        }

    def run(self, *arguments: str, code: int = 0) -> Any:
        """`dongbo rebuild` with --json, as an operator types it."""
        return self.command("rebuild", *arguments, code=code)

    def command(self, *arguments: str, code: int = 0) -> Any:
        """The same with any command."""
        done = CliRunner().invoke(app, [*arguments, "--json"], env=self.settings.environment())
        assert done.exit_code == code, f"{done.exit_code}\n{done.output[:3000]}\n{done.exception!r}"
        return json.loads(done.stdout)

    def refused(self, *arguments: str) -> Any:
        """The error that the command ends with."""
        done = CliRunner().invoke(app, ["rebuild", *arguments], env=self.settings.environment())
        assert done.exception is not None, done.output
        return done.exception

    def falsify(self, ward: str, day: str, change: Callable[[Book], object]) -> None:
        """The worker's record becomes another: the newest of its key, of the same generation."""
        book = self.kept()[records.book_key(ward, day)]
        assert isinstance(book, Book)
        change(book)
        book.revision += 1
        self.raw(records.encode(book), records.book_key(ward, day), self.changelog)
        self.flush()

    def falsify_row(self, ward: str, day: str) -> None:
        """ClickHouse shows a step more in each cell, in a version above the worker's."""
        self.store.command(
            "INSERT INTO book SELECT * REPLACE (version + 1 AS version, arrayMap(n -> n + 1, count) AS count)"
            f" FROM book FINAL WHERE day = '{day}' AND ward = '{ward}'"
        )

    def lose(self, key: bytes) -> None:
        """The worker forgets a record."""
        self.raw(None, key, self.changelog)
        self.flush()

    def kept(self) -> State:
        """The newest records of the changelog."""
        return kept(self.settings.kafka_bootstrap, self.settings.app_id)

    def wrong(self) -> list[str]:
        """Records of the changelog that are not what counting every message one by one gives."""
        found = self.kept()
        wanted = expected(self.settings.kafka_bootstrap, self.settings.events_topic)
        keys = sorted(found.keys() | wanted.keys())
        return [repr(key) for key in keys if _said(found.get(key)) != _said(wanted.get(key))]

    def differences(self) -> int:
        """Cells in which books and raw rows differ, and books that differ from the changelog."""
        return int(self.store.value("SELECT count() FROM v_reconcile"))

    def events(self) -> tuple[int, int]:
        """Events in ClickHouse's books, and different events in its raw rows."""
        counted = int(self.store.value("SELECT sum(events) FROM book FINAL"))
        return counted, int(self.store.value("SELECT uniqExact(ward, epoch, seq) FROM events"))


def _said(record: Book | WardSync | None) -> dict[str, Any]:
    if record is None:
        return {}
    return {name: getattr(record, name) for name in record.__struct_fields__ if name not in _WRITTEN}


@contextmanager
def town(settings: Settings, folder: Path) -> Iterator[Town]:
    """A town with an empty database and topics of its own, running."""
    name = unique_name("rebuild")
    settings = settings.model_copy(
        update={
            "app_id": name,
            "events_topic": f"{name}.events",
            "clickhouse_database": name,
            "data_dir": folder,
        }
    )
    prepare(settings)
    config = LoaderConfig(
        bootstrap=settings.kafka_bootstrap,
        app_id=name,
        events_topic=settings.events_topic,
        store=address(settings),
        linger_ms=50,
    )
    with ExitStack() as stack:
        found = Town(settings, folder, stack.enter_context(running(config)))
        stack.callback(found.stop)
        found.start()
        yield found


def of(found: Any, *names: str) -> set[tuple[Any, ...]]:
    """Some members of the differences that a run has printed."""
    return {tuple(line[name] for name in names) for line in found["differences"]}


def send(city: Town, *events: Event) -> None:
    """Publish events; returns when Kafka has them."""
    for event in events:
        city.raw(encode(event), event.data.ward.encode())
    city.flush()


def story(ward: str) -> list[Event]:
    """A ward's steps on three days with all that is hard: late, taken back, repeated, reused, closed.

    Moments lie just before a full minute, so that the milliseconds that are stored are those of the next.
    """
    received = [status(n, ward=ward, at=START + timedelta(minutes=n)) for n in range(1, 5)]
    done = [
        status(
            n,
            ward=ward,
            at=START + timedelta(days=1, minutes=n, microseconds=999_700),
            status=Status.DONE,
            received_at=START + timedelta(microseconds=999_600),
            finished_at=START + timedelta(days=1, seconds=59, microseconds=999_700),
            due_at=START + timedelta(days=1),
        )
        for n in range(5, 8)
    ]
    early = status(10, ward=ward, at=START + timedelta(days=2))
    return [
        *received,
        done[1],
        retraction(8, done[0], at=START + timedelta(days=2)),  # before the step that it takes back
        done[0],
        done[2],
        retraction(9, early),
        early,
        received[0],
        status(2, ward=ward, at=START + timedelta(days=2), field="dat-dai"),  # a seq used again
        closing(11, {Status.RECEIVED: 4}, ward=ward),
    ]
