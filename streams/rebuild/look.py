"""One look at the books of some wards: made anew from the raw rows, compared with both places that keep them.

The changelog is what the workers count on, ClickHouse is what people see. A look is exact beside running
workers, too, by its order: the workers' places first, then the changelog, and the raw rows only when the
loader has all that Kafka had by then. So all below a place is in the books, and every event in a book is in
the rows. A row in ClickHouse that is newer than the changelog that was read is looked for in what was
written since.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from multiprocessing import get_context
from typing import Any, Final, NamedTuple

from producers.contract.errors import Stop, Unavailable
from producers.contract.topics import PARTITION_OF_WARD
from streams.domain import intervals, records
from streams.domain.book import Book
from streams.rebuild import compare, kafka, rows, syncs
from streams.rebuild.build import Builder, Built
from streams.rebuild.compare import MISSING, ROW, RULE, STATE, Found
from streams.warehouse.comparison import FIRST_DAY, LAST_DAY
from streams.warehouse.rows import Row
from streams.warehouse.store import Address, Store

PROCESSES: Final = 2
# Fewer rows than this are not worth a second process.
_ROWS_ALONE: Final = 300_000
_WARDS_AT_ONCE: Final = 32
# After so many lines each book has one only: a rule that changed may change every cell of every book.
LINES_MAX: Final = 50_000
LOADED_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Scope:
    """Which books: of these wards, from the first to the last day.

    `accept_missing`: make books anew also where they hold events of which no raw row is left.
    """

    wards: tuple[str, ...]
    first: date = FIRST_DAY
    last: date = LAST_DAY
    accept_missing: bool = False

    def holds(self, other: Scope) -> bool:
        """Whether the other is a part of this one."""
        return set(other.wards) <= set(self.wards) and self.first <= other.first and self.last >= other.last


@dataclass(frozen=True, slots=True)
class Where:
    """What is read: Kafka, ClickHouse, and from which instant on every cell of the grid is kept."""

    kafka: kafka.Address
    store: Address
    base_ms: int
    # Whether the records that replace others are wanted, or only the differences.
    keep: bool = True


@dataclass(slots=True)
class Look:
    """What was found. `generation`: the highest among the records that were read."""

    found: list[Found] = field(default_factory=list)
    books: int = 0
    rows: int = 0
    generation: int = 0
    lines: int = 0

    def note(self, one: Found, keep: bool) -> None:
        """Add a finding; in one line where there are very many."""
        if self.lines > LINES_MAX:
            one = replace(one.short(), encoded=one.encoded)
        self.lines += len(one.differences)
        self.found.append(one if keep else replace(one, encoded=()))

    def add(self, other: Look) -> None:
        """The same of other wards."""
        self.found += other.found
        self.books += other.books
        self.rows += other.rows
        self.generation = max(self.generation, other.generation)


def look(where: Where, scope: Scope, processes: int = PROCESSES) -> Look:
    """Look at all wards of a scope, in two processes where there are many.

    :raises Unavailable: Kafka or ClickHouse does not answer, or the loader is away
    """
    places = kafka.places(where.kafka)
    if processes == 1 or _rows(where, scope) < _ROWS_ALONE:
        return _look(where, scope, places)
    together = Look()
    # Not forked: the clients' threads would not be there in the copy.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        parts = [replace(scope, wards=wards) for wards in _shares(scope.wards, processes)]
        for answer in pool.map(_look_apart, *zip(*((where, part, places) for part in parts), strict=True)):
            if not isinstance(answer, Look):
                raise answer[0](*answer[1])
            together.add(answer)
    return together


def _rows(where: Where, scope: Scope) -> int:
    with Store(where.store) as store:
        sql = "SELECT count() FROM events WHERE ward IN {wards:Array(String)}"
        return int(store.value(sql, {"wards": list(scope.wards)}))


def _look_apart(
    where: Where, scope: Scope, places: dict[int, kafka.Place]
) -> Look | tuple[type[Stop | Unavailable], tuple[str, str, str]]:
    """In a process of its own; our errors come back as what they are made of."""
    try:
        return _look(where, scope, places)
    except Unavailable as error:
        return Unavailable, (error.service, error.detail, error.remedy)
    except Stop as error:
        return Stop, (error.code, error.detail, error.remedy)


def _shares(wards: Sequence[str], count: int) -> list[tuple[str, ...]]:
    """By partition, so that each process reads only its own changelogs."""
    return [tuple(ward for ward in wards if PARTITION_OF_WARD[ward] % count == n) for n in range(count)]


def _look(where: Where, scope: Scope, places: dict[int, kafka.Place]) -> Look:
    kept = kafka.newest_records(where.kafka, scope.wards)
    _wait_loaded(where.kafka, kept.ends)
    found = Look(generation=max((_generation(value) for value in kept.newest.values()), default=0))
    by_ward: dict[str, dict[bytes, bytes]] = {ward: {} for ward in scope.wards}
    for key, value in kept.newest.items():
        by_ward[records.ward_of(key)][key] = value
    doubts: list[Doubt] = []
    with Store(where.store) as store:
        for start in range(0, len(scope.wards), _WARDS_AT_ONCE):
            wards = scope.wards[start : start + _WARDS_AT_ONCE]
            doubts += _look_at(where, store, replace(scope, wards=wards), places, by_ward, found)
    since = kafka.records_after(where.kafka, kept.ends) if doubts else {}
    for one in doubts:
        if not one.explained(since):
            found.note(one.found, where.keep)
    return found


def _look_at(
    where: Where,
    store: Store,
    scope: Scope,
    places: dict[int, kafka.Place],
    kept: dict[str, dict[bytes, bytes]],
    found: Look,
) -> list[Doubt]:
    shown = compare.rows(store, list(scope.wards), scope.first, scope.last)
    found.generation = max([found.generation, *(row[3] for row in shown.values())])
    said = syncs.read(store, scope.wards, places)
    doubts = []
    for ward, raw in rows.read(store, scope.wards, places, scope.first, scope.last):
        mine = {day: row for (of, day), row in shown.items() if of == ward}
        one = _Ward(where, store, scope, ward, kept.pop(ward), mine, said.get(ward, syncs.Said()))
        doubts += one.into(found, raw)
    return doubts


def _wait_loaded(where: kafka.Address, ends: dict[int, int]) -> None:
    events = {number: high for number, (low, high) in kafka.bounds(where, where.events).items() if high > low}
    kafka.wait_loaded(where, where.events, {n: events.get(n, 0) for n in ends}, LOADED_S)
    kafka.wait_loaded(where, where.changelog, ends, LOADED_S)


def _generation(value: bytes) -> int:
    return records.version_of(value) >> 40


class Doubt(NamedTuple):
    """What ClickHouse shows differs, in a version above the one that was read: it may have come since."""

    found: Found
    key: bytes
    version: int
    row: Row | None

    def explained(self, since: dict[tuple[bytes, int], bytes]) -> bool:
        """Whether it is a record that was written since."""
        value = since.get((self.key, self.version))
        if value is None:
            return False
        return self.row is None or compare.same_row(self.row, records.decode_book(value))


class _Ward:
    """The look at one ward."""

    def __init__(
        self,
        where: Where,
        store: Store,
        scope: Scope,
        ward: str,
        kept: dict[bytes, bytes],
        shown: dict[str, Row],
        said: syncs.Said,
    ) -> None:
        self._where, self._store, self._scope = where, store, scope
        self._ward, self._shown, self._said = ward, shown, said
        self._sync = kept.pop(records.sync_key(ward), None)
        self._kept = {book.day: book for book in map(records.decode_book, kept.values())}
        self._stored: dict[str, intervals.Intervals] | None = None

    def into(self, found: Look, raw: list[Any]) -> list[Doubt]:
        """Add what is found among its rows, and return what is in doubt."""
        scope, doubts = self._scope, []
        builder = Builder(self._ward, self._kept, self._where.base_ms)
        built = builder.build(raw)
        inside = {day for day in self._kept if scope.first.isoformat() <= day <= scope.last.isoformat()}
        days = sorted(built.keys() | inside | self._shown.keys())
        after = dict(self._kept)
        for day in days:
            one = built.get(day) or Built(Book(self._ward, day))
            differs = self._compare(day, one)
            if differs is None or differs.cause != MISSING or scope.accept_missing:
                after[day] = one.book
            if differs is not None and self._newer(day, differs):
                row = self._shown[day]
                doubts.append(Doubt(differs, records.book_key(self._ward, day), row[2], row))
            elif differs is not None:
                found.note(differs, self._where.keep)
        found.books += len(days)
        found.rows += len(raw)
        sync, version = syncs.compare(builder.sync, self._sync, self._said, after.values(), self._all)
        if sync is not None and version:
            doubts.append(Doubt(sync, records.sync_key(self._ward), version, None))
        elif sync is not None:
            found.note(sync, self._where.keep)
        return doubts

    def _newer(self, day: str, differs: Found) -> bool:
        kept = self._kept.get(day)
        known = 0 if kept is None else records.version(kept.generation, kept.revision)
        return differs.cause == ROW and day in self._shown and self._shown[day][2] > known

    def _compare(self, day: str, one: Built) -> Found | None:
        kept, row = self._kept.get(day), self._shown.get(day)
        state, shown = compare.same(kept, one.book), compare.same_row(row, one.book)
        if state and shown:
            return None
        cause = ROW if state else RULE if one.recounted else STATE
        if not state and self._lacks(kept):
            cause = MISSING
        if cause == ROW:
            old, events = compare.cells_of(row), 0 if row is None else row[6]
        else:
            old, events = (kept.cells, kept.events()) if kept else ({}, 0)
        cells = compare.differences(self._ward, day, cause, old, one.book, events)
        encoded = (*self._base(one, row), *one.before, records.encode(one.book))
        return Found(self._ward, day, cause, cells, encoded)

    def _base(self, one: Built, row: Row | None) -> list[bytes]:
        """An empty book before the first cell, where one is shown that was wrong already then."""
        wrong = row is not None and row[5] <= self._where.base_ms < one.book.arrived_ms
        first = records.decode_book(one.before[0]) if one.before else one.book
        if wrong and first.arrived_ms > self._where.base_ms:
            return [records.encode(Book(one.book.ward, one.book.day))]
        return []

    def _lacks(self, kept: Book | None) -> bool:
        """Whether the book holds events of which no raw row is left, whatever their day."""
        return kept is not None and not intervals.within(kept.seqs, self._all())

    def _all(self) -> dict[str, intervals.Intervals]:
        if self._stored is None:
            self._stored = rows.seqs(self._store, self._ward)
        return self._stored


def processors() -> int:
    """How many processes a look may use here."""
    return min(PROCESSES, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
