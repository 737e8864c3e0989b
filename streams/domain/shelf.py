"""From a chunk of one partition's messages to the records that it changes: the heart of the worker.

The shelf reads encoded records through `Records` (the worker's table) and never writes them: it returns what
changed, and the worker stores it once the changelog has it. Wards are kept decoded between chunks, books
only within one. After a rebalance or a chunk that was not stored, the shelf must be thrown away.

A chunk may hold messages of several cells of the cuts' grid. Then a record is given for every cell in which
it changed, not only for the last: so of every record there is a revision that is exactly what the messages up
to a grid instant add up to, however far behind the worker was.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from producers.contract.codec import admit
from producers.contract.envelope import Event, HeartbeatEvent, SequencedEvent
from producers.contract.errors import Reject
from producers.contract.signing import Headers, Verifier
from producers.contract.topics import PARTITION_OF_WARD
from streams.domain import intervals, records
from streams.domain.book import Book, day_of
from streams.domain.cut import cell_end
from streams.domain.sync import WardSync


class Message(NamedTuple):
    """One Kafka message with its coordinates; `arrived_ms` is the broker's append time.

    The headers are filled in only where signatures are verified.
    """

    value: bytes | None
    key: bytes | None
    offset: int
    arrived_ms: int
    headers: Headers = ()


class Records(Protocol):
    """The encoded records of the partitions that this worker owns."""

    def get(self, key: bytes, /) -> bytes | None:
        """The record of a key, or None."""

    def books_of(self, ward: str, /) -> Iterable[bytes]:
        """The encoded books of a ward, all days."""


class Change(NamedTuple):
    """What a chunk changed: keys and encoded records in the order in which they must be written, and how many
    messages did what. A key comes once for every cell of the grid in which it changed, oldest first.
    """

    records: list[tuple[bytes, bytes]]
    counted: int
    repeated: int
    rejected: int


class Shelf:
    """The records of one worker, as they are after the last chunk."""

    def __init__(self, stored: Records, verify: Verifier | None = None) -> None:
        self._stored, self._verify = stored, verify
        self._syncs: dict[str, WardSync] = {}
        self._books: dict[tuple[str, str], Book] = {}
        self._finished: dict[tuple[str, str], Book] = {}
        self._touched: dict[str, WardSync] = {}
        self._counted = self._repeated = self._rejected = 0

    def apply(self, partition: int, messages: Iterable[Message]) -> Change:
        """Take a chunk of one partition, in log order; every message is counted, repeated or rejected."""
        self._books, self._finished, self._touched = {}, {}, {}
        self._counted = self._repeated = self._rejected = 0
        found: list[tuple[bytes, bytes]] = []
        verify, until_ms = self._verify, 0
        for message in messages:
            value, key, _, arrived_ms, headers = message
            # Append time may step back; such a message belongs to the cell that was reached before it.
            if arrived_ms > until_ms:
                found += self._end_cell()
                until_ms = cell_end(arrived_ms)
            try:
                event, time_s = admit(value, key, partition, arrived_ms / 1000, headers, verify)
            except Reject:
                self._reject(partition, message)
            else:
                self._take(event, time_s, arrived_ms)
        found += self._end_cell()
        return Change(found, self._counted, self._repeated, self._rejected)

    def _take(self, event: Event, time_s: float, arrived_ms: int) -> None:
        sync = self._sync(event.data.ward)
        if isinstance(event, HeartbeatEvent):
            new = sync.hear(event.data, arrived_ms)
        else:
            new = self._enter(event, time_s, sync, arrived_ms)
        if new:
            self._touched[sync.ward] = sync
            self._counted += 1
        else:
            self._repeated += 1

    def _enter(self, event: SequencedEvent, time_s: float, sync: WardSync, arrived_ms: int) -> bool:
        # The ward's set decides, not the book's: a seq that comes again with another day is a conflict, and
        # only its first arrival counts.
        data = event.data
        if not sync.take(data.epoch, data.seq, int(time_s * 1000), arrived_ms):
            return False
        self._book(data.ward, day_of(event, time_s)).apply(event, arrived_ms)
        return True

    def _reject(self, partition: int, message: Message) -> None:
        self._rejected += 1
        ward = (message.key or b"").decode("ascii", "replace")
        # A record lives in its ward's own partition only; others are counted from the `rejects` table.
        if PARTITION_OF_WARD.get(ward) == partition:
            sync = self._sync(ward)
            if sync.reject(message.arrived_ms, message.offset):
                self._touched[ward] = sync

    def _sync(self, ward: str) -> WardSync:
        sync = self._syncs.get(ward)
        if sync is None:
            sync = self._syncs[ward] = self._load_sync(ward)
        return sync

    def _load_sync(self, ward: str) -> WardSync:
        value = self._stored.get(records.sync_key(ward))
        sync = records.decode_sync(value) if value else WardSync(ward)
        by_epoch: dict[str, list[intervals.Intervals]] = {}
        for book in self._stored.books_of(ward):
            for epoch, seqs in records.seqs_of_book(book).items():
                by_epoch.setdefault(epoch, []).append(seqs)
        sync.seqs = {epoch: intervals.merge_all(sets) for epoch, sets in by_epoch.items()}
        return sync

    def _book(self, ward: str, day: str) -> Book:
        book = self._books.get((ward, day))
        if book is None:
            book = self._finished.get((ward, day)) or self._load_book(ward, day)
            self._books[ward, day] = book
        return book

    def _load_book(self, ward: str, day: str) -> Book:
        value = self._stored.get(records.book_key(ward, day))
        return records.decode_book(value) if value else Book(ward, day)

    def _end_cell(self) -> list[tuple[bytes, bytes]]:
        """What has changed since the last call, the wards' records first.

        One partition's log keeps this order. If the process dies between, the ward's record is ahead of its
        books and is corrected when the events come again; the other way round they would all be repetitions,
        and the ward's record would stay behind until its next event.
        """
        found = [(records.sync_key(ward), records.encode(sync)) for ward, sync in self._touched.items()]
        found += [(records.book_key(*at), records.encode(book)) for at, book in self._books.items()]
        self._finished |= self._books
        self._books, self._touched = {}, {}
        return found
