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
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from ops.city.prepare import reader
from ops.settings import REPOSITORY
from producers.contract.errors import DongBoError
from producers.contract.topics import PARTITIONS, topic_specs
from streams.topics_setup import ensure_topics
from tests.faults.catalogue.base import Fault


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
        self.city.patiently("RENAME TABLE heartbeats_away TO heartbeats")


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
    hold_s = (6.0, 6.0)
    expectation = "killed by the reader's limits; ingest goes on"

    def inject(self) -> str:
        def ask() -> None:
            with contextlib.suppress(DongBoError), reader(self.city.settings) as store:
                store.query("SELECT count() FROM v_dossiers AS a CROSS JOIN v_dossiers AS b")

        threading.Thread(target=ask, daemon=True).start()
        return "a reader's cross join of all dossiers with all"


class OutboxFull(Fault):
    """A bound on the size of files, set on the living process: SQLite's writes fail as on a full disk."""

    id, name, group = "F45", "outbox-disk-full", "disk"
    hold_s = (6.0, 10.0)
    expectation = "the ward is told, nothing is promised that is not kept; it goes on with space"

    def inject(self) -> str:
        name = self.sender("outbox")
        self._pid = self.city.pid(name)
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        return f"{name}: no file may grow beyond 4096 bytes"

    def heal(self) -> None:
        infinite = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(self._pid, resource.RLIMIT_FSIZE, infinite)


class ClickHouseFull(Fault):
    """Its folder is a file system of its own (where one may be mounted), made as small as it is full."""

    # Alone: an ALTER while there is no space leaves the embedded engine an empty definition of the table.
    id, name, group, alone = "F22", "clickhouse-disk-full", "disk", True
    hold_s = (6.0, 10.0)
    names = ("loader", "clickhouse")
    expectation = "the loader waits and says so; it goes on with space"

    def inject(self) -> str:
        return "no space left" if self.city.fill_clickhouse(True) else "not injected: mounting needs root"

    def heal(self) -> None:
        self.city.fill_clickhouse(False)


class MigratorKilled(Fault):
    id, name, group, kill = "F52", "migrator-killed", "migrations", True
    expectation = "killed between two statements and run again, while rows come in: the same schema, once"

    def inject(self) -> str:
        self.city.store.command(
            "ALTER TABLE migrations DELETE WHERE name LIKE 'views/%' SETTINGS mutations_sync = 2"
        )
        died = 0
        for nth in (1, 7, 20):
            died += self._migrate(f"migrate.view:{nth}") == -signal.SIGKILL
        self.city.kills["migrator"] += died
        return f"migrate killed {died} times, then run to its end with {self._migrate('')}"

    def _migrate(self, point: str) -> int:
        environment = os.environ | self.city.settings.environment() | {"FAULTS_CRASH_AT": point}
        command = [sys.executable, "-m", "ops", "migrate"]
        process = subprocess.Popen(
            command, env=environment, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            self.city.sleep(0.2)
        process.kill()
        return process.wait()


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

    def inject(self) -> str:
        topic = self.city.settings.events_topic
        self.halt_readers()
        try:
            before = self.ends(topic)
            self.city.sleep(4.0)
            after = self.ends(topic)
            grown = [n for n in range(PARTITIONS) if after[n] > before[n]]
            partition = self.rng.choice(grown or [0])
            place = TopicPartition(topic, partition, after[partition])
            self.city.admin().delete_records([place], request_timeout=20)[place].result(20)
        finally:
            self.city.unhalt(*self.members())
        return f"partition {partition}: offsets {before[partition]} to {after[partition] - 1} deleted unread"


class TopicRecreated(_Kafka):
    id, name, alone = "F29", "topic-recreated", True
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


class TailLost(_Kafka):
    id, name, alone, kill = "F25", "broker-loses-its-tail", True, True
    told = True
    expectation = "as after a loss of power: the sequence shows the hole, the ward is asked again"

    def inject(self) -> str:
        self.halt_readers()
        self.city.halt("kafka")
        data = self.city.settings.data_dir / "kafka" / "data"
        # Odd partitions only: bad messages that are compared by their offset stand in others, too.
        logs = [path for path in self._logs(data) if path.stat().st_size > 40_000]
        cut = []
        for path in self.rng.sample(logs, min(2, len(logs))):
            os.truncate(path, path.stat().st_size - self.rng.randint(500, 20_000))
            cut.append(path.parent.name)
        # Without the mark of a clean end the broker checks its logs, as after a crash.
        (data / ".kafka_cleanshutdown").unlink(missing_ok=True)
        self.city.unhalt("kafka", *self.members())
        return f"the tail of {', '.join(cut)} cut off"

    def _logs(self, data: Path) -> list[Path]:
        topic, bad = self.city.settings.events_topic, {one.partition for one in self.city.extra.poison}
        found = []
        for partition in set(range(PARTITIONS)) - bad:
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
