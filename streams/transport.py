"""The chunked transport: an agent gets all fetched records of one partition as one Faust message.

Stock Faust creates four asyncio tasks for each message and so reaches 3,000 events a second; as chunks the
same records cost nothing to pass on. Faust keeps the group, the assignment, the tables and the timer of
commits.

Invariants:
- A chunk holds the records of one partition in log order, fetched in one generation of the group.
- Only `complete` lets a commit pass a chunk, and only in the order in which the chunks were handed out: each
  chunk names the offset that it `follows`, and completing one out of turn is an error. Faust's own
  acknowledgement never counts, because a stream also acknowledges what it skips while partitions move. A
  chunk that is handed out again follows its own first offset, as it holds all from there on.
- A commit is the offset after the last completed chunk. Holes between offsets (markers of transactions,
  compaction) therefore cost nothing, and no list of offsets is kept.
- A chunk of an older generation is never completed. What is handed out again after a seek may overlap what is
  completed already: the book is a set, so counting it again changes nothing.
- At most `CHUNKS_AHEAD_MAX` chunks are handed out and not finished. A chunk is bounded in records by
  `broker_max_poll_records` and in bytes by `consumer_max_fetch_size` (the topic stores batches
  uncompressed), or one batch where that is larger (4 MB).
- Changelogs come in chunks as well. A chunk's offset is then the one before the consumer's position, so that
  recovery also ends where the last offsets of a partition hold no record (faust-streaming#176).

Known limits: this reads private members of aiokafka 0.14.0 (`_records`, `_partition_records`) and Faust
0.15.3, which are pinned; `tests/pipeline/test_worker.py` and `test_faust_hazards.py` fail when an upgrade
changes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final
from weakref import WeakSet

from aiokafka import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.chunks import Chunk, LeanRecords, Progress, bare, with_headers
from streams.domain.shelf import Message
from streams.lenient import keep_records

_log: Final = logging.getLogger(__name__)
_faust_log: Final = logging.getLogger("faust.transport.chunks")

# Two would be enough to let the next fetch overlap with the agent's work; the others cover a fetch that
# brings many small partitions.
CHUNKS_AHEAD_MAX: Final = 8
# A fetch waits so long for some more: one that answers at the first byte is made for each event anew, at
# 2 ms of processor time here and in Kafka. It also bounds how long a partition waits that was not part of
# the last fetch (just resumed, just drained); Faust's 1.5 s would stand in every failover.
FETCH_WAIT_MS: Final = 50
FETCH_BYTES_MIN: Final = 16 * 1024
_POLL_S: Final = 0.05
_REVOKE_COMMIT_S: Final = 2.0


class ChunkThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, fetching straight into `Message`."""

    logger = _faust_log

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        consumer._fetch_min_bytes = FETCH_BYTES_MIN
        # As the loader reads (librdkafka's default): an aborted transaction of a ward that writes in
        # transactions by mistake is an event for neither.
        consumer._isolation_level = "read_committed"
        return consumer

    async def on_start(self) -> None:
        """Connect."""
        keep_records()
        await super().on_start()
        transport: Any = self.transport
        build = with_headers if transport.with_headers else bare
        self._ensure_consumer()._fetcher._records = LeanRecords(build)

    def set_paused(self, tps: Iterable[TP], paused: bool) -> None:
        """Pause or resume fetching; in the thread only. What is not assigned any more needs neither."""
        consumer = self._ensure_consumer()
        wanted = set(tps)
        for tp in consumer.assignment():
            if tp in wanted:
                (consumer.pause if paused else consumer.resume)(tp)


class ChunkConsumer(driver.Consumer):
    """Faust's consumer, handing out chunks and committing only what was completed."""

    logger = _faust_log

    def __init__(self, *args: Any, **options: Any) -> None:
        self._progress: dict[TP, Progress] = {}
        self._ahead: WeakSet[Chunk] = WeakSet()
        self._finished = asyncio.Event()
        self._returned: dict[TP, int] = {}
        self._draining = False
        self.holes = 0
        super().__init__(*args, **options)

    _thread: ChunkThread

    def _new_consumer_thread(self) -> ChunkThread:
        return ChunkThread(self, loop=self.loop, beacon=self.beacon)

    # Handing out

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Chunk]]:  # noqa: ASYNC109 - Faust's own
        """Fetch once and hand out a chunk for each partition that has records.

        What cannot be handed out, because the flow stopped or the group moved, is put back.
        """
        fetched, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        for tp, chunk in self._chunks(fetched, generation):
            await self._wait_for_room(tp)
            moved = self.app.consumer_generation_id != generation
            if moved or self.should_stop or not self.flow_active or tp not in active or self._draining:
                self._put_back(chunk)
            else:
                yield tp, self._hand_out(chunk)

    async def _wait_next_records(self, timeout: float) -> tuple[Any, set[TP]]:  # noqa: ASYNC109 - Faust's own
        """Fetch from what may be read now.

        Faust lets events be fetched while it still seeks to the committed offsets, and then clears the
        queues: what came in between is lost until the next rebalance, and commits stand still (#596). So as
        long as it rebalances, only changelogs are fetched, and shortly, because the events wait for the
        answer.
        """
        if not self.flow_active:
            await self.wait(self.can_resume_flow.wait())
        rebalancing = self.app.rebalancing
        if self._returned and not rebalancing:
            await self._rewind()
        tps = {tp for tp in self._get_active_partitions() if not rebalancing or self._is_changelog_tp(tp)}
        if not tps:
            await self.sleep(_POLL_S)
            return {}, tps
        return await self._getmany(active_partitions=tps, timeout=_POLL_S if rebalancing else timeout), tps

    def _chunks(self, fetched: Mapping[Any, list[Message]], generation: int) -> Iterator[tuple[TP, Chunk]]:
        for key, records in fetched.items():
            tp = TP(key.topic, key.partition)
            if records:
                yield tp, Chunk(tp, records, 0, self._until(tp, records), generation)
        for tp in self._recovering():
            until = self._position(tp)
            progress = self._progress.get(tp)
            if tp not in fetched and progress and until is not None and until > progress.handed:
                yield tp, Chunk(tp, [], 0, until, generation)

    def _hand_out(self, chunk: Chunk) -> Chunk:
        tp, first = chunk.tp, chunk.records[0].offset if chunk.records else chunk.until
        progress = self._progress.get(tp)
        if progress is None:
            progress = self._progress[tp] = Progress(first, first)
        if first > progress.handed:
            self.holes += 1
            _log.warning("%s: no records from %d to %d: expired, or transactions", tp, progress.handed, first)
        # What was cleared from the queues in a rebalance comes again, after what was handed out last.
        chunk.follows = min(progress.handed, first)
        progress.handed = chunk.until
        if not self._is_changelog_tp(tp):
            self._ahead.add(chunk)
        return chunk

    def _put_back(self, chunk: Chunk) -> None:
        if chunk.records and not self._is_changelog_tp(chunk.tp):
            first = chunk.records[0].offset
            self._returned[chunk.tp] = min(first, self._returned.get(chunk.tp, first))

    async def _rewind(self) -> None:
        """Fetch again what was put back: aiokafka's position is behind it already.

        A rebalance seeks by itself; this is for a fetch that came back between its seek and its end.
        """
        returned, self._returned = self._returned, {}
        for tp in returned.keys() & self.assignment():
            progress = self._progress.get(tp)
            offset = returned[tp] if progress is None else progress.handed
            await self._thread.call_thread(self._thread._ensure_consumer().seek, TopicPartition(*tp), offset)

    def _until(self, tp: TP, records: list[Message]) -> int:
        position = self._position(tp) if self._is_changelog_tp(tp) else None
        return max(records[-1].offset + 1, position or 0)

    def _recovering(self) -> list[TP]:
        return [tp for tp in self._active_partitions or () if self._is_changelog_tp(tp)]

    async def _wait_for_room(self, tp: TP) -> None:
        while len(self._ahead) >= CHUNKS_AHEAD_MAX and not self._is_changelog_tp(tp):
            if self.should_stop or not self.flow_active:
                return
            await self._wait_for_finished()

    async def _wait_for_finished(self) -> None:
        # It ends by itself as well: a chunk that was cleared from a queue is just gone from the set.
        self._finished.clear()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._finished.wait(), 0.05)

    # Completing and committing

    def is_current(self, chunk: Chunk) -> bool:
        """Whether the group has not moved since the chunk was fetched."""
        return bool(chunk.generation_id == self.app.consumer_generation_id)

    def complete(self, chunk: Chunk) -> None:
        """Let the next commit pass a chunk, all effects of which are durable.

        A chunk of an older generation, or of a partition that is gone, is ignored: its records come again.
        """
        self.drop(chunk)
        progress = self._progress.get(chunk.tp)
        if progress is None or not self.is_current(chunk):
            return
        if chunk.follows > progress.durable:
            raise AssertionError(f"{chunk.tp} completed to {chunk.until} before {chunk.follows}: {progress}")
        progress.durable = max(progress.durable, chunk.until)

    def drop(self, chunk: Chunk) -> None:
        """Make room for another chunk, without letting a commit pass this one."""
        self._ahead.discard(chunk)
        self._finished.set()

    def ack(self, message: Any) -> bool:
        """Never: see the invariants. Faust's iterators call it, also for what they skipped."""
        self._unacked_messages.discard(message)
        return False

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        for tp, progress in self._progress.items():
            asked = topics is None or tp in topics or tp.topic in topics
            if asked and not self._is_changelog_tp(tp) and progress.durable != progress.committed:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        progress = self._progress.get(tp)
        return None if progress is None else progress.durable

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        before = {tp: self._committed_offset[tp] for tp in offsets}
        done = bool(await super()._commit_offsets(offsets, start_new_transaction))
        if not done:
            # Faust notes a commit as done even when it failed (#611) and would not try again.
            self._committed_offset.update({tp: before[tp] for tp in offsets if tp in self._progress})
            return False
        for tp, offset in offsets.items():
            if tp in self._progress:
                self._progress[tp].committed = offset
        return True

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: Faust would note the offsets before a chunk as done when the chunk arrives."""

    # Partitions that come and go

    async def perform_seek(self) -> None:
        """Start again at the committed offsets."""
        # Before the seek: what is handed out while it is under way belongs to the new order already.
        for tp in self.progress():
            self._progress.pop(tp, None)
        await super().perform_seek()
        for tp in self.assignment():
            committed = self._committed_offset.get(tp)
            if committed is not None and not self._is_changelog_tp(tp):
                self._progress.setdefault(tp, Progress(committed, committed)).committed = committed

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Seek the changelogs to where their recovery begins."""
        await super().seek_wait(partitions)
        for tp, offset in partitions.items():
            self._progress[tp] = Progress(offset, offset)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit what is durable before another worker takes the partitions over, then forget them."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.commit(), _REVOKE_COMMIT_S)
        for tp in revoked:
            self._progress.pop(tp, None)
        await super().on_partitions_revoked(revoked)

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        """Stop handing out from partitions, and fetching from them.

        Faust only stops the first. What aiokafka goes on fetching then lies in its buffers and holds back the
        fetches of all other partitions for 100 ms: changelogs after recovery, events during it.
        """
        super().pause_partitions(tps)
        self._thread.thread_loop.call_soon_threadsafe(self._thread.set_paused, tuple(tps), True)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """The opposite."""
        super().resume_partitions(tps)
        self._thread.thread_loop.call_soon_threadsafe(self._thread.set_paused, tuple(tps), False)

    async def drain(self, timeout_s: float) -> bool:
        """Hand out nothing more and wait until the agent has finished what it has; then commit.

        False if it was not done within `timeout_s`: the rest is read again after the next start.
        """
        self._draining = True
        with contextlib.suppress(asyncio.TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._ahead:
                    await self._wait_for_finished()
        await self.commit()
        return not self._ahead

    # For the watchdog and for health; read from other threads

    def progress(self) -> dict[TP, Progress]:
        """Progress of every partition of events: of those never read too, so that a dead fetch is seen."""
        known = dict(self._progress)
        assigned = self.assignment() if self._thread._consumer is not None else set()
        for tp in assigned - known.keys():
            position = self._position(tp) or 0
            known[tp] = Progress(position, position, position)
        return {tp: progress for tp, progress in known.items() if not self._is_changelog_tp(tp)}

    def _position(self, tp: TP) -> int | None:
        """The consumer's position, which also passes offsets that hold no record."""
        consumer = self._thread._consumer
        subscription = consumer._subscription.subscription if consumer is not None else None
        assignment = subscription.assignment if subscription is not None else None
        if assignment is None or tp not in assignment.tps:
            return None
        state = assignment.state_value(tp)
        return int(state.position) if state is not None and state.has_valid_position else None

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust's own check raises false alarms (#166); `streams.watchdog` decides."""

    def verify_recovery_event_path(self, now: float, tp: TP) -> None:
        """Nothing, likewise."""


class ChunkTransport(driver.Transport):
    """Kafka by aiokafka, in chunks."""

    Consumer: ClassVar[type[ChunkConsumer]] = ChunkConsumer

    def __init__(self, *args: Any, with_headers: bool = False, **options: Any) -> None:
        self.with_headers = with_headers
        super().__init__(*args, **options)
