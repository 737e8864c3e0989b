"""What Kafka says: where partitions begin and end, and where worker and loader have nothing left to do."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from producers.contract.errors import Unavailable
from producers.contract.topics import PARTITIONS
from streams.monitor.config import MonitorConfig
from streams.monitor.progress import Progress

_log: Final = logging.getLogger(__name__)
_RPC_S: Final = 5.0
_REMEDY: Final = "Start Kafka and create the topics; the monitor goes on by itself"


class Ends(NamedTuple):
    """Offsets by partition. `worker` and `loader` are those that have nothing left to do."""

    topic_id: str
    low: dict[int, int]
    high: dict[int, int]
    worker: frozenset[int]
    loader: frozenset[int]
    loader_books: frozenset[int]

    def counted(self, partition: int) -> bool:
        """Whether all that Kafka had is said to be counted, and what was counted to be loaded."""
        return partition in self.worker and partition in self.loader_books


class KafkaEnds:
    """Asks Kafka; the connection is kept."""

    def __init__(self, config: MonitorConfig) -> None:
        self._config = config
        self._progress = Progress(config)
        self._admin: AdminClient | None = None

    def read(self) -> Ends:
        """:raises Unavailable: Kafka does not answer, or a topic is not there"""
        try:
            return self._read()
        except (KafkaException, TimeoutError) as error:
            raise Unavailable("kafka", str(error) or "no answer", _REMEDY) from error

    def _read(self) -> Ends:
        if self._admin is None:
            settings: dict[str, Any] = {
                "bootstrap.servers": self._config.bootstrap,
                "client.id": f"{self._config.app_id}-monitor",
            }
            self._admin = AdminClient(settings, logger=_log)
        events, books, worker = self._config.events_topic, self._config.changelog_topic, self._config.app_id
        # What is said to be done is read before where the ends are: what comes in between is not yet done.
        done = (
            self._done(worker, events),
            self._done(f"{worker}-loader", events, books),
        )
        bounds = self._progress.bounds(events)
        low = {key: first for key, (first, _) in bounds.items()}
        latest = {key: last for key, (_, last) in (bounds | self._progress.bounds(books)).items()}
        described = self._admin.describe_topics(TopicCollection([events]), request_timeout=_RPC_S)[events]
        return Ends(
            str(_result(described).topic_id),
            {partition: offset for (_, partition), offset in low.items()},
            {partition: offset for (topic, partition), offset in latest.items() if topic == events},
            _caught_up(done[0], latest, events),
            _caught_up(done[1], latest, events),
            _caught_up(done[1], latest, books),
        )

    def _done(self, group: str, *topics: str) -> dict[tuple[str, int], int]:
        keys = [(topic, number) for topic in topics for number in range(PARTITIONS)]
        return {key: max(0, offset) for key, offset in self._progress.committed(group, keys).items()}


def _result(future: Future[Any]) -> Any:
    # Asked with `exception()`: the client sets errors that are no exceptions, and Python cannot raise them.
    error = future.exception(_RPC_S)
    if error is not None:
        raise Unavailable("kafka", str(error), _REMEDY)
    return future.result()


def _caught_up(
    done: dict[tuple[str, int], int], latest: dict[tuple[str, int], int], topic: str
) -> frozenset[int]:
    return frozenset(
        partition
        for (name, partition), end in latest.items()
        if name == topic and done.get((name, partition), 0) >= end
    )
