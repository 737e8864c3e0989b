"""How far each consumer group is behind the end of its topics, read from Kafka itself."""

from __future__ import annotations

from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from ops import console
from ops.settings import load
from producers.contract.errors import Unavailable
from producers.contract.topics import changelog_topic

TIMEOUT_S = 5.0


class Lag(NamedTuple):
    """One partition as one group sees it; `behind` counts messages that the group has not committed."""

    group: str
    topic: str
    partition: int
    committed: int
    end: int

    @property
    def behind(self) -> int:
        """Messages between the commit (or the beginning) and the end."""
        return max(0, self.end - max(0, self.committed))


def lags(bootstrap: str, group: str, topics: list[str]) -> list[Lag]:
    """The lag of a group in every partition of the topics.

    :raises Unavailable: Kafka does not answer
    """
    try:
        return _lags(bootstrap, group, topics)
    except KafkaException as error:
        raise Unavailable("kafka", str(error), f"Is Kafka running at {bootstrap}? ./dev up") from error


def _lags(bootstrap: str, group: str, topics: list[str]) -> list[Lag]:
    # By a consumer that never subscribes: asked for a group while its broker goes or comes, the admin client
    # ends the process (librdkafka 2.16.1).
    settings: dict[str, Any] = {"bootstrap.servers": bootstrap, "log_level": 0}
    consumer = Consumer(settings | {"group.id": group, "enable.auto.commit": False})
    try:
        partitions = _partitions(consumer, topics)
        found = consumer.committed(partitions, timeout=TIMEOUT_S) if partitions else []
        return [Lag(group, part.topic, part.partition, part.offset, _end(consumer, part)) for part in found]
    finally:
        consumer.close()


def _partitions(consumer: Consumer, topics: list[str]) -> list[TopicPartition]:
    metadata = consumer.list_topics(timeout=TIMEOUT_S)
    return [
        TopicPartition(topic, number)
        for topic in topics
        if topic in metadata.topics
        for number in sorted(metadata.topics[topic].partitions)
    ]


def _end(consumer: Consumer, part: TopicPartition) -> int:
    _, end = consumer.get_watermark_offsets(TopicPartition(part.topic, part.partition), timeout=TIMEOUT_S)
    return int(end)


def groups(app_id: str, events_topic: str) -> dict[str, list[str]]:
    """The consumer groups of an installation and what they read: the worker's and the loader's."""
    return {app_id: [events_topic], f"{app_id}-loader": [events_topic, changelog_topic(app_id)]}


def show(*, as_json: bool) -> int:
    """`dongbo lag`."""
    settings = load()
    found = [
        lag
        for group, topics in groups(settings.app_id, settings.events_topic).items()
        for lag in lags(settings.kafka_bootstrap, group, topics)
    ]
    rows = [(*lag, lag.behind) for lag in found if as_json or lag.end > 0]
    console.emit_rows([*Lag._fields, "behind"], rows, as_json=as_json)
    return 0
