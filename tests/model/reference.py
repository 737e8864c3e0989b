"""The whole rule of the book, in twenty lines: a set of events, and what they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from producers.contract.envelope import RetractedEvent, SequencedEvent, StatusChangedEvent
from streams.domain.lifecycle import entry_of

Day = tuple[str, str]


def books(events: Iterable[SequencedEvent]) -> dict[Day, dict[str, tuple[int, int]]]:
    """Per ward and day: each cell's count and working minutes, of the steps that no retraction names."""
    found = {(event.data.ward, event.data.epoch, event.data.seq): event for event in events}
    gone = {
        (event.data.ward, event.data.of.epoch, event.data.of.seq)
        for event in found.values()
        if isinstance(event, RetractedEvent)
    }
    counts: dict[Day, Counter[str]] = {}
    minutes: dict[Day, Counter[str]] = {}
    for identity, event in found.items():
        if isinstance(event, StatusChangedEvent) and identity not in gone:
            day = (event.data.ward, event.time.date().isoformat())
            cell, worked = entry_of(event.data)
            counts.setdefault(day, Counter())[cell] += 1
            minutes.setdefault(day, Counter())[cell] += worked
    return {
        day: {cell: (n, minutes[day][cell]) for cell, n in cells.items()} for day, cells in counts.items()
    }
