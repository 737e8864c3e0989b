"""How far worker and loader have come in Kafka: ends of partitions, and what each group has committed.

A committed offset is a proof: both commit only what is durable, the worker's in the changelog, the loader's
in ClickHouse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

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
    """Asks Kafka; every method raises `Unavailable` if it does not answer. One thread at a time.

    By consumers that never subscribe, not by the admin client: asked for a group while its broker goes or
    comes, that one ends the process (SIGSEGV or SIGABRT, librdkafka 2.16.1).
    """

    def __init__(self, config: MonitorConfig) -> None:
        self._config = config
        self._clients: dict[str, Consumer] = {}

    def ends(self, topic: str) -> dict[tuple[str, int], int]:
        """The end of every partition that is not empty: the offset after its newest message."""
        return {key: high for key, (low, high) in self.bounds(topic).items() if high > low}

    def bounds(self, topic: str) -> dict[tuple[str, int], tuple[int, int]]:
        """Where each partition begins and ends."""
        client = self._client(self._config.app_id)
        try:
            return {
                (topic, number): client.get_watermark_offsets(TopicPartition(topic, number), timeout=_RPC_S)
                for number in range(PARTITIONS)
            }
        except KafkaException as error:
            raise Unavailable("kafka", str(error), _REMEDY) from error

    def committed(self, group: str, keys: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """What a group has committed; negative where nothing."""
        try:
            found = self._client(group).committed([TopicPartition(*key) for key in keys], timeout=_RPC_S)
        except KafkaException as error:
            raise Unavailable("kafka", str(error), _REMEDY) from error
        return {(part.topic, part.partition): part.offset for part in found}

    def behind(self, process: str, group: str, needs: Offsets) -> list[Behind]:
        """Where a group has not committed what is needed."""
        if not needs:
            return []
        has = self.committed(group, needs)
        return [
            Behind(process, *key, has.get(key, -1), offset)
            for key, offset in needs.items()
            if has.get(key, -1) < offset
        ]

    def _client(self, group: str) -> Consumer:
        client = self._clients.get(group)
        if client is None:
            options = {"group.id": group, "enable.auto.commit": False, "isolation.level": "read_committed"}
            client = self._clients[group] = Consumer(self._config.client() | options)
        return client
