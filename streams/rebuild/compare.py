"""What a rebuilt book says otherwise than the one that is kept, cell by cell, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

from streams.domain import records
from streams.domain.book import Book
from streams.warehouse.rows import Row, book_row
from streams.warehouse.store import Store

# Why a book differs. The words are in `ops.rebuild`.
RULE: Final = "rule"
STATE: Final = "state"
ROW: Final = "row"
MISSING: Final = "missing"

_FIRST: Final = 6
_CELLS: Final = slice(10, 16)


class Difference(NamedTuple):
    """One cell of a book: the figures that are kept and those that come out of the raw events.

    Where no cell differs, one line with an empty field compares how many events the two books hold. A ward's
    synchronisation record has no day.
    """

    ward: str
    day: date | None
    cause: str
    field: str
    channel: str
    status: int
    timeliness: str
    old_count: int
    new_count: int
    old_minutes: int
    new_minutes: int


@dataclass(frozen=True, slots=True)
class Found:
    """A record that differs, and the records that replace it: `encoded` oldest first, of generation 0."""

    ward: str
    day: str
    cause: str
    differences: tuple[Difference, ...]
    encoded: tuple[bytes, ...] = field(repr=False)

    def short(self) -> Found:
        """The same in one line, without its records."""
        lines = self.differences
        sums = [sum(amounts) for amounts in zip(*(one[7:11] for one in lines), strict=True)]
        return Found(self.ward, self.day, self.cause, (Difference(*lines[0][:3], "", "", 0, "", *sums),), ())


def same(kept: Book | None, made: Book) -> bool:
    """Whether two books hold the same events and figures. When they arrived may differ: an event that was
    lost and sent again arrived twice."""
    if kept is None:
        return not made.seqs
    return (
        kept.seqs == made.seqs
        and kept.retracted == made.retracted
        and kept.cells == made.cells
        and kept.declared == made.declared
    )


def same_row(row: Row | None, made: Book) -> bool:
    """Whether ClickHouse shows the figures of a book."""
    if row is None:
        return not made.seqs
    return _shown(row) == _shown(book_row(records.encode(made)))


def rows(store: Store, wards: list[str], first: date, last: date) -> dict[tuple[str, str], Row]:
    """What ClickHouse shows of these books."""
    asked = {"wards": wards, "first": first, "last": last}
    return {(row[1], row[-1]): row[:-1] for row in store.query(_BOOKS, asked).rows}


def differences(
    ward: str, day: str, cause: str, kept: dict[str, list[int]], made: Book, events: int
) -> tuple[Difference, ...]:
    """The cells in which they differ; `kept` as the cells of a book, `events` how many it holds."""
    when = date.fromisoformat(day)
    found = []
    for name in sorted(kept.keys() | made.cells.keys()):
        old, new = kept.get(name, [0, 0]), made.cells.get(name, [0, 0])
        if old != new:
            words, channel, status, timeliness = name.split("|")
            found.append(
                Difference(
                    ward, when, cause, words, channel, int(status), timeliness, old[0], new[0], old[1], new[1]
                )
            )
    return tuple(found) or (Difference(ward, when, cause, "", "", 0, "", events, made.events(), 0, 0),)


def cells_of(row: Row | None) -> dict[str, list[int]]:
    """The cells of a row, as a book has them."""
    if row is None:
        return {}
    return {
        f"{field}|{channel}|{status}|{timeliness}": [count, minutes]
        for field, channel, status, timeliness, count, minutes in zip(*row[_CELLS], strict=True)
    }


def _shown(row: Row) -> tuple[Any, ...]:
    events, epochs, counted, retracted = row[_FIRST : _FIRST + 4]
    by_epoch = dict(zip(epochs, counted, strict=True))
    return events, by_epoch, retracted, cells_of(row), tuple(map(_plain, row[16:]))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else value


_BOOKS: Final = """
SELECT
    toInt32(day), toString(ward), version, generation, revision, toUnixTimestamp64Milli(arrived_at), events,
    epochs, epoch_events, retracted, field, channel, status, timeliness, count, minutes,
    declared, toUnixTimestamp64Milli(declared_at), declared_epoch, declared_first_seq, declared_last_seq,
    declared_status, declared_count, toString(day)
FROM book FINAL
WHERE ward IN {wards:Array(String)} AND day BETWEEN {first:Date32} AND {last:Date32}
"""
