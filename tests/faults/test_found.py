"""Goal: what `./dev faults` found stays mended, each with the smallest thing that showed it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from confluent_kafka import Producer
from faust.types import TP

from ops.settings import Settings
from ops.stack import kafka
from producers.contract.topics import topic_specs
from streams.topics_setup import ensure_topics
from streams.watchdog import Limits, Watchdog
from tests.conftest import eventually, free_port

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
