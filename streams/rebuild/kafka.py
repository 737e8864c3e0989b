"""What a rebuild asks Kafka, and what it writes: the groups' places, the changelog's newest records.

By consumers that never subscribe (see `streams.monitor.progress`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from producers.contract.errors import Unavailable
from producers.contract.topics import BROKER_VALUE_BYTES_MAX, PARTITION_OF_WARD, PARTITIONS
from streams.domain import records

RPC_S: Final = 10.0
_QUIET_S: Final = 30.0
_FETCH: Final = 10_000
_REMEDY: Final = "Check that Kafka runs (./dev status), then run again"


@dataclass(frozen=True, slots=True)
class Address:
    """Where Kafka is, and the names of one installation."""

    bootstrap: str
    app_id: str
    events: str
    changelog: str

    @property
    def loader_group(self) -> str:
        """The loader's consumer group."""
        return f"{self.app_id}-loader"


@dataclass(frozen=True, slots=True)
class Place:
    """How far the workers have counted a partition: below `offset` of the topic `topic_id` all, above nothing
    is sure."""

    topic_id: str
    offset: int


def consumer(bootstrap: str, group: str) -> Consumer:
    """A consumer that is in no group: `group` is only whose places it asks for."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "fetch.message.max.bytes": 2 * BROKER_VALUE_BYTES_MAX,
            "queued.max.messages.kbytes": 65_536,
            "allow.auto.create.topics": False,
            "log_level": 0,
        }
    )


def places(kafka: Address) -> dict[int, Place]:
    """The workers' place in every partition of the events.

    What is no place of this topic (none committed, or outside what Kafka has) means Kafka's beginning: there
    a worker begins. The topic's id is what the loader has committed beside its own offset.

    :raises Unavailable: Kafka does not answer
    """
    ids = {part.partition: part.metadata or "" for part in committed(kafka, kafka.loader_group, kafka.events)}
    edges = bounds(kafka, kafka.events)
    found = {}
    for part in committed(kafka, kafka.app_id, kafka.events):
        low, high = edges[part.partition]
        offset = part.offset if low <= part.offset <= high else low
        found[part.partition] = Place(ids[part.partition], offset)
    return found


def committed(kafka: Address, group: str, topic: str) -> list[TopicPartition]:
    """What a group has committed, negative where nothing."""
    with _Asking(kafka, group) as client:
        parts = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        return list(client.value.committed(parts, timeout=RPC_S))


def bounds(kafka: Address, topic: str) -> dict[int, tuple[int, int]]:
    """Where each partition begins and ends."""
    with _Asking(kafka, "rebuild") as client:
        ask = client.value.get_watermark_offsets
        return {number: ask(TopicPartition(topic, number), timeout=RPC_S) for number in range(PARTITIONS)}


def wait_loaded(kafka: Address, topic: str, needs: dict[int, int], patience_s: float) -> None:
    """Until the loader has committed what is needed of each partition.

    :raises Unavailable: it did not within `patience_s`
    """
    deadline = time.monotonic() + patience_s
    while True:
        has = {part.partition: part.offset for part in committed(kafka, kafka.loader_group, topic)}
        behind = [number for number, offset in needs.items() if offset > 0 and has[number] < offset]
        if not behind:
            return
        if time.monotonic() > deadline:
            number = behind[0]
            raise Unavailable(
                "loader",
                f"it is at {has[number]} of {needs[number]} in partition {number} of {topic}"
                f" / loader mới đến {has[number]} trên {needs[number]}",
                "Start the loader and run again; nothing is lost",
            )
        time.sleep(0.2)


class Kept(NamedTuple):
    """The newest record of every key, and where the changelog ended when they were read."""

    newest: dict[bytes, bytes]
    ends: dict[int, int]


def newest_records(kafka: Address, wards: Collection[str]) -> Kept:
    """The newest record of every key of these wards, as a worker would recover them.

    :raises Unavailable: Kafka does not answer
    """
    wanted = {ward.encode() for ward in wards}
    numbers = {PARTITION_OF_WARD[ward] for ward in wards}
    edges = {number: edge for number, edge in bounds(kafka, kafka.changelog).items() if number in numbers}
    newest: dict[bytes, bytes] = {}
    for message in _messages(kafka, edges):
        key, value = message.key(), message.value()
        if not isinstance(key, bytes) or key.partition(b"|")[0] not in wanted:
            continue
        if value is None:
            newest.pop(key, None)
        elif isinstance(value, bytes) and _replaces(key, value, newest.get(key)):
            newest[key] = value
    return Kept(newest, {number: end for number, (_, end) in edges.items()})


def _replaces(key: bytes, value: bytes, known: bytes | None) -> bool:
    """What is no record, the workers skip as well."""
    return records.newer(value, known) and records.is_record(key, value)


def records_after(kafka: Address, starts: dict[int, int]) -> dict[tuple[bytes, int], bytes]:
    """What was written since, by key and version.

    :raises Unavailable: Kafka does not answer
    """
    ends = bounds(kafka, kafka.changelog)
    edges = {number: (start, ends[number][1]) for number, start in starts.items()}
    return {
        (key, records.version_of(value)): value
        for message in _messages(kafka, edges)
        if isinstance(key := message.key(), bytes) and isinstance(value := message.value(), bytes)
    }


def write(kafka: Address, found: Sequence[tuple[bytes, bytes]]) -> None:
    """Records into the changelog, in their order; returns when Kafka has every one.

    :raises Unavailable: it does not take them all
    """
    producer = Producer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "message.max.bytes": BROKER_VALUE_BYTES_MAX,
            "queue.buffering.max.kbytes": 65_536,
            "log_level": 0,
        }
    )
    confirmed = [0]

    def report(error: KafkaError | None, _: Message) -> None:
        confirmed[0] += error is None

    for key, value in found:
        _produce(producer, kafka.changelog, key, value, report)
    producer.flush(_QUIET_S)
    if confirmed[0] < len(found):
        raise Unavailable("kafka", f"took {confirmed[0]} of {len(found)} records", _REMEDY)


def _produce(
    producer: Producer,
    topic: str,
    key: bytes,
    value: bytes,
    report: Callable[[KafkaError | None, Message], None],
) -> None:
    partition = PARTITION_OF_WARD[records.ward_of(key)]
    while True:
        try:
            producer.produce(topic, value, key, partition, on_delivery=report)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def _messages(kafka: Address, edges: dict[int, tuple[int, int]]) -> Iterator[Message]:
    left = {number: end for number, (start, end) in edges.items() if end > start}
    with _Asking(kafka, "rebuild") as client:
        client.value.assign([TopicPartition(kafka.changelog, number, edges[number][0]) for number in left])
        heard_s = time.monotonic()
        while left:
            for message in client.value.consume(_FETCH, timeout=0.5):
                heard_s, error = time.monotonic(), message.error()
                number, offset = message.partition() or 0, message.offset()
                # What comes behind the end is another look's.
                if error is None and offset is not None and offset < edges[number][1]:
                    yield message
                if number in left and offset is not None and _done(message, offset, left[number]):
                    del left[number]
            if time.monotonic() - heard_s > _QUIET_S:
                raise Unavailable("kafka", f"no answer from {kafka.changelog}", _REMEDY)


def _done(message: Message, offset: int, end: int) -> bool:
    error = message.error()
    if error is None:
        return offset + 1 >= end
    # Compaction may have taken the last records: the partition's end is then the only sign.
    return bool(error.code() == KafkaError._PARTITION_EOF)


class _Asking:
    """A consumer for a few questions; its errors become ours."""

    def __init__(self, kafka: Address, group: str) -> None:
        self.value: Any = consumer(kafka.bootstrap, group)

    def __enter__(self) -> _Asking:
        return self

    def __exit__(self, kind: object, error: object, _: object) -> None:
        self.value.close()
        if isinstance(error, KafkaException):
            raise Unavailable("kafka", str(error), _REMEDY) from error
