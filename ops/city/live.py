"""The simulated city at the real pace: wards work, their outbox publishes, heartbeats go out."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

from confluent_kafka import Producer

from ops import console
from ops.city.outboxes import live_outbox
from ops.identity import gateway_sign
from ops.settings import Settings, load
from producers.outbox import Outbox
from producers.publisher import Publisher
from producers.repair import RequestListener
from producers.simulator.clock import SystemClock
from producers.simulator.faults import malformed as malformed_messages
from producers.simulator.live import LiveCity, Pace

REAL_EVENTS_PER_S = 0.5


def city(settings: Settings) -> None:
    """Run the live city until SIGTERM or SIGINT."""
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    with live_outbox(settings) as outbox:
        _live(settings, outbox, stop, settings.simulate_rate)


def simulate(*, seconds: float, rate: float, malformed: bool, as_json: bool) -> int:
    """`dongbo simulate`: a city for a while, with an outbox of its own that is thrown away."""
    settings, stop = load(), threading.Event()
    folder = settings.data_dir / "outbox"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"simulate-{int(time.time())}.sqlite"
    with Outbox(path) as outbox:
        timer = threading.Timer(seconds, stop.set)
        timer.daemon = True
        timer.start()
        if malformed:
            send_malformed(settings, seed=settings.simulate_seed)
        publisher = _live(settings, outbox, stop, rate)
        report = {
            "epoch": outbox.epoch,
            "delivered": publisher.health().delivered,
            "pending": outbox.counts().pending,
        }
    if as_json:
        console.emit_json(report)
    else:
        console.note(f"{report['delivered']} events sent, {report['pending']} not, epoch {report['epoch']}")
    return 0 if report["pending"] == 0 else 3


def _live(settings: Settings, outbox: Outbox, stop: threading.Event, rate: float) -> Publisher:
    """Live until `stop`, then send what is left."""
    publisher = Publisher(
        outbox, settings.kafka_bootstrap, settings.events_topic, sign=gateway_sign(settings)
    )
    pace = Pace(seed=settings.simulate_seed, rate=rate)
    living = LiveCity(outbox, publisher.beat, SystemClock(), pace)
    listener = RequestListener(outbox, publisher, settings.kafka_bootstrap)
    threads = [
        threading.Thread(target=publisher.run, args=(stop,), name="publisher"),
        threading.Thread(target=listener.run, args=(stop,), name="requests"),
    ]
    for thread in threads:
        thread.start()
    living.run(stop)
    for thread in threads:
        thread.join()
    publisher.run_until_empty(5.0)
    return publisher


def send_malformed(settings: Settings, seed: int) -> int:
    """One bad message of every kind, straight to Kafka, as a broken ward system would."""
    configuration: dict[str, Any] = {
        "bootstrap.servers": settings.kafka_bootstrap,
        "message.max.bytes": 4_000_000,
        "log_level": 0,
    }
    producer = Producer(configuration)
    messages = list(malformed_messages(seed))
    for bad in messages:
        producer.produce(settings.events_topic, bad.value, bad.key, bad.partition)
    producer.flush(10.0)
    return len(messages)
