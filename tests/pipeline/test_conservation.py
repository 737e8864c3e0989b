"""Goal: what enters a hop leaves it or is on its way; what is lost is found at its hop and partition.

It heals when it comes back. Method: a real broker, engine, loader and worker; things are taken away by hand
where no process would lose them. The graces are short; the job is run as the monitor runs it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from typer.testing import CliRunner

from ops.cli import app
from ops.settings import Settings
from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers.contract.acks import Acked
from producers.contract.envelope import Event, SequencedEvent, wrap_heartbeat
from producers.contract.events import Heartbeat
from producers.contract.topics import PARTITION_OF_WARD
from streams.domain.alive import Thresholds
from streams.monitor.config import MonitorConfig
from streams.monitor.conservation import Conservation
from streams.monitor.jobs import Context
from streams.monitor.kafka_ends import Ends, KafkaEnds
from streams.warehouse.acks import AckTable
from streams.warehouse.store import Store
from tests.builders import EPOCH, START, status
from tests.conftest import eventually, free_port
from tests.pipeline import gateway as gateways
from tests.pipeline.test_gateway import wire
from tests.pipeline.test_loader import delete
from tests.pipeline.warehouse import Topics, covered, database, running, wait_all_read, wait_stored
from tests.pipeline.workers import WorkerProcess

pytestmark = pytest.mark.timeout(240)
# Each in a partition of its own.
ALL, DELETED, REJECTED, ANNOUNCED, SKIPPED, LOST = "00070", "00004", "00008", "00025", "00091", "00097"
ACKED, UNHEARD, MIXED = "00082", "00103", "00118"
HOPS = {"outbox_kafka", "kafka_loader", "loader_rows", "events_books"}


class Watch:
    """The job of one installation, with short graces, and what it says."""

    def __init__(
        self, topics: Topics, store: Store, hole_old_s: int = 1, between: Callable[[], object] | None = None
    ) -> None:
        """`between` happens in each look after Kafka's ends were read."""
        self.topics, self.store = topics, store
        limits = Thresholds(hole_old_s=hole_old_s)
        config = MonitorConfig(topics.bootstrap, store.address, topics.app_id, topics.events, limits=limits)
        ends = KafkaEnds(config)

        def read() -> Ends:
            found = ends.read()
            if between is not None:
                between()
            return found

        self._job = Conservation(config, grace_s=1.0, confirm_s=0.2, read_ends=read)
        self._context = Context(config, store, threading.Event())

    def look(self) -> list[dict[str, Any]]:
        """One run, as it stands in the view; what is not equal."""
        self._job.run(self._context)
        rows = self.store.query("SELECT * FROM v_conservation ORDER BY hop, partition").dicts()
        assert all(row["expected"] == row["found"] + row["in_flight"] + row["broken"] for row in rows)
        return [row for row in rows if row["state"] != "equal"]

    def all_equal(self) -> bool:
        """Every hop of every partition, looked at now."""
        found = self.look()
        assert found == [], found
        return bool(self.store.value("SELECT count() = 96 FROM v_conservation"))

    def broken(self, hop: str, ward: str, amount: int) -> dict[str, Any]:
        """The one thing that is broken, once it is."""

        def only() -> dict[str, Any]:
            found = [row for row in self.look() if row["broken"]]
            assert len(found) == 1, found
            (row,) = found
            assert (row["hop"], row["partition"]) == (hop, PARTITION_OF_WARD[ward])
            assert (row["broken"], row["in_flight"]) == (amount, 0)
            return row

        return eventually(only, 30, 0.3)


def beat(ward: str, last_seq: int, second: int = 0) -> Event:
    clock = START + timedelta(seconds=second)
    return wrap_heartbeat(Heartbeat(ward=ward, epoch=EPOCH, last_seq=last_seq, outbox_pending=0, clock=clock))


def events(ward: str, *seqs: int) -> list[SequencedEvent]:
    return [status(seq, ward=ward) for seq in seqs]


def acknowledge(store: Store, ward: str, seq: int) -> None:
    """Say that the gateway answered 202 up to here."""
    AckTable(store).keep([Acked(ward, EPOCH, seq, time.time_ns() // 1_000_000)])


def unequal(watch: Watch, ward: str) -> list[tuple[int, int, int, int, str]]:
    """What the first hop says of a ward's partition, while it is not equal."""
    return [
        (row["expected"], row["found"], row["in_flight"], row["broken"], row["detail_en"])
        for row in watch.look()
        if (row["hop"], row["partition"]) == ("outbox_kafka", PARTITION_OF_WARD[ward])
    ]


def commit(topics: Topics, group: str, offsets: dict[int, int]) -> None:
    """Say in a group's name that it is done up to here."""
    consumer = Consumer({"bootstrap.servers": topics.bootstrap, "group.id": group})
    places = [TopicPartition(topics.events, partition, offset) for partition, offset in offsets.items()]
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()


@pytest.fixture(scope="module")
def town(kafka: Broker, clickhouse: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """An installation with a real worker; the loader is each test's own."""
    with database(clickhouse) as store:
        topics = Topics(kafka.bootstrap)
        folder: Path = tmp_path_factory.mktemp("conservation")
        worker = WorkerProcess(kafka.bootstrap, topics.app_id, topics.events, folder)
        yield Watch(topics, store)
        worker.terminate()


def test_at_rest_all_hops_are_equal_and_the_sum_is_written_out(town: Watch) -> None:
    topics = town.topics
    topics.send([*events(ALL, 1, 2, 3), *events(ALL, 2), beat(ALL, 3), *events(DELETED, 1, 2, 3)])
    topics.raw(b"{", ALL.encode(), PARTITION_OF_WARD[ALL])
    topics.raw(b"{", REJECTED.encode(), PARTITION_OF_WARD[REJECTED])
    topics.flush()
    with running(topics.config(town.store)) as loader:
        wait_stored(town.store, 6)
        eventually(town.all_equal, 60, 0.3)
        wait_all_read(loader)
    row = town.store.query(
        f"SELECT * FROM v_conservation WHERE hop = 'loader_rows' AND partition = {PARTITION_OF_WARD[ALL]}"
    ).dicts()[0]
    assert (row["expected"], row["found"]) == (6, 6)
    assert row["detail_en"] == "3 events + 1 repeats + 1 rejects + 1 heartbeats"


def test_deleted_row_is_broken_at_its_hop_and_heals_when_it_is_back(
    town: Watch, stack_settings: Settings
) -> None:
    name = town.store.address.database
    environment = stack_settings.model_copy(update={"clickhouse_database": name}).environment()
    assert CliRunner().invoke(app, ["conservation"], env=environment).exit_code == 0
    town.store.command(f"DELETE FROM events WHERE ward = '{DELETED}' AND seq = 2")
    row = town.broken("loader_rows", DELETED, 1)
    assert "00004/test: 2" in row["detail_vi"]
    shown = CliRunner().invoke(app, ["conservation", "--json"], env=environment)
    assert shown.exit_code == 1
    assert [one["detail_vi"] for one in json.loads(shown.stdout) if one["broken"]] == [row["detail_vi"]]
    line = json.loads(CliRunner().invoke(app, ["status", "--json"], env=environment).stdout)[-1]
    assert (line["process"], line["state"], line["ok"]) == ("conservation", "broken", False)
    assert "loader_rows/23" in line["detail"]
    town.topics.send(events(DELETED, 2))
    with running(town.topics.config(town.store)):
        eventually(town.all_equal, 60, 0.3)


def test_deleted_reject_is_broken(town: Watch) -> None:
    partition = PARTITION_OF_WARD[REJECTED]
    town.store.command("CREATE TABLE kept AS rejects ENGINE = Memory")
    town.store.command(f"INSERT INTO kept SELECT * FROM rejects WHERE partition = {partition}")
    town.store.command(f"DELETE FROM rejects WHERE partition = {partition}")
    town.broken("loader_rows", REJECTED, 1)
    town.store.command("INSERT INTO rejects SELECT * FROM kept")
    town.store.command("DROP TABLE kept")
    eventually(town.all_equal, 30, 0.3)


def test_announced_seqs_that_do_not_come_are_in_flight_then_broken(town: Watch) -> None:
    patient = Watch(town.topics, town.store, hole_old_s=60)
    town.topics.send([*events(ANNOUNCED, 1, 4), beat(ANNOUNCED, 5)])
    with running(town.topics.config(town.store)):
        row = town.broken("outbox_kafka", ANNOUNCED, 3)
        assert (
            row["detail_en"] == "00025/test 2-3: sent and not arrived; 00025/test 5-5: sent and not arrived"
        )
        assert [(row["in_flight"], row["broken"]) for row in patient.look()] == [(3, 0)]
        # The ward's judgement remembers since when, whoever looks here for the first time.
        since_ms = int((time.time() - 61) * 1000)
        town.store.insert(
            "ward_state",
            ("ward", "at", "judged_at", "hole_epoch", "hole_first", "hole_last", "hole_since"),
            (
                "String",
                "DateTime64(3)",
                "DateTime64(3)",
                "Array(String)",
                "Array(UInt64)",
                "Array(UInt64)",
                "Array(DateTime64(3))",
            ),
            [[ANNOUNCED], [since_ms], [since_ms], [[EPOCH] * 2], [[2, 5]], [[3, 5]], [[since_ms] * 2]],
        )
        assert [(row["in_flight"], row["broken"]) for row in patient.look()] == [(0, 3)]
        town.topics.send(events(ANNOUNCED, 2, 3, 5))
        eventually(town.all_equal, 60, 0.3)


def test_what_the_gateway_acknowledged_and_kafka_lost_is_in_flight_then_broken(town: Watch) -> None:
    patient = Watch(town.topics, town.store, hole_old_s=60)
    town.topics.send(events(ACKED, 1, 2))
    with running(town.topics.config(town.store)):
        eventually(town.all_equal, 60, 0.3)
        acknowledge(town.store, ACKED, 2)
        assert town.all_equal()
        acknowledge(town.store, ACKED, 5)
        words = "00082/test 3-5: acknowledged by the gateway and not arrived"
        assert unequal(patient, ACKED) == [(5, 2, 3, 0, words)]
        row = town.broken("outbox_kafka", ACKED, 3)
        assert (row["expected"], row["found"], row["detail_en"]) == (5, 2, words)
        assert row["detail_vi"] == "00082/test 3-5: cổng đã xác nhận mà chưa đến"
        assert unequal(patient, ACKED) == [(5, 2, 3, 0, words)]
        # No heartbeat: the ward's own record says what it said before.
        assert town.store.query(
            f"SELECT missing, heartbeat_at FROM ward_sync FINAL WHERE ward = '{ACKED}'"
        ).rows == [(0, None)]
        # A seq above shows the hole: the same lack, known by now from another side, and as old.
        town.topics.send(events(ACKED, 5))
        eventually(
            lambda: unequal(town, ACKED) == [(5, 3, 0, 2, "00082/test 3-4: sent and not arrived")], 30, 0.3
        )
        town.topics.send(events(ACKED, 3, 4))
        eventually(town.all_equal, 60, 0.3)


def test_acknowledged_seqs_of_a_ward_that_was_never_heard_are_found(town: Watch) -> None:
    acknowledge(town.store, UNHEARD, 2)
    with running(town.topics.config(town.store)):
        row = town.broken("outbox_kafka", UNHEARD, 2)
        assert (row["expected"], row["found"]) == (2, 0)
        town.topics.send(events(UNHEARD, 1, 2))
        eventually(town.all_equal, 60, 0.3)


def test_acknowledged_seqs_that_the_city_misses_already_count_once(town: Watch) -> None:
    announced = "00118/test 2-3: sent and not arrived; 00118/test 5-6: sent and not arrived"
    acknowledge(town.store, MIXED, 6)
    town.topics.send([*events(MIXED, 1, 4), beat(MIXED, 6)])
    with running(town.topics.config(town.store)):
        eventually(lambda: unequal(town, MIXED) == [(6, 2, 0, 4, announced)], 30, 0.3)
        acknowledge(town.store, MIXED, 8)
        beyond = f"{announced}; 00118/test 7-8: acknowledged by the gateway and not arrived"
        eventually(lambda: unequal(town, MIXED) == [(8, 2, 0, 6, beyond)], 30, 0.3)
        town.topics.send(events(MIXED, 2, 3, 5, 6, 7, 8))
        eventually(town.all_equal, 60, 0.3)


def test_acknowledged_seqs_that_wait_for_the_loader_are_in_flight_however_long(town: Watch) -> None:
    town.topics.send(events(ACKED, 6, 7))
    acknowledge(town.store, ACKED, 7)
    town.look()
    time.sleep(1.5)
    assert [(found, in_flight, broken) for _, found, in_flight, broken, _ in unequal(town, ACKED)] == [
        (5, 2, 0)
    ]
    with running(town.topics.config(town.store)):
        eventually(town.all_equal, 60, 0.3)


def test_newest_messages_that_kafka_loses_after_the_gateways_answer_are_found(
    kafka: Broker, clickhouse: Endpoint, tmp_path: Path
) -> None:
    with database(clickhouse) as store:
        topics, keeper = Topics(kafka.bootstrap), AckTable(store)
        watch = Watch(topics, store)
        with gateways.running(kafka.bootstrap, tmp_path, topic=topics.events, keeper=keeper) as gateway:
            assert gateway.post([wire(seq) for seq in (1, 2)]).status == 202
            topics.count(events(gateways.WARD, 1, 2), 1_760_000_000_000)
            with running(topics.config(store)) as loader:
                wait_stored(store, 2)
                wait_all_read(loader)
            assert gateway.post([wire(seq) for seq in (3, 4)]).status == 202
        delete(topics)
        topics.create(topics.specs[0])
        row = watch.broken("outbox_kafka", gateways.WARD, 2)
        assert (row["expected"], row["found"]) == (4, 2)
        assert row["detail_en"] == "00070/test 3-4: acknowledged by the gateway and not arrived"
        with (
            gateways.running(kafka.bootstrap, tmp_path, topic=topics.events, keeper=keeper) as gateway,
            running(topics.config(store)),
        ):
            assert gateway.post([wire(seq) for seq in (3, 4)]).status == 202
            topics.count(events(gateways.WARD, 3, 4), 1_760_000_000_000)
            eventually(watch.all_equal, 60, 0.3)


def test_what_is_loaded_while_one_looks_is_not_lost_however_often(town: Watch) -> None:
    seqs = count(8)

    def one_more() -> None:
        before = covered(town.store)
        town.topics.send(events(ACKED, next(seqs)))
        eventually(lambda: covered(town.store) > before, 30)

    with running(town.topics.config(town.store)):
        busy = Watch(town.topics, town.store, between=one_more)
        for _ in range(3):
            (row,) = [row for row in busy.look() if row["hop"] == "kafka_loader"]
            assert (row["in_flight"], row["broken"]) == (1, 0)
            assert row["detail_en"].startswith("Kafka ends at ")
            time.sleep(0.5)


def test_without_a_loader_messages_are_in_flight_however_long(town: Watch) -> None:
    town.topics.send(events(ALL, 4, 5))
    town.look()
    time.sleep(1.5)
    (row,) = town.look()
    assert (row["hop"], row["in_flight"], row["broken"]) == ("kafka_loader", 2, 0)
    with running(town.topics.config(town.store)):
        eventually(town.all_equal, 60, 0.3)


def test_skipped_offset_is_broken_and_heals_when_it_is_read(kafka: Broker, clickhouse: Endpoint) -> None:
    with database(clickhouse) as store:
        topics = Topics(kafka.bootstrap)
        watch, found = Watch(topics, store), events(SKIPPED, 1, 2, 3)
        topics.send(found)
        topics.count(found, 1_760_000_000_000)
        commit(topics, f"{topics.app_id}-loader", {PARTITION_OF_WARD[SKIPPED]: 1})
        with running(topics.config(store)):
            wait_stored(store, 2)
            row = watch.broken("kafka_loader", SKIPPED, 1)
            assert row["detail_en"] == "offsets 0-0 were never loaded"
            # Whether it was counted, nobody can say who has not seen it: the books have one more.
            assert [row["in_flight"] for row in watch.look() if row["hop"] == "events_books"] == [1]
            with running(topics.config(store, role="again")):
                eventually(watch.all_equal, 60, 0.3)


def test_event_that_no_book_counts_is_broken_at_the_books(kafka: Broker, clickhouse: Endpoint) -> None:
    with database(clickhouse) as store:
        topics = Topics(kafka.bootstrap)
        found = events(LOST, 1, 2, 3)
        topics.send(found)
        topics.count(found[:2], 1_760_000_000_000)
        watch = Watch(topics, store)
        with running(topics.config(store)):
            wait_stored(store, 3)
            eventually(lambda: store.value("SELECT sum(events) FROM book FINAL") == 2, 60)
            watch.look()
            time.sleep(1.5)
            # The worker has not said that it is done.
            assert [(row["hop"], row["in_flight"]) for row in watch.look()] == [("events_books", 1)]
            commit(topics, topics.app_id, {PARTITION_OF_WARD[LOST]: 3})
            row = watch.broken("events_books", LOST, 1)
            assert row["detail_en"] == f"{LOST}/{EPOCH}/3 stored and not counted in a book"
            topics.count(found[2:], 1_760_000_000_000)
            eventually(watch.all_equal, 60, 0.3)


def test_message_that_was_covered_without_a_row_is_broken(town: Watch) -> None:
    partition = PARTITION_OF_WARD[ALL]
    # A run that claims a message more than it stored.
    town.store.command(
        "INSERT INTO coverage"
        " SELECT topic_id, topic, partition, 2, last_offset, events, rejects, heartbeats, now64(3)"
        f" FROM coverage FINAL WHERE partition = {partition} AND first_offset = 0"
    )
    town.broken("loader_rows", ALL, 2)
    town.store.command(f"DELETE FROM coverage WHERE partition = {partition} AND first_offset = 2")
    eventually(town.all_equal, 30, 0.3)


def test_without_kafka_what_clickhouse_has_is_still_judged(town: Watch) -> None:
    config = MonitorConfig(f"127.0.0.1:{free_port()}", town.store.address, "nobody")
    before: dict[str, Any] = dict(
        town.store.query("SELECT hop, max(at) FROM v_conservation GROUP BY hop").rows
    )
    facts = Conservation(config).run(Context(config, town.store, threading.Event()))
    assert facts["kafka"]
    after: dict[str, Any] = dict(
        town.store.query("SELECT hop, max(at) FROM v_conservation GROUP BY hop").rows
    )
    assert {hop for hop in HOPS if after[hop] > before[hop]} == HOPS - {"kafka_loader"}


def test_judgements_are_kept_in_the_table(town: Watch) -> None:
    hops = town.store.query("SELECT DISTINCT hop FROM conservation").rows
    assert {hop for (hop,) in hops} == HOPS
    assert town.store.value("SELECT count() > 96 FROM conservation WHERE broken = 0") == 1
