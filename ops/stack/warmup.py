"""Make the broker start in one second instead of three to six: the JVM's ahead-of-time cache, once a machine.

A training broker runs in a temporary folder, does what every broker does (a topic, a few messages), and the
JVM writes what it learnt beside the user's caches. Without the cache everything works, only slower; so a
failure here is
reported and never stops anything.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Final

from ops.settings import Settings
from ops.stack import jars, kafka
from ops.stack.process import free_port
from producers.contract.errors import DongBoError

_START_S: Final = 90.0
_DUMP_S: Final = 120.0


def warm_up(settings: Settings) -> bool:
    """Make the start-up cache if it is not there. True when it is there afterwards. Takes about 15 s."""
    try:
        cache = jars.startup_cache(settings, jars.classpath(settings))
        if not cache.is_file():
            _train(settings, cache)
    except (DongBoError, OSError):
        return False
    return cache.is_file()


def _train(settings: Settings, cache: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="dongbo-warmup-", dir=cache.parent) as folder:
        training = settings.model_copy(
            update={"data_dir": Path(folder), "kafka_bootstrap": f"127.0.0.1:{free_port()}"}
        )
        java, *arguments = kafka.command(training)
        made = Path(folder) / "cache.aot"
        process = subprocess.Popen(
            [java, f"-XX:AOTCacheOutput={made}", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        broker = kafka.Broker(process, training.kafka_bootstrap)
        try:
            kafka.wait_ready(broker.bootstrap, _START_S, process)
            _exercise(broker.bootstrap)
        finally:
            broker.stop(_DUMP_S)
        if made.is_file():
            made.replace(cache)  # in one step: another process sees no cache or a whole one


def _exercise(bootstrap: str) -> None:
    """Load the classes that serving a producer and a consumer group needs."""
    from confluent_kafka import Consumer, Producer
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic("warmup", 4, 1)])["warmup"].result(30)
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    for number in range(2000):
        producer.produce("warmup", b"x" * 600, key=str(number))
    producer.flush(30)
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "warmup", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(["warmup"])
    consumer.consume(2000, timeout=10)
    consumer.close()


if __name__ == "__main__":
    from ops.settings import load

    print("ready" if warm_up(load()) else "not made: the broker will only start more slowly")
