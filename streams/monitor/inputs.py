"""What is asked of ClickHouse to judge the wards, for any instant: SQL in, plain values out.

Every answer holds what had arrived by the instant and nothing later. Queries have to cost the same with a
year of rows as with a day of them: each one goes by a primary key or by the index of arrivals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple, TypeVar

from streams.domain.alive import Override, day_of, parse_spans
from streams.domain.certificate import Hole, Mismatch
from streams.domain.status import Previous
from streams.monitor.statements import (
    ANNOUNCED,
    ARRIVALS,
    BEATS,
    CONFLICTS,
    CONFLICTS_LONG,
    DAYS,
    DAYS_HISTORY,
    DELAYS,
    DIFFERENCES,
    FIRST,
    OVERRIDES,
    STATES,
    SYNC,
    SYNC_HISTORY,
)
from streams.warehouse.store import Store

T = TypeVar("T")
# A heartbeat that waited in a retry looks like a slow clock: clocks are judged by the best of some minutes.
BEATS_MS: Final = 15 * 60_000
DELAYS_MS: Final = 24 * 3_600_000
_HISTORY_MS: Final = (600_000, 2 * DELAYS_MS)
_SHORT_MS: Final = 3_600_000
_BOOK_DAYS: Final = 45
_SEQS_AFTER: Final = 16
# Values travel in the address of a request, so a long list is asked for in parts.
KEYS_MAX: Final = 200


class SyncRow(NamedTuple):
    """A ward as the worker's record had it."""

    ward: str
    known_ms: int
    epochs: list[str]
    counted: list[int]
    contiguous: list[int]
    highest: list[int]
    events: int
    missing: int
    hole_epoch: list[str]
    hole_first: list[int]
    hole_last: list[int]
    event_ms: int
    arrived_ms: int
    beat_clock_ms: int
    beat_ms: int
    beat_epoch: str
    pending: int
    rejected: int
    proven_ms: int
    doubt_ms: int


class Beats(NamedTuple):
    """A ward's heartbeats of the last minutes: the newest, and how far the clock is ahead at most."""

    beat_ms: int
    clock_ms: int
    epoch: str
    pending: int
    skew_ms: int


class Conflict(NamedTuple):
    """A seq that was used again; `arrived_ms`: when the newest other content came."""

    ward: str
    epoch: str
    seq: int
    arrived_ms: int


class Day(NamedTuple):
    """What the books say of a ward's days: which are declared, which declared totals do not match."""

    declared: frozenset[date]
    mismatches: tuple[Mismatch, ...]


_NO_DAY: Final = Day(frozenset(), ())


def sync_rows(store: Store, at_ms: int) -> dict[str, SyncRow]:
    """The newest record of each ward that knows nothing later than the instant.

    Two questions, one after the other, because the tables change between them: a record that is too new in
    the first has its earlier ones in the second, whatever was loaded meanwhile. A ward that was quiet for
    longer than the history is kept, and has come back since, is not there.
    """
    found = {row[0]: SyncRow(*row) for row in store.query(SYNC).rows}
    later = [ward for ward, row in found.items() if row.known_ms > at_ms]
    found = {ward: row for ward, row in found.items() if row.known_ms <= at_ms}
    for back_ms in _HISTORY_MS:  # nearly all have a record of the last minutes
        wanted = [ward for ward in later if ward not in found]
        if wanted:
            asked = {"wards": wanted, "from": at_ms - back_ms, "at": at_ms}
            found |= {row[0]: SyncRow(*row) for row in store.query(SYNC_HISTORY, asked).rows}
    return found


def beats(store: Store, at_ms: int) -> dict[str, Beats]:
    """The heartbeats of the last minutes."""
    rows = store.query(BEATS, {"from": at_ms - BEATS_MS, "at": at_ms}).rows
    return {row[0]: Beats(*row[1:]) for row in rows}


def delays(store: Store, at_ms: int) -> dict[str, tuple[int, int]]:
    """Median and 99th percentile of the arrival delay of the last 24 hours, in ms; not of backfill."""
    rows = store.query(DELAYS, {"from": at_ms - DELAYS_MS, "at": at_ms}).rows
    return {ward: (int(p50), int(p99)) for ward, p50, p99 in rows}


def conflicts(store: Store, after_ms: int, at_ms: int) -> set[Conflict]:
    """Seqs that came with other content after `after_ms`."""
    sql = CONFLICTS if at_ms - after_ms <= _SHORT_MS else CONFLICTS_LONG
    return {Conflict(*row) for row in store.query(sql, {"from": after_ms, "at": at_ms}).rows}


def first_arrivals(store: Store) -> dict[str, int]:
    """When Kafka had the first event of each ward."""
    return dict(store.query(FIRST).rows)


def days(store: Store, at_ms: int, recent_days: int) -> dict[str, Day]:
    """Declared days of the last weeks, and mismatches of the last `recent_days`; two questions, as above."""
    today = day_of(at_ms)
    asked = {
        "first": today - timedelta(days=_BOOK_DAYS),
        "recent": today - timedelta(days=recent_days),
        "at": at_ms,
    }
    rows = store.query(DAYS, asked).rows
    changed = [(day, ward) for ward, _, _, later in rows for day in later]
    for part in parts(changed):
        rows = [*rows, *((*row, []) for row in store.query(DAYS_HISTORY, {**asked, "books": part}).rows)]
    found: dict[str, Day] = {}
    for ward, declared, wrong, _ in rows:
        known = found.get(ward, _NO_DAY)
        found[ward] = Day(
            known.declared | frozenset(declared),
            known.mismatches + tuple(Mismatch(*one) for one in wrong),
        )
    return found


def overrides(store: Store) -> dict[str, list[Override]]:
    """Office hours that wards have for themselves, the newest last."""
    found: dict[str, list[Override]] = defaultdict(list)
    for ward, first, last, minutes, silent_after_s in store.query(OVERRIDES).rows:
        found[ward].append(Override(first, last, parse_spans(minutes), silent_after_s))
    return dict(found)


def differences(store: Store, at_ms: int) -> dict[str, int]:
    """Cells in which book and raw rows differ, by the newest double entry."""
    return {ward: int(cells) for ward, cells in store.query(DIFFERENCES, {"at": at_ms}).rows}


def stored_states(store: Store) -> dict[str, tuple[Previous, tuple[Hole, ...]]]:
    """How each ward stood when it was judged last, by whichever monitor."""
    return {
        row[0]: (Previous(row[1], row[2]), tuple(map(Hole._make, zip(*row[3:], strict=True))))
        for row in store.query(STATES).rows
    }


def arrivals_after(
    store: Store, holes: Iterable[tuple[str, str, int]], at_ms: int
) -> dict[tuple[str, str, int], int]:
    """When the earliest of the events right after a hole (ward, epoch, last seq) arrived."""
    found: dict[tuple[str, str, int], int] = {}
    for part in parts(sorted(set(holes))):
        rows = store.query(ARRIVALS, {"holes": part, "ahead": _SEQS_AFTER, "at": at_ms}).rows
        arrived = {(ward, epoch, seq): arrived_ms for ward, epoch, seq, arrived_ms in rows}
        for ward, epoch, last in part:
            after = (arrived.get((ward, epoch, last + ahead)) for ahead in range(1, _SEQS_AFTER + 1))
            first = min(filter(None, after), default=0)
            if first:
                found[ward, epoch, last] = first
    return found


def announced(store: Store, ward: str, epoch: str, first: int, at_ms: int) -> int:
    """When a heartbeat first said that this seq was sent; 0 if none is kept."""
    asked = {"ward": ward, "epoch": epoch, "first": first, "at": at_ms}
    return int(store.value(ANNOUNCED, asked) or 0)


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """A list in parts that fit into a request."""
    for start in range(0, len(values), KEYS_MAX):
        yield values[start : start + KEYS_MAX]
