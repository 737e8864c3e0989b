"""How far worker and loader have come in Kafka: ends of partitions, and what each group has committed.

A committed offset is a proof: both commit only what is durable, the worker's in the changelog, the loader's
in ClickHouse.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, Final, NamedTuple

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from producers.contract.errors import Unavailable
from producers.contract.topics import PARTITIONS
from streams.monitor.config import MonitorConfig

_RPC_S: Final = 5.0
_REMEDY: Final = "Start Kafka; the monitor goes on by itself"

Offsets = Mapping[tuple[str, int], int]


class Behind(NamedTuple):
    """A partition that a process has not finished: it `has` this offset and `needs` that one."""

    process: str
    topic: str
    partition: int
    has: int
    needs: int

    def __str__(self) -> str:
        return (
            f"{self.process} is at {self.has} of {self.needs} in partition {self.partition} of {self.topic}"
        )


class Progress:
    """Asks Kafka; every method raises `Unavailable` if it does not answer. One thread at a time."""

    def __init__(self, config: MonitorConfig) -> None:
        self._config = config
        self._client: AdminClient | None = None

    def ends(self, topic: str) -> dict[tuple[str, int], int]:
        """The end of every partition that is not empty: the offset after its newest message."""
        last = self._offsets(topic, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        if not any(last.values()):
            return {}
        first = self._offsets(topic, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        return {key: end for key, end in last.items() if end > first[key]}

    def behind(self, process: str, group: str, needs: Offsets) -> list[Behind]:
        """Where a group has not committed what is needed."""
        if not needs:
            return []
        has = self._committed(group, needs)
        return [
            Behind(process, *key, has.get(key, -1), offset)
            for key, offset in needs.items()
            # Beyond the end is no proof either: the topic was made again, and the group does not know yet.
            if has.get(key, -1) < offset
        ]

    def _offsets(self, topic: str, spec: Any) -> dict[tuple[str, int], int]:
        wanted = {TopicPartition(topic, number): spec for number in range(PARTITIONS)}
        futures = self._admin().list_offsets(
            wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=_RPC_S
        )
        return {(part.topic, part.partition): _answer(future).offset for part, future in futures.items()}

    def _committed(self, group: str, needs: Offsets) -> dict[tuple[str, int], int]:
        request = ConsumerGroupTopicPartitions(group, [TopicPartition(*key) for key in needs])
        futures = self._admin().list_consumer_group_offsets([request], request_timeout=_RPC_S)
        found = _answer(futures[group]).topic_partitions
        return {(part.topic, part.partition): part.offset for part in found}

    def _admin(self) -> AdminClient:
        if self._client is None:
            self._client = AdminClient(self._config.client())
        return self._client


def _answer(future: Future[Any]) -> Any:
    """Asked with `exception()`: the client sets errors that are no exceptions; Python cannot raise them."""
    try:
        error = future.exception(_RPC_S + 1)
    except TimeoutError:
        error = KafkaException(KafkaError(KafkaError._TIMED_OUT))
    if error is not None:
        raise Unavailable("kafka", str(error), _REMEDY)
    return future.result()
