"""What stands in a partition of the workers' changelog, for the fault that writes some of it once more."""

from __future__ import annotations

from confluent_kafka import Consumer, TopicPartition

_READ_S = 10.0


def older_records(bootstrap: str, topic: str, partition: int, most: int) -> list[tuple[bytes, bytes]]:
    """Keys of books with a record that is not their newest, at most so many: as a worker writes them that was
    stopped in the middle of a chunk and woke up. Older days first; they change no more.
    """
    first: dict[bytes, bytes] = {}
    last: dict[bytes, bytes] = {}
    for key, value in _records(bootstrap, topic, partition):
        first.setdefault(key, value)
        last[key] = value
    found = [key for key in sorted(first, key=_day) if first[key] != last[key] and b"|20" in key]
    return [(key, first[key]) for key in found[:most]]


def _day(key: bytes) -> bytes:
    return key.partition(b"|")[2]


def _records(bootstrap: str, topic: str, partition: int) -> list[tuple[bytes, bytes]]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, partition, 0)])
    found: list[tuple[bytes, bytes]] = []
    try:
        while batch := consumer.consume(5000, timeout=_READ_S):
            for message in batch:
                if message.error() is not None:
                    return found
                key, value = message.key(), message.value()
                if isinstance(key, bytes) and isinstance(value, bytes):
                    found.append((key, value))
    finally:
        consumer.close()
    return found
