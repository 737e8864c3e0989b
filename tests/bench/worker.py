"""Bench: our worker beside stock Faust and beside a plain confluent-kafka loop, on the same messages in one
run.

Method: three weeks of the simulated city (every event one CloudEvents message, 126 wards, 24 partitions)
lie in a real broker; each contestant reads them from the first in a process of its own, with a fresh group
and changelog, one after the other. Ours against stock is the ratio of the target; `plain` is the limit to
approach.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from confluent_kafka import Producer

from ops.settings import Settings
from ops.stack import kafka
from ops.stack.process import free_port
from producers.contract import codec
from producers.contract.topics import PARTITION_OF_WARD, topic_specs
from producers.simulator.city import city_events
from producers.simulator.profile import july_2025
from streams.topics_setup import ensure_topics
from tests.bench.contestants import RESULT
from tests.bench.report import Report, report, show

EVENTS: Final = 220_000
STOCK_EVENTS: Final = 12_000
RUNS: Final = 3
_CHILD_S_MAX: Final = 120
_REPOSITORY: Final = Path(__file__).resolve().parent.parent.parent


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """A broker of the benchmark's own; yields its address."""
    started = kafka.start(Settings(data_dir=folder, kafka_bootstrap=f"127.0.0.1:{free_port()}"))
    try:
        yield started.bootstrap
    finally:
        started.stop()


def fill(bootstrap: str, topics: dict[str, int]) -> float:
    """Write the first events of the simulated city to each topic; returns their mean size in bytes."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "acks": "all"})
    size = sent = 0
    for number, event in enumerate(itertools.islice(city_events(july_2025()), max(topics.values()))):
        value, ward = codec.encode(event), event.data.ward
        for topic in (topic for topic, events in topics.items() if number < events):
            while True:
                try:
                    producer.produce(topic, value, ward.encode(), PARTITION_OF_WARD[ward])
                    break
                except BufferError:
                    producer.poll(0.05)
        size, sent = size + len(value), sent + 1
        producer.poll(0)
    assert producer.flush(60) == 0
    assert sent == max(topics.values()), f"the simulated city has only {sent} events"
    return size / sent


def race(who: str, bootstrap: str, topic: str, events: int, folder: Path, number: int) -> float:
    """One run of one contestant; events a second."""
    app_id = f"{who}{number}"
    ensure_topics(bootstrap, topic_specs(topic, app_id))
    arguments = [who, bootstrap, app_id, topic, str(events), str(folder / app_id)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.contestants", *arguments],
        cwd=_REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=_CHILD_S_MAX,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith(RESULT)]
    if done.returncode != 0 or not found:
        raise RuntimeError(f"{who} ended with {done.returncode}: {done.stderr[-2000:]}")
    return float(found[0].removeprefix(RESULT))


def measure(runs: int = RUNS, events: int = EVENTS, stock_events: int = STOCK_EVENTS) -> Report:
    """All contestants, taking turns."""
    topics = {"all": events, "few": stock_events}
    figures: dict[str, list[float]] = {"ours": [], "plain": [], "stock": []}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with broker(folder) as bootstrap:
            for topic in topics:
                ensure_topics(bootstrap, topic_specs(topic, "unused")[:1])
            size = fill(bootstrap, topics)
            for number in range(runs):
                for who in figures:
                    topic = "few" if who == "stock" else "all"
                    figures[who].append(race(who, bootstrap, topic, topics[topic], folder, number))
    ours, plain, stock = (sorted(figures[who])[len(figures[who]) // 2] for who in ("ours", "plain", "stock"))
    return report(
        "worker",
        "events/s",
        figures["ours"],
        figures["stock"],
        others={"plain": figures["plain"]},
        notes={
            "against": "stock Faust",
            "times_stock": round(ours / stock, 1),
            "share_of_plain_loop": round(ours / plain, 3),
            "events": events,
            "stock_events": stock_events,
            "bytes_mean": round(size),
        },
    )


def main(json: bool = False, runs: int = RUNS) -> None:
    """Run and print."""
    show([measure(runs)], as_json=json)


if __name__ == "__main__":
    main(json="--json" in sys.argv)
