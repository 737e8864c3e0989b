"""The one agent: chunk in, records into the changelog, then into the table, then completed.

The order is the promise. A chunk is completed only when every record that it changed has been acknowledged
by the changelog, each by its own result (a flush alone proves nothing). Whatever fails ends the process
with code 70, with nothing completed, and the supervisor starts it again: the process, not the agent, is the
unit of restart (a restarted Faust agent begins after the event that failed).
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import msgspec
from aiokafka import AIOKafkaProducer

from producers.contract import crash
from producers.contract.signing import Verifier
from streams.book_records import BookRecords
from streams.chunks import Chunk
from streams.domain.shelf import Change, Shelf
from streams.transport import ChunkConsumer

EXIT_FAILED: Final = 70
_log: Final = logging.getLogger(__name__)


class Counts(msgspec.Struct):
    """What this worker has done since it started."""

    chunks: int = 0
    counted: int = 0
    repeated: int = 0
    rejected: int = 0
    records: int = 0
    dropped_chunks: int = 0
    last_done_s: float = 0.0
    chunk_ms: float = 0.0
    changelog_ms: float = 0.0
    chunk_s_sum: float = 0.0
    changelog_s_sum: float = 0.0


class BookKeeper:
    """Takes chunks one after the other and keeps the books."""

    def __init__(
        self, app: Any, records: BookRecords, changelog: str, verify: Verifier | None = None
    ) -> None:
        self._app = app
        self._records = records
        self._changelog = changelog
        self._verify = verify
        self._shelf = Shelf(records, verify)
        self._generation: int | None = None
        self.counts = Counts()

    async def run(self, stream: Any) -> None:
        """The agent: until it is cancelled, or the process ends."""
        async for event in stream.noack().events():
            await self.take(event.message)

    async def take(self, chunk: Chunk) -> None:
        """Store and complete one chunk; a failure ends the process."""
        try:
            await self._take(chunk)
        except Exception:
            _log.critical(
                "chunk %s %d-%d failed; ending", chunk.tp, chunk.follows, chunk.until, exc_info=True
            )
            die()

    async def heal(self) -> None:
        """After a recovery: where an older record stands last in the changelog, write the newest again.

        A worker that was stopped in the middle of a chunk writes such records when it wakes up. Whoever wrote
        newer ones meanwhile reads them at the rebalance that the waking causes.
        """
        try:
            for partition, found in self._records.behind().items():
                offsets = await self._write(partition, found)
                self._keep(partition, found, offsets)
                _log.warning("changelog partition %d: %d records written again", partition, len(found))
        except Exception:
            _log.critical("older records stand last in the changelog; ending", exc_info=True)
            die()

    async def _take(self, chunk: Chunk) -> None:
        started = time.perf_counter()
        if chunk.generation_id != self._generation:
            # The table may have been recovered since: what is decoded on the shelf may be older.
            self._forget(chunk.generation_id)
        change = self._shelf.apply(chunk.partition, chunk.records)
        applied = time.perf_counter()
        if crash.ARMED:
            crash.at("worker.applied")
        if not self._consumer.is_current(chunk) or not await self._store(chunk, change):
            self._drop(chunk)
            return
        self._consumer.complete(chunk)
        if crash.ARMED:
            crash.at("worker.completed")
        self._count(change, started, applied)

    async def _store(self, chunk: Chunk, change: Change) -> bool:
        """Write what changed; False if the partitions moved meanwhile, so that it is not ours to keep."""
        offsets = await self._write(chunk.partition, change.records)
        if crash.ARMED and offsets:
            crash.at("worker.written")
        if not self._consumer.is_current(chunk):
            return False
        self._keep(chunk.partition, change.records, offsets)
        return True

    def _keep(self, partition: int, records: Sequence[tuple[bytes, bytes]], offsets: list[int]) -> None:
        for key, value in records:
            self._records.put(key, value)
        self._records.wrote(partition, offsets)

    async def _write(self, partition: int, records: Sequence[tuple[bytes, bytes]]) -> list[int]:
        """Send records to the changelog, in their order, and wait until it has every one; their offsets."""
        producer: AIOKafkaProducer = self._app.producer._ensure_producer()
        sent = [
            await producer.send(self._changelog, value, key=key, partition=partition)
            for key, value in records
        ]
        return [result.offset for result in await asyncio.gather(*sent)]

    @property
    def _consumer(self) -> ChunkConsumer:
        consumer: ChunkConsumer = self._app.consumer
        return consumer

    def _forget(self, generation: int | None) -> None:
        self._shelf = Shelf(self._records, self._verify)
        self._generation = generation

    def _drop(self, chunk: Chunk) -> None:
        _log.info("chunk %s %d-%d dropped: its partition moved", chunk.tp, chunk.follows, chunk.until)
        self.counts.dropped_chunks += 1
        self._consumer.drop(chunk)
        self._forget(None)

    def _count(self, change: Change, started: float, applied: float) -> None:
        done, counts = time.perf_counter(), self.counts
        counts.chunks += 1
        counts.counted += change.counted
        counts.repeated += change.repeated
        counts.rejected += change.rejected
        counts.records += len(change.records)
        counts.last_done_s = time.time()
        counts.chunk_ms = round((done - started) * 1000, 3)
        counts.changelog_ms = round((done - applied) * 1000, 3)
        counts.chunk_s_sum += done - started
        counts.changelog_s_sum += done - applied


def die() -> NoReturn:
    """End the process at once; `sys.exit` in an agent would leave Faust stopping for ever (#324)."""
    logging.shutdown()
    os._exit(EXIT_FAILED)
