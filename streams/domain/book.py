"""The book of one ward and day: a set union, so that order, lateness and repetition do not matter.

Each sequenced event has its place in exactly one book: a status change and a difficulty in the book of
its own day, a retraction in the book of the day that it corrects, a closing in the book of the day that it
closes. An event that is already in `seqs` changes nothing. Counts are kept beside the sets for speed; they
are always what the counted, unretracted status events add up to.
"""

from __future__ import annotations

import msgspec

from producers.contract.envelope import DayClosedEvent, RetractedEvent, SequencedEvent, StatusChangedEvent
from producers.contract.events import StatusChanged
from streams.domain import intervals
from streams.domain.days import day_name, day_number
from streams.domain.intervals import Intervals
from streams.domain.lifecycle import Entry, entry_of


class Declared(msgspec.Struct, array_like=True):
    """The ward's own totals of the day, from its newest closing (by time, epoch, seq)."""

    time_ms: int
    epoch: str
    seq: int
    first_seq: int
    last_seq: int
    counts: dict[int, int]


class Book(msgspec.Struct, array_like=True):
    """State of one ward and day.

    `seqs` and `retracted`: per epoch, an interval set. `cells`: `field|channel|status|timeliness` to
    [count, working minutes]. `revision`: changes applied. `arrived_ms`: broker time of the newest change.
    """

    ward: str
    day: str
    generation: int = 0
    revision: int = 0
    arrived_ms: int = 0
    seqs: dict[str, Intervals] = {}
    retracted: dict[str, Intervals] = {}
    cells: dict[str, list[int]] = {}
    declared: Declared | None = None

    def apply(self, event: SequencedEvent, arrived_ms: int) -> bool:
        """Take one event into the book; False if it was in it already."""
        data = event.data
        if not intervals.add(self.seqs.setdefault(data.epoch, []), data.seq):
            return False
        self.revision += 1
        if arrived_ms > self.arrived_ms:
            self.arrived_ms = arrived_ms
        if type(event) is StatusChangedEvent:
            self._count(event.data)
        elif type(event) is RetractedEvent:
            self._retract(event.data.of)
        elif type(event) is DayClosedEvent:
            self._declare(event)
        return True

    def apply_entry(self, epoch: str, seq: int, entry: Entry, arrived_ms: int) -> bool:
        """The same for a status event of which a rebuild knows only its seq and its entry."""
        if not intervals.add(self.seqs.setdefault(epoch, []), seq):
            return False
        self.revision += 1
        if arrived_ms > self.arrived_ms:
            self.arrived_ms = arrived_ms
        if not (self.retracted and intervals.contains(self.retracted.get(epoch, []), seq)):
            self._add(entry, +1)
        return True

    def events(self) -> int:
        """How many events have their place in this book."""
        return sum(intervals.size(seqs) for seqs in self.seqs.values())

    def _count(self, data: StatusChanged) -> None:
        # The retraction may have come first: then the event is in the set but not in the counts.
        if self.retracted and intervals.contains(self.retracted.get(data.epoch, []), data.seq):
            return
        self._add(entry_of(data), +1)

    def _retract(self, of: StatusChanged) -> None:
        if not intervals.add(self.retracted.setdefault(of.epoch, []), of.seq):
            return
        if intervals.contains(self.seqs.get(of.epoch, []), of.seq):
            self._add(entry_of(of), -1)

    def _add(self, entry: Entry, sign: int) -> None:
        name, minutes = entry
        cell = self.cells.get(name)
        if cell is None:
            cell = self.cells[name] = [0, 0]
        cell[0] += sign
        cell[1] += sign * minutes
        if cell[0] == 0 and cell[1] == 0:
            del self.cells[name]

    def _declare(self, event: DayClosedEvent) -> None:
        data = event.data
        declared = Declared(
            int(event.time.timestamp() * 1000),
            data.epoch,
            data.seq,
            data.first_seq,
            data.last_seq,
            {int(status): count for status, count in data.counts.items()},
        )
        if self.declared is None or _order(declared) > _order(self.declared):
            self.declared = declared


def _order(declared: Declared) -> tuple[int, str, int]:
    return declared.time_ms, declared.epoch, declared.seq


def day_of(event: SequencedEvent, time_s: float) -> str:
    """The day of the book in which an event (of that time, in seconds since 1970) has its place."""
    if type(event) is RetractedEvent:
        return day_name(day_number(event.data.of_time.timestamp()))
    if type(event) is DayClosedEvent:
        return event.data.day.isoformat()
    return day_name(day_number(time_s))
