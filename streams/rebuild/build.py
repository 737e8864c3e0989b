"""From a ward's raw rows to its books, by the worker's own rules, as they would be at the worker's place.

A row that the worker has not reached is counted only if its record shows that it was counted all the same (a
worker that died after it had written): then the worker, which gets it again, takes it for a repetition.

Of a book that changed after `base_ms` a record is kept for each cell of the cuts' grid, as the shelf does, so
that every cut that may still be published finds its books in the new generation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from producers.contract.codec import decode
from producers.contract.envelope import HeartbeatEvent
from producers.contract.events import CITY_EPOCHS
from streams.domain import intervals, records
from streams.domain.book import Book
from streams.domain.cut import cell_end
from streams.domain.days import day_name
from streams.domain.lifecycle import Entry, entry
from streams.domain.sync import WardSync
from streams.rebuild.rows import NONE, Raw

_SHIFTS_MS: Final = tuple((r, f, d) for r in (0, 1) for f in (0, 1) for d in (0, 1))[1:]


@dataclass(slots=True)
class Built:
    """A book made anew; `before` are encoded records of it at earlier instants of the grid, oldest first.

    `recounted`: rows whose timeliness or minutes are not those that were found when they arrived.
    """

    book: Book
    before: list[bytes] = field(default_factory=list)
    recounted: int = 0
    rows: int = 0


class Builder:
    """The books of one ward."""

    def __init__(self, ward: str, old: Mapping[str, Book], base_ms: int) -> None:
        self._ward, self._old, self._base_ms = ward, old, base_ms
        self.built: dict[str, Built] = {}
        self.sync = WardSync(ward)

    def build(self, rows: Sequence[Raw]) -> dict[str, Built]:
        """Count all rows; may be called once."""
        later: dict[int, list[Raw]] = {}
        day, one, base_ms = NONE, Built(Book("", "")), self._base_ms
        for row in rows:
            number, arrived_ms = row[2], row[4]
            if arrived_ms > base_ms or row[12]:
                later.setdefault(number, []).append(row)
                continue
            if number != day:
                day, one = number, self._at(number)
            self._take(one, row)
        for number, some in later.items():
            self._take_later(number, some)
        return self.built

    def _at(self, number: int) -> Built:
        name = day_name(number)
        built = self.built.get(name)
        if built is None:
            built = self.built[name] = Built(Book(self._ward, name))
        return built

    def _take_later(self, number: int, rows: list[Raw]) -> None:
        name = day_name(number)
        old = self._old.get(name)
        counted = [row for row in rows if not row[12] or _holds(old, row[0], row[1])]
        if not counted:
            return
        one, until_ms = self._at(number), self._base_ms
        for row in sorted(counted, key=_arrival):
            if row[4] > until_ms:
                if one.book.revision:
                    one.before.append(records.encode(one.book))
                until_ms = cell_end(row[4])
            self._take(one, row)

    def _take(self, one: Built, row: Raw) -> None:
        (epoch, seq, _, occurred_ms, arrived_ms, words, received_ms, due_ms, finished_ms,
         timeliness, minutes, body, _, _) = row  # fmt: skip
        one.rows += 1
        self._note(epoch, occurred_ms, arrived_ms)
        if not words:
            event = decode(body.encode())
            assert not isinstance(event, HeartbeatEvent)
            one.book.apply(event, arrived_ms)
            return
        found = _entry(words, received_ms, due_ms, finished_ms, 0, 0, 0)
        if found.minutes != minutes or not found.cell.endswith(timeliness):
            found, known = _rounded(row, found)
            one.recounted += not known
        one.book.apply_entry(epoch, seq, found, arrived_ms)

    def _note(self, epoch: str, occurred_ms: int, arrived_ms: int) -> None:
        sync = self.sync
        if epoch.startswith(CITY_EPOCHS):
            sync.city_ms = max(sync.city_ms, arrived_ms)
            return
        if occurred_ms > sync.event_ms:
            sync.event_ms = occurred_ms
        if arrived_ms > sync.arrived_ms:
            sync.arrived_ms = arrived_ms


def _arrival(row: Raw) -> tuple[int, str, int]:
    return row[4], row[0], row[1]


def _holds(old: Book | None, epoch: str, seq: int) -> bool:
    return old is not None and intervals.contains(old.seqs.get(epoch, []), seq)


def _entry(words: str, received: int, due: int, finished: int, r: int, d: int, f: int) -> Entry:
    return entry(
        words,
        (received - r) / 1000,
        None if due == NONE else (due - d) / 1000,
        None if finished == NONE else (finished - f) / 1000,
    )


def _rounded(row: Raw, found: Entry) -> tuple[Entry, bool]:
    """The table keeps whole milliseconds: what a rounded moment explains is the event as it was counted.

    Else another rule has counted it, and `found` stands; False then.
    """
    words, received, due, finished = row[5:9]
    for r, f, d in _SHIFTS_MS:
        other = _entry(words, received, due, finished, r, d, f)
        if other.minutes == row[10] and other.cell.endswith(row[9]):
            return other, True
    return found, False
