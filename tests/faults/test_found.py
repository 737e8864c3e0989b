"""Goal: what `./dev faults` found stays mended, each with the smallest thing that showed it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from confluent_kafka import Producer
from faust.types import TP

from ops.settings import Settings
from ops.stack import kafka
from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers.contract.envelope import StatusChangedEvent
from producers.contract.errors import Stop, Unavailable
from producers.contract.topics import PARTITION_OF_WARD, topic_specs
from producers.gateway.config import GatewayConfig
from producers.gateway.problem import Problem
from producers.gateway.sender import Sender
from producers.outbox import Draft, Outbox
from producers.publisher import Publisher
from producers.repair import RequestListener, ask, new_request
from streams.monitor.config import MonitorConfig
from streams.monitor.conflicts import Conflicts
from streams.monitor.cuts import Cuts
from streams.monitor.jobs import Context
from streams.topics_setup import ensure_topics
from streams.watchdog import Limits, Watchdog
from tests.builders import START, WARD, status
from tests.conftest import eventually, free_port
from tests.faults.catalogue.base import Fault
from tests.faults.catalogue.stores import MergesStopped, TableMissing, TooManyParts
from tests.pipeline.warehouse import Topics, database

TOPIC = "found.events"


class _App:
    """What the watchdog asks of a worker: one partition that it has read to the end."""

    rebalancing = in_recovery = False
    tables = SimpleNamespace(actives_ready=True)

    def __init__(self) -> None:
        one = SimpleNamespace(handed=1, durable=1, committed=1)
        self.consumer = SimpleNamespace(progress=lambda: {TP(TOPIC, 0): one})


def test_watchdog_sees_kafka_again_after_it_was_killed(tmp_path: Path) -> None:
    """Its client for offsets kept the epochs of the leaders before, and was refused for ever."""
    settings = Settings(data_dir=tmp_path, kafka_bootstrap=f"127.0.0.1:{free_port()}")
    broker = kafka.start(settings)
    watchdog = Watchdog(_App(), settings.kafka_bootstrap, TOPIC, Limits(check_every_s=0.2))
    try:
        ensure_topics(broker.bootstrap, topic_specs(TOPIC, "found"))
        producer = Producer({"bootstrap.servers": broker.bootstrap})
        producer.produce(TOPIC, b"x", partition=0)
        assert producer.flush(30) == 0
        watchdog.start()
        eventually(lambda: watchdog.health()["broker_answers"], timeout=60)
        broker.kill()
        eventually(lambda: not watchdog.health()["broker_answers"], timeout=60)
        broker = kafka.start(settings)
        eventually(lambda: watchdog.health()["broker_answers"], timeout=60)
        assert watchdog.health()["partitions"][0]["end"] == 1
    finally:
        watchdog.stop()
        broker.stop()


def test_insert_that_the_table_refuses_is_an_error_never_a_silent_loss(clickhouse: Endpoint) -> None:
    """The engine's streaming insert answered "ok" and stored nothing: the loader then committed lost rows."""
    with database(clickhouse) as store:

        def insert(table: str, value: int) -> None:
            store.insert(table, ("a",), ("UInt64",), [[value]], {"insert_deduplicate": 0})

        for table in ("full", "strict", "target", "source"):
            check = ", CONSTRAINT small CHECK a < 5" if table == "strict" else ""
            store.command(f"CREATE TABLE {table} (a UInt64{check}) ENGINE = MergeTree ORDER BY a")
        insert("full", 1)
        store.command("ALTER TABLE full MODIFY SETTING parts_to_throw_insert = 1")
        store.command("CREATE MATERIALIZED VIEW feed TO target AS SELECT a + throwIf(a = 7) AS a FROM source")
        with pytest.raises(Unavailable, match="TOO_MANY_PARTS"):
            insert("full", 2)
        with pytest.raises(Stop, match=r"Constraint|CONSTRAINT"):
            insert("strict", 8)
        with pytest.raises(Stop, match="throwIf"):
            insert("source", 7)
        store.command("ALTER TABLE full RESET SETTING parts_to_throw_insert")
        insert("full", 2)
        assert store.value("SELECT sum(a) FROM full") == 3
        store.command("INSERT INTO full (a) SETTINGS insert_deduplicate = 0 VALUES (4), (5)")
        assert store.value("SELECT sum(a) FROM full") == 12


async def test_gateway_sends_again_after_kafka_lost_its_tail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its producer then fails for good, out of `poll`: the thread died, and every request waited in vain."""
    settings = Settings(data_dir=tmp_path, kafka_bootstrap=f"127.0.0.1:{free_port()}")
    broker = await asyncio.to_thread(kafka.start, settings)
    ensure_topics(broker.bootstrap, topic_specs(TOPIC, "found"))
    config = GatewayConfig(bootstrap=broker.bootstrap, data_dir=tmp_path, topic=TOPIC, send_timeout_s=5.0)
    sender = Sender(config)
    sender.start()
    flow = asyncio.create_task(_send_on(sender))
    try:
        for _ in range(4):  # the loss is fatal where it meets what is on its way, which is nearly always
            await _sent(sender, 30)
            await asyncio.to_thread(broker.kill)
            _lose_half(tmp_path)
            broker = await asyncio.to_thread(kafka.start, settings)
            await _sent(sender, 30)
            if "replaced" in caplog.text:
                break
    finally:
        flow.cancel()
        sender.close()
        broker.stop()


async def _send_on(sender: Sender) -> None:
    while True:
        with suppress(Problem):
            await sender.send(WARD, [b"x" * 300])
        await asyncio.sleep(0.01)


async def _sent(sender: Sender, more: int) -> None:
    """Wait until Kafka has that many more."""
    wanted, deadline = sender.delivered + more, time.monotonic() + 60
    while sender.delivered < wanted:
        assert time.monotonic() < deadline, "nothing is sent any more"
        await asyncio.sleep(0.05)


def _lose_half(data: Path) -> None:
    log = max((data / "kafka" / "data" / f"{TOPIC}-{PARTITION_OF_WARD[WARD]}").glob("*.log"))
    os.truncate(log, log.stat().st_size // 2)


@pytest.mark.parametrize("kind", [TooManyParts, TableMissing, MergesStopped])
def test_fault_of_clickhouse_is_taken_back_whether_it_was_done_or_not(
    clickhouse: Endpoint, kind: type[Fault]
) -> None:
    """Found by `--seed 3`: a table that a killed ClickHouse had not renamed could not be renamed back."""
    with database(clickhouse) as store:
        fault = kind(SimpleNamespace(store=store, patiently=store.command), Random(1))  # type: ignore[arg-type]
        fault.heal()
        fault.inject()
        fault.heal()
        fault.heal()
        assert store.query("SELECT count() FROM heartbeats").rows == [(0,)]


def test_ward_started_before_kafka_answers_requests_all_the_same(tmp_path: Path) -> None:
    """Its place in the requests could not be read while Kafka came up, and was never asked for again."""
    settings = Settings(data_dir=tmp_path, kafka_bootstrap=f"127.0.0.1:{free_port()}")
    broker, stop = kafka.start(settings), threading.Event()
    ensure_topics(broker.bootstrap, topic_specs(TOPIC, "found"))
    with Outbox(tmp_path / "outbox.db") as outbox:
        outbox.append(WARD, [Draft(StatusChangedEvent, status(1).data, START)])
        publisher = Publisher(outbox, broker.bootstrap, TOPIC)
        assert publisher.run_until_empty(60)
        broker.kill()
        listener = RequestListener(outbox, publisher, broker.bootstrap)
        threads = [threading.Thread(target=run, args=(stop,)) for run in (publisher.run, listener.run)]
        try:
            for thread in threads:
                thread.start()
            broker = kafka.start(settings)
            assert ask(broker.bootstrap, [new_request(WARD, outbox.epoch, 1, 1)], TOPIC) == 1
            eventually(lambda: listener.answered == 1, 60)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            broker.stop()


def test_cuts_go_on_after_the_topic_was_made_again(kafka: Broker, clickhouse: Endpoint) -> None:
    """The cut in hand waited for offsets of the old topic: for an hour, or until the new one was as long."""
    topics = Topics(kafka.bootstrap)
    topics.send(status(seq) for seq in range(1, 51))
    with database(clickhouse) as store:
        config = MonitorConfig(
            bootstrap=topics.bootstrap,
            store=store.address,
            app_id=topics.app_id,
            events_topic=topics.events,
            cut_settle_s=0.1,
        )
        cuts, context = Cuts(config, Conflicts(7)), Context(config, store, threading.Event())
        # A topic that was just made has no leader for a moment.
        eventually(lambda: "of 50 in partition" in _waits_for(cuts, context), 60)
        topics.admin.delete_topics([topics.events])[topics.events].result(20)
        eventually(lambda: topics.events not in topics.admin.list_topics(timeout=10).topics, 20)
        topics.create(topics.specs[0])
        topics.send([status(1)])
        eventually(lambda: "of 1 in partition" in _waits_for(cuts, context), 90)


def _waits_for(cuts: Cuts, context: Context) -> str:
    try:
        cuts.run(context)
    except Unavailable as error:
        return error.detail
    return ""
