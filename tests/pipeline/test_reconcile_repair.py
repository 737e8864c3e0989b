"""Goal: books and raw rows that really came apart agree again after a repair, or it is said why not.

Method: a real ward (SDK), broker, worker, loader and engine. The worker is made to miss events by moving its
group behind its back, Kafka is made to forget, rows are deleted; then the command is asked as an operator
asks it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner

from ops.city.prepare import address, prepare
from ops.cli import app
from ops.monitor_config import monitor_config
from ops.settings import Settings
from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers import Ward
from producers.contract.codec import encode
from producers.contract.envelope import RetractedEvent, wrap
from producers.contract.events import Retracted
from producers.contract.topics import PARTITION_OF_WARD
from streams.warehouse.comparison import Scope, compare
from streams.warehouse.loader import LoaderConfig
from streams.warehouse.store import Store
from tests.builders import START, status
from tests.conftest import eventually, unique_name
from tests.pipeline.monitors import monitoring
from tests.pipeline.warehouse import running
from tests.pipeline.workers import WorkerProcess, bounds, producer

pytestmark = pytest.mark.timeout(240)
MISSED, FORGOTTEN, UNSTORED, OTHERWISE, WATCHED = "00070", "00004", "00008", "00025", "00091"
DAY = START.date().isoformat()


class Town:
    """One installation on the session's broker and engine, its worker in a process of its own."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.store = Store(address(settings))
        self.worker = self._started()

    def _started(self) -> WorkerProcess:
        settings = self.settings
        return WorkerProcess(settings.kafka_bootstrap, settings.app_id, settings.events_topic, self.folder)

    def run(self, *arguments: str, code: int = 0) -> Any:
        """A command with --json, as an operator types it."""
        done = CliRunner().invoke(app, [*arguments, "--json"], env=self.settings.environment())
        assert done.exit_code == code, f"{done.exit_code}\n{done.output}\n{done.exception!r}"
        return json.loads(done.stdout)

    @contextmanager
    def ward(self, code: str) -> Iterator[Ward]:
        """The ward's own system."""
        with Ward(
            code,
            outbox=self.folder / f"{code}.sqlite",
            kafka=self.settings.kafka_bootstrap,
            topic=self.settings.events_topic,
            close_days=False,
        ) as ward:
            yield ward

    def send(self, code: str, count: int) -> None:
        """Events of one day by the ward's system; returns when Kafka has them."""
        with self.ward(code) as ward:
            first = ward.outbox.next_seq(code)
            for n in range(first, first + count):
                ward.status(
                    dossier=f"H26.{code}-250701-{n:04d}",
                    at=START + timedelta(minutes=n, microseconds=501),
                    procedure="2.000815",
                    channel="counter",
                    status=9 if n % 2 else 2,
                    received_at=START,
                    finished_at=START + timedelta(minutes=n) if n % 2 else None,
                )
            assert ward.flush(15)

    def raw(self, code: str) -> int:
        sql = "SELECT uniqExact(epoch, seq) FROM events WHERE ward = {w:String}"
        return int(self.store.value(sql, {"w": code}))

    def counted(self, code: str) -> int:
        return int(
            self.store.value("SELECT sum(events) FROM book FINAL WHERE ward = {w:String}", {"w": code})
        )

    def miss(self, code: str, count: int) -> None:
        """Events that the loader stores and the worker never sees: its place was moved while it was down."""
        before = self.counted(code)
        self.worker.kill()
        self.send(code, count)
        eventually(lambda: self.raw(code) >= before + count, 60)
        self._move(PARTITION_OF_WARD[code])
        self.worker = self._started()

    def _move(self, partition: int) -> None:
        topic, admin = self.settings.events_topic, AdminClient(self._client())
        consumer = Consumer(self._client() | {"group.id": "ends"})
        _, end = bounds(consumer, topic, partition)
        consumer.close()
        place = ConsumerGroupTopicPartitions(self.settings.app_id, [TopicPartition(topic, partition, end)])

        def moved() -> bool:  # Kafka refuses until it has noticed that the worker is gone
            try:
                found = admin.alter_consumer_group_offsets([place])[self.settings.app_id].result(10)
            except Exception as error:
                raise AssertionError(str(error)) from None
            return all(one.error is None for one in found.topic_partitions)

        eventually(moved, 60, 0.5)

    def forget(self, code: str) -> None:
        """Kafka deletes all that it has of the ward's partition."""
        topic, partition = self.settings.events_topic, PARTITION_OF_WARD[code]
        everything, admin = TopicPartition(topic, partition, -1), AdminClient(self._client())
        admin.delete_records([everything])[everything].result(20)

    def _client(self) -> dict[str, Any]:
        return {"bootstrap.servers": self.settings.kafka_bootstrap}

    def differing(self, code: str) -> int:
        """Cells that the running double entry holds to be different now."""
        sql = "SELECT sum(cells) FROM v_double_entry WHERE ward = {w:String} AND open"
        return int(self.store.value(sql, {"w": code}))

    def agree(self, code: str) -> bool:
        return compare(self.store, Scope((code,))) == []


@pytest.fixture(scope="module")
def town(
    kafka: Broker, clickhouse: Endpoint, stack_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    name, folder = unique_name("mend"), tmp_path_factory.mktemp("mend")
    settings = stack_settings.model_copy(
        update={
            "app_id": name,
            "events_topic": f"{name}.events",
            "clickhouse_database": name,
            "data_dir": folder,
        }
    )
    prepare(settings)
    config = LoaderConfig(
        bootstrap=kafka.bootstrap,
        app_id=name,
        events_topic=settings.events_topic,
        store=address(settings),
        linger_ms=50,
    )
    town = Town(settings, folder)
    try:
        with running(config):
            yield town
    finally:
        town.worker.kill()


def test_events_that_the_worker_missed_are_sent_again_and_counted(town: Town) -> None:
    town.send(MISSED, 4)
    eventually(lambda: town.counted(MISSED) == 4, 60)
    town.miss(MISSED, 3)
    assert len(town.run("reconcile", "--ward", MISSED, code=1)) == 2
    (outcome,) = town.run("reconcile", "--ward", MISSED, "--repair")
    assert (outcome["result"], outcome["cells_before"], outcome["cells_after"]) == ("healed", 2, 0)
    # All seven from Kafka: the four that were counted are repetitions.
    assert (outcome["sent"], outcome["from_kafka"], outcome["asked"]) == (7, 7, 0)
    assert (town.counted(MISSED), town.raw(MISSED)) == (7, 7)
    assert town.run("reconcile", "--ward", MISSED) == []
    columns = "kind, actor, first_seq, last_seq, reason, differences, day"
    sql = f"SELECT {columns} FROM repairs WHERE ward = {{w:String}}"
    ((kind, actor, first, last, reason, differences, day),) = town.store.query(sql, {"w": MISSED}).rows
    assert (kind, actor, first, last, reason, differences) == ("resend", "operator", 1, 7, "difference", 2)
    assert day == START.date()


def test_events_that_kafka_has_forgotten_are_made_anew_from_their_rows(town: Town) -> None:
    town.miss(FORGOTTEN, 3)
    eventually(lambda: not town.agree(FORGOTTEN), 30)
    town.forget(FORGOTTEN)
    (outcome,) = town.run("reconcile", "--ward", FORGOTTEN, "--day", DAY, "--repair")
    assert (outcome["result"], outcome["sent"], outcome["from_kafka"]) == ("healed", 3, 0)
    assert town.counted(FORGOTTEN) == 3
    assert town.agree(FORGOTTEN)


def test_rows_that_were_lost_are_asked_of_the_ward(town: Town) -> None:
    town.send(UNSTORED, 4)
    eventually(lambda: town.counted(UNSTORED) == 4 and town.raw(UNSTORED) == 4, 60)
    town.store.command(
        f"ALTER TABLE events DELETE WHERE ward = '{UNSTORED}' AND seq IN (2, 4) SETTINGS mutations_sync = 1"
    )
    assert town.raw(UNSTORED) == 2
    with town.ward(UNSTORED):  # its system runs, and answers by itself
        (outcome,) = town.run("reconcile", "--ward", UNSTORED, "--repair")
    assert (outcome["result"], outcome["asked"], outcome["cells_after"]) == ("healed", 2, 0)
    assert (town.raw(UNSTORED), town.counted(UNSTORED)) == (4, 4)
    sql = "SELECT first_seq FROM repairs WHERE ward = {w:String} AND kind = 'request' ORDER BY first_seq"
    assert town.store.query(sql, {"w": UNSTORED}).rows == [(2,), (4,)]


def test_retraction_of_another_content_is_named_with_what_to_do(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.reconcile.HEALED_S", 3.0)
    right, wrong = status(1, ward=OTHERWISE), status(1, ward=OTHERWISE, field="dat-dai")
    of = Retracted(
        ward=OTHERWISE, epoch="test", seq=2, of=wrong.data, of_time=wrong.time, reason="wrong-status"
    )
    sender = producer(town.settings.kafka_bootstrap)
    for event in (right, wrap(RetractedEvent, of, START)):
        partition = PARTITION_OF_WARD[OTHERWISE]
        sender.produce(town.settings.events_topic, encode(event), OTHERWISE.encode(), partition)
    assert sender.flush(20) == 0
    eventually(lambda: town.counted(OTHERWISE) == 2 and town.raw(OTHERWISE) == 2, 60)
    (outcome,) = town.run("reconcile", "--ward", OTHERWISE, "--repair", code=1)
    assert (outcome["result"], outcome["cells_after"]) == ("retraction_differs", 2)
    assert f"{OTHERWISE}/test/2" in outcome["words_en"]


def test_running_monitor_finds_by_itself_what_came_apart_and_that_it_was_repaired(town: Town) -> None:
    town.send(WATCHED, 2)
    eventually(lambda: town.counted(WATCHED) == 2, 60)
    # More often than in production.
    with monitoring(monitor_config(town.settings), "wards", "cut", "double_entry", every_s=2.0):
        town.miss(WATCHED, 2)
        eventually(lambda: town.differing(WATCHED) == 2, 90, 0.5)
        (outcome,) = town.run("reconcile", "--ward", WATCHED, "--repair")
        assert outcome["result"] == "healed"
        eventually(lambda: town.differing(WATCHED) == 0, 90, 0.5)
    sql = "SELECT count() FROM v_double_entry WHERE ward = {w:String} AND NOT open"
    assert town.store.value(sql, {"w": WATCHED}) == 1


def test_what_an_operator_asks_a_ward_for_is_written_down(town: Town) -> None:
    (asked,) = town.run("ward", "request", "00082", "3-5", "--epoch", "some-epoch")
    sql = "SELECT id, kind, actor, epoch, first_seq, last_seq, reason FROM repairs WHERE ward = '00082'"
    assert town.store.query(sql).rows == [
        (asked["request"], "request", "operator", "some-epoch", 3, 5, "manual")
    ]
