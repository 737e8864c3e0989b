"""Kafka's and ClickHouse's own troubles: lost logs and offsets, tables that are away, full disks."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from ops.city.prepare import reader
from ops.settings import REPOSITORY
from producers.contract.errors import DongBoError, Unavailable
from producers.contract.topics import PARTITION_OF_WARD, PARTITIONS, topic_specs
from streams.topics_setup import ensure_topics
from tests.faults.catalogue.base import Fault, NoEffect, Slow, Wanted
from tests.faults.ledger import REFUSED
from tests.faults.process import told_file

_AWAY: Final = "away"
# How the engine says that a limit has ended a query.
_KILLED: Final = ("TIMEOUT_EXCEEDED", "MEMORY_LIMIT", "TOO_MANY_ROWS", "QUERY_WAS_CANCELLED")
_DIED: Final = "died at its point"
_EVENT_BYTES: Final = 1_000


class TooManyParts(Fault):
    id, name, group = "F20", "too-many-parts", "clickhouse"
    hold_s = (5.0, 9.0)
    names = ("loader",)
    expectation = "waited for, offsets held, nothing rejected"

    def inject(self) -> str:
        self.city.store.command("ALTER TABLE events MODIFY SETTING parts_to_throw_insert = 1")
        return "events takes no new part"

    def heal(self) -> None:
        self.city.patiently("ALTER TABLE events RESET SETTING parts_to_throw_insert")


class TableMissing(Fault):
    id, name, group = "F20t", "table-missing", "clickhouse"
    hold_s = (5.0, 9.0)
    names = ("loader",)
    expectation = "waited for with the word that a migration is missing; nothing rejected"

    def inject(self) -> str:
        self.city.store.command("RENAME TABLE heartbeats TO heartbeats_away")
        return "the table heartbeats is away"

    def heal(self) -> None:
        # If ClickHouse was away when it should have been renamed, there is nothing to put back.
        self.city.patiently("RENAME TABLE IF EXISTS heartbeats_away TO heartbeats")


class MergesStopped(Fault):
    id, name, group = "F20m", "merges-stopped", "clickhouse"
    hold_s = (10.0, 18.0)
    expectation = "parts pile up, figures stay exact: every view reads with FINAL"

    def inject(self) -> str:
        self.city.store.command("SYSTEM STOP MERGES")
        return "no merges"

    def heal(self) -> None:
        self.city.patiently("SYSTEM START MERGES")


class QueryOfDeath(Fault):
    id, name, group = "F51", "query-of-death", "clickhouse"
    hold_s = (45.0, 45.0)
    expectation = "killed by the reader's limits; ingest goes on"
    _sql: Final = "SELECT count() FROM numbers(10000000) AS a CROSS JOIN numbers(10000000) AS b"

    def inject(self) -> str:
        self._ended: list[str] = []
        threading.Thread(target=self._ask, daemon=True).start()
        return "a reader's cross join of 10^14 rows"

    def _ask(self) -> None:
        try:
            with reader(self.city.settings) as store:
                self._ended.append(f"answered {store.value(self._sql)}")
        except Unavailable as error:
            self._ended.append(f"{_AWAY}: {error}")
        except DongBoError as error:
            self._ended.append(f"refused: {error}")

    def seconds(self) -> float:
        return super().seconds() * self.city.plan.patience

    def over(self) -> bool:
        return bool(self._ended)

    def heal(self) -> str:
        """It must have been killed, by a limit: an answer, or no end, is none."""
        outcome = " ".join(self._ended[0].split())[:120] if self._ended else "still running"
        if not outcome.startswith((_AWAY, "refused")):
            raise AssertionError(f"a query of death was not killed within {self.hold_s[0]:.0f} s: {outcome}")
        if outcome.startswith(_AWAY) and not any(word in outcome for word in _KILLED):
            raise NoEffect(f"ClickHouse was away: {outcome}")
        return f"a reader's cross join of 10^14 rows: {outcome}"


class OutboxFull(Fault):
    """A bound on the size of files, set on the living process: SQLite's writes fail as on a full disk."""

    id, name, group = "F45", "outbox-disk-full", "disk"
    hold_s = (6.0, 10.0)
    expectation = "the ward is told, nothing is promised that is not kept; it goes on with space"
    _pid = 0

    def inject(self) -> str:
        self._name = self.sender("outbox")
        self._pid, self._before = self.city.pid(self._name), self._refusals()
        if not self._pid:
            raise NoEffect(f"{self._name} was not running")
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        return f"{self._name}: no file may grow beyond 4096 bytes"

    def _refusals(self) -> int:
        """How often the ward's system was told that nothing was kept."""
        ledger = self.city.ledgers / f"{self._name}.ledger"
        return ledger.read_bytes().count(f"\n{REFUSED}".encode()) if ledger.exists() else 0

    def heal(self) -> str:
        infinite = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(self._pid, resource.RLIMIT_FSIZE, infinite)
        refused = self._refusals() - self._before
        if not refused:
            raise NoEffect(f"{self._name} appended nothing meanwhile, or was killed first")
        return f"{self._name}: no file may grow beyond 4096 bytes; {refused} times nothing was promised"


class ClickHouseFull(Fault):
    """Its folder is a file system of its own (where one may be mounted), made as small as it is full."""

    # Alone: an ALTER while there is no space leaves the embedded engine an empty definition of the table.
    id, name, group, alone = "F22", "clickhouse-disk-full", "disk", True
    hold_s = (6.0, 10.0)
    names = ("loader", "clickhouse")
    expectation = "the loader waits and says so; it goes on with space"

    def inject(self) -> str:
        if not self.city.fill_clickhouse(True):
            raise NoEffect("mounting needs root")
        return "no space left"

    def heal(self) -> str | None:
        self.city.fill_clickhouse(False)
        return None


class MigratorKilled(Slow):
    id, name, group, kill = "F52", "migrator-killed", "migrations", True
    expectation = "killed between two statements and run again, while rows come in: the same schema, once"

    def work(self) -> str:
        with self.city.fresh_store() as store:
            _patiently(
                lambda: store.command(
                    "ALTER TABLE migrations DELETE WHERE name LIKE 'views/%' SETTINGS mutations_sync = 2"
                )
            )
        died = sum(self._migrate(f"migrate.view:{nth}") == _DIED for nth in (1, 7, 20))
        self.city.kills["migrator"] += died
        # Twice: ClickHouse may be away for longer than migrate waits, when others of the round take it away.
        if self._migrate("") != "0" and (ended := self._migrate("")) != "0":
            raise AssertionError(f"migrate did not run to its end after {died} kills: {ended}")
        if not died:
            raise NoEffect("migrate did not come to its points")
        return f"migrate killed {died} times, then run to its end"

    def _migrate(self, point: str) -> str:
        """How it ended: at the point, with a code, or not in two minutes."""
        told = told_file("migrate")
        told.unlink(missing_ok=True)
        crash = {"FAULTS_CRASH_AT": point, "FAULTS_CRASH_TOLD": str(told)}
        process = subprocess.Popen(
            [sys.executable, "-m", "ops", "migrate"],
            env=os.environ | self.city.settings.environment() | crash,
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        ended = process.poll()
        process.kill()
        process.wait()
        if ended == -signal.SIGKILL and told.exists():
            return _DIED
        return "not in 120 s" if ended is None else str(ended)


class _Kafka(Fault):
    group = "kafka"

    def offsets(self, topic: str, spec: Any) -> dict[int, int]:
        """First or end offsets."""
        asked = {TopicPartition(topic, n): spec for n in range(PARTITIONS)}
        found = self.city.admin().list_offsets(asked, request_timeout=20)
        return {tp.partition: future.result(20).offset for tp, future in found.items()}

    def ends(self, topic: str) -> dict[int, int]:
        return self.offsets(topic, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def members(self) -> tuple[str, ...]:
        """All who read the events, by their names under the supervisor."""
        return "loader", *(f"worker:worker-{n}" for n in range(self.city.plan.workers))

    def halt_readers(self) -> None:
        """Workers first, then the loader: what the books have the rows have; what is destroyed was unread.

        The other way round needs a hand (`dongbo reconcile --repair`): docs/reliability.md.
        """
        self.city.settle(60.0)
        loader, *workers = self.members()
        self.city.halt(*workers)
        self.city.sleep(3.0)
        self.city.halt(loader)


class LoaderOffsetsDeleted(_Kafka):
    id, name, alone = "F27", "loader-offsets-deleted", True
    expectation = "everything is read again from the start: no total changes"

    def inject(self) -> str:
        self.city.halt("loader")
        group = f"{self.city.settings.app_id}-loader"
        try:
            _patiently(lambda: self.city.admin().delete_consumer_groups([group])[group].result(10))
        finally:
            self.city.unhalt("loader")
        return "the loader's group deleted"


class WorkerOffsetsReset(_Kafka):
    id, name, alone = "F28", "worker-offsets-to-earliest", True
    expectation = "every event is judged again: all are repetitions"

    def inject(self) -> str:
        workers = self.members()[1:]
        self.city.halt(*workers)
        places = [TopicPartition(self.city.settings.events_topic, n, 0) for n in range(PARTITIONS)]
        request = ConsumerGroupTopicPartitions(self.city.settings.app_id, places)
        try:
            _patiently(lambda: _altered(self.city.admin(), request))
        finally:
            self.city.unhalt(*workers)
        return "the workers' group set to the beginning"


class UnreadDeleted(_Kafka):
    id, name, alone = "F26", "unread-messages-deleted", True
    told = True
    expectation = "an incident with the exact range; the wards are asked again, without a hand"
    _range: tuple[int, int, int] | None = None

    def inject(self) -> str:
        topic = self.city.settings.events_topic
        self.halt_readers()
        try:
            before = self.ends(topic)
            self.city.sleep(4.0)
            after = self.ends(topic)
            grown = [n for n in range(PARTITIONS) if after[n] > before[n]]
            if not grown:
                raise NoEffect("nothing came while nobody read")
            partition = self.rng.choice(grown)
            place = TopicPartition(topic, partition, after[partition])
            self.city.admin().delete_records([place], request_timeout=20)[place].result(20)
        finally:
            self.city.unhalt(*self.members())
        self._range = (partition, before[partition], after[partition] - 1)
        return f"partition {partition}: offsets {before[partition]} to {after[partition] - 1} deleted unread"

    def wanted(self) -> Wanted:
        if self._range is None:
            return Wanted()
        partition, first, last = self._range
        return Wanted(ranges={partition: (first, last)})


class TopicRecreated(_Kafka):
    id, name, alone = "F29", "topic-recreated", True
    told = True
    expectation = "known by its id; what was not read is asked for again; nothing old is taken for new"

    def inject(self) -> str:
        settings, topic = self.city.settings, self.city.settings.events_topic
        self.halt_readers()
        try:
            self.city.admin().delete_topics([topic])[topic].result(20)
            self.city.sleep(1.0)
            specs = topic_specs(topic, settings.app_id)
            _patiently(lambda: ensure_topics(settings.kafka_bootstrap, specs))
        finally:
            self.city.unhalt(*self.members())
        return "the events' topic deleted and made again"

    def wanted(self) -> Wanted:
        wards = [ward for config in self.city.configs() for ward in config.wards]
        return Wanted(kinds={"topic_recreated": frozenset(PARTITION_OF_WARD[ward] for ward in wards)})


class TailLost(_Kafka):
    """Only of what came while nobody read, as after a loss of power: the broker is killed, its files cut."""

    id, name, alone, kill = "F25", "broker-loses-its-tail", True, True
    told = True
    expectation = "as after a loss of power: the sequence shows the hole, the ward is asked again"
    _cut: frozenset[int] = frozenset()

    def inject(self) -> str:
        self.halt_readers()
        before = {path: path.stat().st_size for path in self._logs()}
        self.city.sleep(4.0)
        try:
            done = self.city.dead_meanwhile("kafka", lambda: self._shorten(before))
        finally:
            self.city.unhalt(*self.members())
        if not done:
            raise NoEffect("nothing came while nobody read, or Kafka did not run")
        self._cut = frozenset(done)
        return "kill -9 Kafka, cut off: " + ", ".join(
            f"partition {n} {size} bytes" for n, size in done.items()
        )

    def wanted(self) -> Wanted:
        return Wanted(partitions=self._cut)

    def _shorten(self, before: dict[Path, int]) -> dict[int, int]:
        """Cut two of the logs that have grown; partition to bytes."""
        grown = {path: path.stat().st_size - size for path, size in before.items()}
        logs = [path for path, size in sorted(grown.items()) if size > _EVENT_BYTES]
        found = {}
        for path in self.rng.sample(logs, min(2, len(logs))):
            lost = self.rng.randint(grown[path] // 2, grown[path])
            os.truncate(path, path.stat().st_size - lost)
            found[int(path.parent.name.rpartition("-")[2])] = lost
        return found

    def _logs(self) -> list[Path]:
        """The active segments. Bad messages lie before what is cut: none is sent while this is alone."""
        topic, data = self.city.settings.events_topic, self.city.settings.data_dir / "kafka" / "data"
        found: list[Path] = []
        for partition in range(PARTITIONS):
            segments = sorted((data / f"{topic}-{partition}").glob("*.log"))
            found += segments[-1:]
        return found


def _patiently(work: Any) -> None:
    """A group that still has a member, a broker that is not ready: again, for a minute."""
    deadline = time.monotonic() + 60
    while True:
        try:
            work()
            return
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def _altered(admin: Any, request: ConsumerGroupTopicPartitions) -> None:
    (future,) = admin.alter_consumer_group_offsets([request]).values()
    for place in future.result(20).topic_partitions:
        if place.error is not None:
            raise RuntimeError(str(place.error))


FAULTS: tuple[type[Fault], ...] = (
    TooManyParts,
    TableMissing,
    MergesStopped,
    QueryOfDeath,
    OutboxFull,
    ClickHouseFull,
    MigratorKilled,
    LoaderOffsetsDeleted,
    WorkerOffsetsReset,
    UnreadDeleted,
    TopicRecreated,
    TailLost,
)
