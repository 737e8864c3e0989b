"""Goal: notice when an upgrade of Faust mends (or moves) the hazards for which it is used as it is here.

Method: stock Faust, nothing of ours, on the real broker; what its group has committed after a handler failed.
A test that fails here is good news to be read: docs/architecture.md lists what is built around each hazard.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import faust
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from faust.types import TP, ConsumerMessage

from ops.stack.kafka import Broker
from tests.conftest import unique_name

BAD, EVENTS = b"bad", 6
_WAIT_S = 90.0


class Stock:
    """An app of stock Faust on a topic of one partition that holds six values; the third is bad."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self.bootstrap, self.name = bootstrap, unique_name("stock")
        self.app: Any = faust.App(
            self.name,
            broker=f"kafka://{bootstrap}",
            datadir=folder,
            store="memory://",
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            broker_commit_interval=0.2,
            consumer_auto_offset_reset="earliest",
            stream_wait_empty=False,
            autodiscover=False,
        )
        self.topic = self.app.topic(self.name, value_serializer="raw", value_type=bytes, partitions=1)
        self.seen: list[bytes] = []

    def fill(self) -> None:
        """Make the topic, and put the values there."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        admin.create_topics([NewTopic(self.name, 1, 1)])[self.name].result(30)
        producer = Producer({"bootstrap.servers": self.bootstrap})
        for number in range(EVENTS):
            producer.produce(self.name, BAD if number == 2 else b"%d" % number, partition=0)
        assert producer.flush(30) == 0

    def committed(self) -> int:
        """The offset from which a new process would go on."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.name})
        try:
            return int(consumer.committed([TopicPartition(self.name, 0)], timeout=20)[0].offset)
        finally:
            consumer.close()

    def handle(self, value: bytes) -> None:
        """What an agent does with one value."""
        self.seen.append(value)
        if value == BAD:
            raise ValueError("this event is not handled")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.fill()
        self.app.finalize()
        await self.app.start()
        try:
            yield
        finally:
            await self.app.stop()

    async def until(self, what: Callable[[], bool]) -> None:
        """Wait for it."""
        async with asyncio.timeout(_WAIT_S):
            while not await asyncio.to_thread(what):  # noqa: ASYNC110 - another process's offset: asked for
                await asyncio.sleep(0.2)


@pytest.fixture
def stock(kafka: Broker, tmp_path: Path) -> Stock:
    return Stock(kafka.bootstrap, tmp_path)


@pytest.mark.timeout(300)
async def test_plain_async_for_commits_past_an_event_whose_handler_raised(stock: Stock) -> None:
    """FAUST.md, rows 2 and 3: here no exception leaves the agent, and the process is the unit of restart."""

    async def keep(stream: Any) -> None:
        async for value in stream:
            stock.handle(value)

    stock.app.agent(stock.topic)(keep)
    async with stock.running():
        await stock.until(lambda: stock.committed() == EVENTS)
    assert stock.seen.count(BAD) == 1, "the event that failed came again: the hazard is gone"
    assert len(stock.seen) == EVENTS


@pytest.mark.timeout(300)
async def test_take_commits_a_batch_whose_handler_raised(stock: Stock) -> None:
    """Row 3: here nothing is batched by Faust; a chunk is acknowledged by our own transport."""
    batches: list[list[bytes]] = []

    async def keep(stream: Any) -> None:
        async for values in stream.take(EVENTS, within=2.0):
            batches.append(list(values))
            raise ValueError("no event of this batch is handled")

    stock.app.agent(stock.topic)(keep)
    async with stock.running():
        await stock.until(lambda: stock.committed() == EVENTS)
    handed = [value for batch in batches for value in batch]
    assert handed.count(BAD) == 1, "the batch that failed came again: the hazard is gone"


@pytest.mark.parametrize("committed", [None, 0, 100], ids=["fresh", "zero", "known"])
async def test_commit_passes_an_event_that_is_still_in_flight(committed: int | None) -> None:
    """Row 1 (#606): with concurrency a later event is done first. Here one agent, concurrency 1, in order."""
    app: Any = faust.App("in-flight", broker="kafka://127.0.0.1:1", stream_wait_empty=False)
    consumer, tp, first = app.consumer, TP("events", 0), committed or 0
    app.topics.acking_topics.add("events")
    app.consumer_generation_id = 1
    consumer._committed_offset[tp] = committed
    slow, done = (
        ConsumerMessage("events", 0, offset, 0.0, 1, None, None, b"", None, tp=tp, generation_id=1)
        for offset in (first, first + 1)
    )
    assert consumer.ack(done)
    assert not slow.acked
    assert consumer._new_offset(tp) == first + 2
    consumer._thread.thread_loop.close()
