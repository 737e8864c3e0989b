"""Goal: notice when an upgrade of Faust changes what our transport guards against, or when the guard breaks.

Method: Faust's own consumer and ours, real objects that are not connected, asked the same question.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import faust
import mode
import pytest
from faust.types import TP, ConsumerMessage

from streams.app import WorkerConfig, create_app
from streams.chunks import Chunk
from streams.domain.shelf import Message
from streams.transport import ChunkConsumer

EVENTS = TP("events", 3)
OLD, NOW = 1, 2


@pytest.fixture
async def ours(tmp_path: Path) -> AsyncIterator[ChunkConsumer]:
    """Our consumer, in generation `NOW`, with partition 3 read and committed up to 100."""
    app = create_app(WorkerConfig(bootstrap="127.0.0.1:1", events_topic="events", data_dir=tmp_path))
    consumer = app.consumer
    assert isinstance(consumer, ChunkConsumer)
    app.topics.acking_topics.add("events")
    app.consumer_generation_id = NOW
    yield consumer
    consumer._thread.thread_loop.close()  # it was never started, so nothing else closes it


def hand_out(consumer: ChunkConsumer, first: int, until: int, generation: int = NOW) -> Chunk:
    records = [Message(b"", b"", offset, 0) for offset in range(first, until)]
    return consumer._hand_out(Chunk(EVENTS, records, 0, until, generation))


async def test_stock_consumer_acknowledges_a_message_of_an_older_generation() -> None:
    """The hazard: a handler that failed before the rebalance lets the commit pass its message after it."""
    app: Any = faust.App("stock", broker="kafka://127.0.0.1:1", stream_wait_empty=False)
    consumer = app.consumer
    app.topics.acking_topics.add("events")
    app.consumer_generation_id = NOW
    consumer._committed_offset[EVENTS] = 100
    message = ConsumerMessage("events", 3, 100, 0.0, 1, None, None, b"", None, tp=EVENTS, generation_id=OLD)
    assert consumer.ack(message)
    assert consumer._new_offset(EVENTS) == 101
    consumer._thread.thread_loop.close()


async def test_acknowledgement_by_faust_never_counts(ours: ChunkConsumer) -> None:
    """A stream acknowledges what it skips, and an iterator what a failed handler left."""
    chunk = hand_out(ours, 100, 200)
    assert not ours.ack(chunk)
    assert ours._new_offset(EVENTS) == 100


async def test_complete_in_order_moves_the_commit_past_the_chunk(ours: ChunkConsumer) -> None:
    first, second = hand_out(ours, 100, 200), hand_out(ours, 200, 300)
    ours.complete(first)
    assert ours._new_offset(EVENTS) == 200
    ours.complete(second)
    assert ours._new_offset(EVENTS) == 300
    assert list(ours._filter_tps_with_pending_acks()) == [EVENTS]


async def test_complete_out_of_turn_is_an_error(ours: ChunkConsumer) -> None:
    hand_out(ours, 100, 200)
    second = hand_out(ours, 200, 300)
    with pytest.raises(AssertionError, match="completed to 300 before 200"):
        ours.complete(second)
    assert ours._new_offset(EVENTS) == 100


async def test_complete_of_an_older_generation_is_ignored(ours: ChunkConsumer) -> None:
    chunk = hand_out(ours, 100, 200, OLD)
    ours.complete(chunk)
    assert ours._new_offset(EVENTS) == 100


async def test_complete_after_the_partition_went_is_ignored(ours: ChunkConsumer) -> None:
    chunk = hand_out(ours, 100, 200)
    ours._progress.clear()
    ours.complete(chunk)
    assert ours._new_offset(EVENTS) is None


async def test_redelivery_that_overlaps_never_moves_the_commit_back(ours: ChunkConsumer) -> None:
    ours.complete(hand_out(ours, 100, 200))
    ours.complete(hand_out(ours, 150, 180))
    assert ours._new_offset(EVENTS) == 200
    ours.complete(hand_out(ours, 180, 250))
    assert ours._new_offset(EVENTS) == 250


async def test_chunk_that_was_cleared_from_a_queue_counts_when_it_comes_again(ours: ChunkConsumer) -> None:
    """Found by the soak: handed out during a rebalance, cleared by Faust, fetched again after the seek."""
    hand_out(ours, 100, 200)
    ours.complete(hand_out(ours, 100, 200))
    assert ours._new_offset(EVENTS) == 200
    ours.complete(hand_out(ours, 200, 300))
    assert ours._new_offset(EVENTS) == 300


async def test_chunk_that_comes_again_only_in_part_is_an_error(ours: ChunkConsumer) -> None:
    hand_out(ours, 100, 200)
    with pytest.raises(AssertionError, match="completed to 250 before 150"):
        ours.complete(hand_out(ours, 150, 250))
    assert ours._new_offset(EVENTS) == 100


async def test_hole_in_the_offsets_is_passed_and_counted(ours: ChunkConsumer) -> None:
    ours.complete(hand_out(ours, 100, 200))
    ours.complete(hand_out(ours, 210, 300))
    assert ours._new_offset(EVENTS) == 300
    assert ours.holes == 1


async def test_gap_before_a_chunk_is_never_noted_as_done(ours: ChunkConsumer) -> None:
    await ours._add_gap(EVENTS, 100, 199)
    assert not ours._gap[EVENTS]


@pytest.mark.parametrize("session_timeout_s", [6.0, 120.0])
async def test_request_timeout_is_never_below_the_session_timeout(
    tmp_path: Path, session_timeout_s: float
) -> None:
    """Faust refuses to start otherwise."""
    config = WorkerConfig(bootstrap="127.0.0.1:1", data_dir=tmp_path, session_timeout_s=session_timeout_s)
    conf = create_app(config).conf
    assert conf.broker_request_timeout >= conf.broker_session_timeout


async def test_settings_that_guard_against_known_faults(tmp_path: Path) -> None:
    conf = create_app(WorkerConfig(bootstrap="127.0.0.1:1", data_dir=tmp_path)).conf
    assert str(conf.processing_guarantee.value) == "at_least_once"
    assert conf.consumer_auto_offset_reset == "earliest"
    assert conf.table_standby_replicas == 0
    assert not conf.stream_wait_empty
    assert not conf.topic_allow_declare
    assert not conf.producer_threaded
    assert not conf.web_enabled
    # FAUST.md's table: each is a row of known problems that would come back with the default.
    assert conf.broker_max_poll_interval == 86_400.0
    assert conf.broker_commit_interval == 1.0
    assert conf.producer_acks == -1
    assert conf.producer_request_timeout == 60.0
    assert conf.topic_disable_leader
    assert conf.recovery_consistency_check
    assert not conf.cython_optimizations
    assert (conf.key_serializer, conf.value_serializer) == ("raw", "raw")
    assert str(conf.store).startswith("memory:")


async def test_one_agent_of_concurrency_one_that_crashes_the_process(tmp_path: Path) -> None:
    """Rows 1, 2 and 3: the default supervisor would restart the agent behind the event that was lost."""
    app = create_app(WorkerConfig(bootstrap="127.0.0.1:1", data_dir=tmp_path))
    (agent,) = app.agents.values()
    assert agent.concurrency == 1
    assert agent.supervisor_strategy is mode.CrashingSupervisor
    assert str(app.conf.broker[0]).startswith("kafka://")
