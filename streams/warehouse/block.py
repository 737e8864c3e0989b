"""A block: the rows of some messages, and how far into each partition they reach.

A block is filled by the reader, written by the writer, and its offsets are committed only after that. It is
the unit of all three, so nothing has to be kept in step by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, NamedTuple

from producers.contract.codec import admit
from producers.contract.envelope import HeartbeatEvent, StatusChangedEvent
from producers.contract.errors import Reject
from producers.contract.signing import Headers, Verifier
from streams.domain import records
from streams.domain.cut import cut_of_arrival
from streams.domain.days import day_number
from streams.warehouse import rows, steps, tables
from streams.warehouse.rows import Message, Row
from streams.warehouse.tables import Table

# What a row costs in memory, nearly; the values of rejects and books are counted beside it.
_ROW_BYTES: Final = 1200
# So many are turned into columns while they are still in the processor's cache.
_STEPS_MAX: Final = 2_000


@dataclass(slots=True)
class Span:
    """An unbroken stretch of one partition, inclusive. `first` is where reading began, not the first message:
    offsets in between may be empty (compacted away, markers of transactions).
    """

    topic_id: str
    topic: str
    partition: int
    first: int
    last: int
    events: int = 0
    rejects: int = 0
    heartbeats: int = 0
    # Of events: the lowest and the highest arrival, and how far one came behind an earlier one at most.
    oldest_ms: int = 0
    newest_ms: int = 0
    back_ms: int = 0

    def arrived(self, arrived_ms: int) -> None:
        """Note when the broker had the next message."""
        newest = self.newest_ms
        if arrived_ms < newest:
            self.oldest_ms = min(self.oldest_ms, arrived_ms)
            self.back_ms = max(self.back_ms, newest - arrived_ms)
        elif newest:
            self.newest_ms = arrived_ms
        else:
            self.newest_ms = self.oldest_ms = arrived_ms


class Load(NamedTuple):
    """How many messages of a kind, and when Kafka had the first and the last of the events behind them."""

    kind: str
    messages: int
    first_ms: int
    last_ms: int


@dataclass(slots=True)
class Block:
    """Rows by table, and spans in the order in which they were begun.

    `taken` are status events, which become columns many at once (`turned`); `others` are rows of their table.
    """

    taken: list[steps.Step] = field(default_factory=list)
    turned: list[steps.Columns] = field(default_factory=list)
    others: list[Row] = field(default_factory=list)
    heartbeats: list[Row] = field(default_factory=list)
    rejects: list[Row] = field(default_factory=list)
    book: dict[tuple[Any, ...], Row] = field(default_factory=dict)
    ward_sync: dict[tuple[Any, ...], Row] = field(default_factory=dict)
    incidents: list[Row] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    arrivals: list[int] = field(default_factory=list)
    bookings: list[int] = field(default_factory=list)
    size_bytes: int = 0

    def __len__(self) -> int:
        """How many messages are in it."""
        return len(self.arrivals) + len(self.bookings)

    @property
    def events(self) -> list[Row]:
        """The rows of `events`, one by one; for who looks at a block, since they are inserted as columns."""
        return [*zip(*self._events(), strict=True)]

    def event_count(self) -> int:
        """How many rows of `events` it inserts."""
        return sum(len(part[0]) for part in self.turned) + len(self.taken) + len(self.others)

    def _turn(self) -> None:
        self.turned.append(steps.columns_of(self.taken))
        self.taken = []

    def _events(self) -> list[Sequence[Any]]:
        parts = list(self.turned)
        parts += [steps.columns_of(self.taken)] if self.taken else []
        parts += [columns(self.others)] if self.others else []
        return [list(chain.from_iterable(column)) for column in zip(*parts, strict=True)]

    def rows(self) -> int:
        """How many rows it inserts."""
        kept = (self.rejects, self.heartbeats, self.book, self.ward_sync)
        return self.event_count() + sum(len(found) for found in kept)

    def take_event(
        self,
        span: Span,
        value: bytes | None,
        key: bytes | None,
        offset: int,
        arrived_ms: int,
        headers: Headers = (),
        verify: Verifier | None = None,
    ) -> None:
        """Take one message of the events topic, whatever it holds: exactly one row comes of it."""
        self.arrivals.append(arrived_ms)
        if offset > span.last:
            span.last = offset
        span.arrived(arrived_ms)
        try:
            event, time_s = admit(value, key, span.partition, arrived_ms / 1000, headers, verify)
        except Reject as reject:
            span.rejects += 1
            return self._reject(span, value, key, offset, arrived_ms, reject)
        at = (span.topic_id, span.partition, offset)
        self.size_bytes += _ROW_BYTES
        if type(event) is StatusChangedEvent:
            span.events += 1
            self.taken.append(steps.step_of(event, time_s, arrived_ms, at))
            if len(self.taken) >= _STEPS_MAX:
                self._turn()
            return None
        if isinstance(event, HeartbeatEvent):
            span.heartbeats += 1
            return self.heartbeats.append(rows.heartbeat_row(event, arrived_ms, at))
        span.events += 1
        return self.others.append(rows.event_row(event, time_s, arrived_ms, at))

    def take_record(
        self, span: Span, value: bytes | None, key: bytes | None, offset: int, arrived_ms: int
    ) -> None:
        """Take one message of the changelog, whatever it holds. Tombstones and foreign bytes are rejected."""
        if offset > span.last:
            span.last = offset
        try:
            arrived_ms = self._take_record(value, key, arrived_ms)
        except Reject as reject:
            span.rejects += 1
            self._reject(span, value, key, offset, arrived_ms, reject)
        self.bookings.append(arrived_ms)

    def _take_record(self, value: bytes | None, key: bytes | None, arrived_ms: int) -> int:
        """Returns when Kafka had the event behind the record, for the delay as people feel it."""
        if key is None or value is None:
            raise Reject("null_value", "changelog record")
        # Cuts ask for the newest at each of their instants; of one cell of their grid only the newest counts.
        if records.is_sync(key):
            row = rows.sync_row(value)
            cell = row[_SYNC_WARD], cut_of_arrival(row[_SYNC_KNOWN])
            self._keep_newest(self.ward_sync, cell, row, _SYNC_VERSION, len(value))
            return arrived_ms
        row = rows.book_row(value)
        booked_ms = int(row[_BOOK_ARRIVED])
        self._keep_newest(self.book, _book_cell(row, booked_ms), row, _BOOK_VERSION, len(value))
        return booked_ms or arrived_ms

    def _keep_newest(
        self, known: dict[tuple[Any, ...], Row], cell: tuple[Any, ...], row: Row, version: int, size: int
    ) -> None:
        """Keep the row unless its cell has a higher version; of equal ones the last, as ClickHouse does."""
        other = known.get(cell)
        if other is None or row[version] >= other[version]:
            known[cell] = row
        if other is None:
            self.size_bytes += _ROW_BYTES + 4 * size

    def _reject(
        self, span: Span, value: bytes | None, key: bytes | None, offset: int, arrived_ms: int, reject: Reject
    ) -> None:
        message = Message(value, key, span.topic_id, span.topic, span.partition, offset, arrived_ms)
        self.size_bytes += _ROW_BYTES + len(value or b"")
        self.rejects.append(rows.reject_row(message, reject))

    def inserts(self) -> list[tuple[Table, list[Sequence[Any]]]]:
        """What to insert, column by column. Every row stands for itself; what people wait for goes first."""
        books = [(tables.BOOK, columns(list(self.book.values())))] if self.book else []
        events = [(tables.EVENTS, self._events())] if self.event_count() else []
        filled = (
            (tables.REJECTS, self.rejects),
            (tables.HEARTBEATS, self.heartbeats),
            (tables.WARD_SYNC, list(self.ward_sync.values())),
            (tables.INCIDENTS, self.incidents),
        )
        return books + events + [(table, columns(found)) for table, found in filled if found]

    def loads(self) -> list[Load]:
        """What the block held, by kind, for the record of delays."""
        kinds = (("events", self.arrivals), ("books", self.bookings))
        return [Load(kind, len(found), min(found), max(found)) for kind, found in kinds if found]


_BOOK_DAY, _BOOK_WARD, _BOOK_VERSION, _BOOK_GENERATION, _BOOK_ARRIVED = map(
    tables.BOOK.columns.index, ("day", "ward", "version", "generation", "arrived_at")
)
_SYNC_WARD, _SYNC_VERSION, _SYNC_KNOWN = map(tables.WARD_SYNC.columns.index, ("ward", "version", "known_at"))


def _book_cell(row: Row, arrived_ms: int) -> tuple[Any, ...]:
    """Of which rows of a book the newest is enough. A cut may ask for an earlier generation's, and the ledger
    of corrections for the last before midnight, which ends its cell of the grid but belongs to the next day.
    """
    cell = cut_of_arrival(arrived_ms), day_number(arrived_ms / 1000)
    return row[_BOOK_DAY], row[_BOOK_WARD], row[_BOOK_GENERATION], *cell


def columns(found: Sequence[Row]) -> list[Sequence[Any]]:
    """Rows turned into columns."""
    return list(zip(*found, strict=True))
