"""Goal: a message that arrives, by the broker's clock, before a cut that is already published is told, once,
and nothing else is. Method: a topic whose times the producer gives, so that a clock can step back, and a
real loader.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers.contract.codec import encode
from producers.contract.topics import PARTITION_OF_WARD, TopicSpec
from streams.domain.cut import number_of_cut
from streams.warehouse.store import Store
from tests.builders import START, WARD, status
from tests.conftest import eventually
from tests.pipeline.warehouse import (
    Topics,
    covered,
    database,
    insert_cut,
    running,
    wait_all_read,
    wait_stored,
)

PARTITION = PARTITION_OF_WARD[WARD]
BEGIN_MS = int(START.timestamp() * 1000) // 10_000 * 10_000


@pytest.fixture
def store(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


class Clocked(Topics):
    """Topics in which messages have the time that the test gives them."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap)
        self.admin.delete_topics([self.events])[self.events].result(20)
        eventually(lambda: self.events not in self.admin.list_topics(timeout=10).topics, 20)
        spec = self.specs[0]
        # For ever: by their times these messages are years old, and Kafka looks for such every five minutes.
        config = {"message.timestamp.type": "CreateTime", "retention.ms": "-1"}
        self.create(TopicSpec(spec.name, spec.partitions, config))
        self._clocked = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
        self._seq = 0

    def at(self, *moments_ms: int) -> None:
        """One event for each moment after the beginning."""
        for moment_ms in moments_ms:
            self._seq += 1
            value = encode(status(self._seq))
            self._clocked.produce(
                self.events, value, WARD.encode(), PARTITION, timestamp=BEGIN_MS + moment_ms
            )
        assert self._clocked.flush(20) == 0


def _settled(store: Store, count: int) -> None:
    """Until so many events are stored and their block is done with: incidents are looked for in between."""
    wait_stored(store, count)
    eventually(lambda: covered(store) == count, 60)


def _incidents(store: Store) -> list[tuple[object, ...]]:
    return store.query(
        "SELECT kind, first_offset, last_offset FROM v_incidents ORDER BY seen_at, first_offset"
    ).rows


def test_arrival_before_a_published_cut_is_told_once_for_each_step_back(kafka: Broker, store: Store) -> None:
    topics = Clocked(kafka.bootstrap)
    with running(topics.config(store)) as loader:
        topics.at(0, 15_000)
        _settled(store, 2)
        topics.at(5_000)  # no cut is published yet, so none lacks it
        _settled(store, 3)
        assert _incidents(store) == []
        insert_cut(store, number_of_cut(BEGIN_MS + 20_000))
        topics.at(30_000)
        _settled(store, 4)
        topics.at(28_500, 31_000)  # clocks are set right by a little all the time
        _settled(store, 6)
        topics.at(25_000)  # after the cut
        _settled(store, 7)
        assert _incidents(store) == []
        topics.at(60_000)
        _settled(store, 8)
        topics.at(19_000)
        _settled(store, 9)
        topics.at(19_500)  # the same step back
        _settled(store, 10)
        assert _incidents(store) == [("append_time_back", 8, 8)]
        topics.at(70_000, 18_000)  # another one, within a block
        _settled(store, 12)
        eventually(lambda: len(_incidents(store)) == 2, 60)
        assert "stepped back" in loader.health()["last_incident"]
    # All of it is read again by a loader that knows nothing of the first.
    with running(topics.config(store, role="again")) as loader:
        eventually(lambda: loader.health()["events"] == 12, 120)
        wait_all_read(loader)
    assert len(_incidents(store)) == 2
