"""Show events as they pass, without a group and without a trace in Kafka."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, TopicPartition

from ops import console
from ops.identity import verifier
from ops.settings import load
from producers.contract.codec import admit
from producers.contract.errors import Reject, Unavailable
from producers.contract.signing import Verifier
from producers.contract.topics import PARTITION_OF_WARD, PARTITIONS
from streams.warehouse.reader import headers_of


class Seen(NamedTuple):
    """One message: where it lies, and what it is or why it is rejected."""

    partition: int
    offset: int
    key: str
    value: bytes
    rejected: str


def tap(
    bootstrap: str,
    topic: str,
    *,
    ward: str | None,
    beginning: bool,
    seconds: float,
    verify: Verifier | None = None,
) -> Iterator[Seen]:
    """Messages of the topic (of one ward's partition and key if named) for `seconds` without any.

    :raises Unavailable: Kafka does not answer
    """
    consumer = Consumer(_settings(bootstrap))
    try:
        numbers = [PARTITION_OF_WARD[ward]] if ward else range(PARTITIONS)
        start = OFFSET_BEGINNING if beginning else OFFSET_END
        consumer.list_topics(topic, timeout=5.0)
        consumer.assign([TopicPartition(topic, number, start) for number in numbers])
        yield from _seen(consumer, ward, seconds, verify)
    except KafkaException as error:
        raise Unavailable("kafka", str(error), f"Is Kafka running at {bootstrap}? ./dev up") from error
    finally:
        consumer.close()


def _settings(bootstrap: str) -> dict[str, Any]:
    # A group's name is demanded by the client; nothing is ever committed under it.
    return {
        "bootstrap.servers": bootstrap,
        "group.id": "dongbo-tap",
        "enable.auto.commit": False,
        "fetch.wait.max.ms": 100,
        "log_level": 0,
    }


def _seen(consumer: Consumer, ward: str | None, seconds: float, verify: Verifier | None) -> Iterator[Seen]:
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < seconds:
        message = consumer.poll(0.2)
        if message is None or message.error():
            continue
        quiet_since = time.monotonic()
        key = (message.key() or b"").decode("utf-8", "replace")
        if ward in (None, key):
            reason = _reason(message, verify)
            yield Seen(message.partition() or 0, message.offset() or 0, key, message.value() or b"", reason)


def _reason(message: Any, verify: Verifier | None) -> str:
    headers = headers_of(message) if verify else ()
    arrived_s = message.timestamp()[1] / 1000
    try:
        admit(message.value(), message.key(), message.partition(), arrived_s, headers, verify)
    except Reject as reject:
        return str(reject)
    return ""


def show(*, ward: str | None, beginning: bool, count: int, seconds: float, as_json: bool) -> int:
    """`dongbo tap`."""
    settings = load()
    if ward is not None and ward not in PARTITION_OF_WARD:
        raise Reject("unknown_ward", ward)
    passing = tap(
        settings.kafka_bootstrap,
        settings.events_topic,
        ward=ward,
        beginning=beginning,
        seconds=seconds,
        verify=verifier(settings),
    )
    for seen in itertools.islice(passing, count or None):
        if as_json:
            console.emit_json(seen._replace(value=b"")._asdict() if seen.rejected else seen._asdict())
        else:
            _line(seen)
    return 0


def _line(seen: Seen) -> None:
    where = f"{seen.partition}:{seen.offset} {seen.key}"
    # A rejected message's bytes may hold personal data: they are not shown.
    shown = f"REJECTED {seen.rejected}" if seen.rejected else seen.value.decode()
    console.out.print(where, shown, markup=False)
