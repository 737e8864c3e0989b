"""The topics, and which partition a ward belongs to.

The number of partitions is part of the contract: a ward's events must stay in one partition for ever, so
growing means a new topic and a rebuild from raw rows, never `alter`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from producers.contract.wards import WARDS

EVENTS_TOPIC: Final = "dossier.events"
PARTITIONS: Final = 24
# The contract's bound on one event. The broker takes more (see EVENTS_CONFIG), so that an event that is too
# large still reaches `rejects`, where its ward can see it.
VALUE_BYTES_MAX: Final = 65_536
BROKER_VALUE_BYTES_MAX: Final = 4 * 1024 * 1024

EVENTS_CONFIG: Final[dict[str, str]] = {
    "message.timestamp.type": "LogAppendTime",
    # A ward may compress as it likes, the broker stores plainly: aiokafka without cramjam raises
    # UnsupportedCodecError on lz4, snappy and zstd, and one such batch would stop the worker for ever.
    "compression.type": "uncompressed",
    "cleanup.policy": "delete",
    "retention.ms": str(30 * 24 * 3600 * 1000),
    "max.message.bytes": str(BROKER_VALUE_BYTES_MAX),
}
# Compaction only: a changelog with retention by time cannot be recovered (faust-streaming#597). Not
# before a day: what a figure was at a cut is an older revision, and the loader, which may be away, needs it.
CHANGELOG_CONFIG: Final[dict[str, str]] = {
    "cleanup.policy": "compact",
    "max.message.bytes": str(BROKER_VALUE_BYTES_MAX),
    "segment.ms": str(24 * 3600 * 1000),
    "min.compaction.lag.ms": str(24 * 3600 * 1000),
}


# What the city asks its wards for again. One partition: there are few requests, and every ward reads all of
# them. A week: a ward that was away longer is asked again, since its holes are still known.
REQUESTS_CONFIG: Final[dict[str, str]] = {
    "cleanup.policy": "delete",
    "retention.ms": str(7 * 24 * 3600 * 1000),
}


class TopicSpec(msgspec.Struct, frozen=True):
    """A topic that must exist before any process starts."""

    name: str
    partitions: int
    config: dict[str, str]


def changelog_topic(app_id: str) -> str:
    """Name of the compacted topic that holds the books: Faust's changelog of the table `book`."""
    return f"{app_id}-book-changelog"


def requests_topic(events_topic: str = EVENTS_TOPIC) -> str:
    """Name of the topic of re-requests that belongs to a topic of events: `dossier.requests`."""
    return f"{events_topic.removesuffix('.events')}.requests"


def topic_specs(events_topic: str, app_id: str) -> tuple[TopicSpec, ...]:
    """All topics of one installation."""
    return (
        TopicSpec(events_topic, PARTITIONS, EVENTS_CONFIG),
        TopicSpec(changelog_topic(app_id), PARTITIONS, CHANGELOG_CONFIG),
        TopicSpec(requests_topic(events_topic), 1, REQUESTS_CONFIG),
    )


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2 (org.apache.kafka.common.utils.Utils.murmur2), as an unsigned number."""
    m, mask, length = 0x5BD1E995, 0xFFFFFFFF, len(data)
    h = 0x9747B28C ^ length
    for i in range(0, length - length % 4, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
    if length % 4:
        h = (h ^ int.from_bytes(data[length - length % 4 :], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def partition_of(ward: str, partitions: int = PARTITIONS) -> int:
    """The partition of a ward's events, as Java's default partitioner chooses it."""
    return (murmur2(ward.encode()) & 0x7FFFFFFF) % partitions


PARTITION_OF_WARD: Final[dict[str, int]] = {code: partition_of(code) for code in WARDS}
