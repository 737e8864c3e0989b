"""Goal: however a ward's events are interleaved, repeated, split into chunks, interrupted by crashes and
replayed, its books come out the same. Method: events are drawn, delivered in a drawn way, and the records
compared with a reference of a few lines that counts sets.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.contract.codec import encode
from producers.contract.envelope import DayClosedEvent, RetractedEvent, SequencedEvent, StatusChangedEvent
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Channel, Status
from streams.domain import intervals, records
from streams.domain.book import Book
from streams.domain.lifecycle import entry_of
from streams.domain.shelf import Message, Shelf
from tests.builders import START, WARD, closing, retraction, status

PARTITION = PARTITION_OF_WARD[WARD]
ARRIVED_MS = int(START.timestamp() * 1000) + 40 * 86_400_000


class Table(dict[bytes, bytes]):
    """What the worker's table does, with a crash that forgets everything not stored."""

    def books_of(self, ward: str) -> Iterable[bytes]:
        head = f"{ward}|".encode()
        return [value for key, value in self.items() if key.startswith(head) and not records.is_sync(key)]

    def put(self, changed: Iterable[tuple[bytes, bytes]]) -> None:
        for key, value in changed:
            if records.newer(value, self.get(key)):
                self[key] = value


@st.composite
def _histories(draw: st.DrawFn) -> list[SequencedEvent]:
    events: list[SequencedEvent] = []
    for seq in range(1, draw(st.integers(1, 25)) + 1):
        kind = draw(st.sampled_from(["status"] * 6 + ["retract", "close"]))
        at = START + timedelta(hours=draw(st.integers(0, 71)))
        earlier = [event for event in events if isinstance(event, StatusChangedEvent)]
        if kind == "retract" and earlier:
            events.append(retraction(seq, draw(st.sampled_from(earlier)), at=at))
        elif kind == "close":
            events.append(closing(seq, {Status.RECEIVED: draw(st.integers(0, 9))}, at=at))
        else:
            events.append(_status(draw, seq, at))
    return events


def _status(draw: st.DrawFn, seq: int, at: Any) -> StatusChangedEvent:
    done = draw(st.booleans())
    return status(
        seq,
        at=at,
        channel=draw(st.sampled_from(list(Channel))),
        status=Status.DONE if done else draw(st.sampled_from([Status.RECEIVED, Status.PROCESSING])),
        due_at=START + timedelta(days=1),
        finished_at=at if done else None,
    )


def _reference(events: list[SequencedEvent]) -> dict[str, Counter[str]]:
    """Counts per day and cell: status events whose seq no retraction names."""
    gone = {event.data.of.seq for event in events if isinstance(event, RetractedEvent)}
    days: dict[str, Counter[str]] = {}
    for event in events:
        if isinstance(event, StatusChangedEvent) and event.data.seq not in gone:
            days.setdefault(event.time.date().isoformat(), Counter())[entry_of(event.data).cell] += 1
    return days


def _chunks(deliveries: list[SequencedEvent], cuts: list[int]) -> Iterator[list[Message]]:
    messages = [Message(encode(event), WARD.encode(), n, ARRIVED_MS) for n, event in enumerate(deliveries)]
    bounds = [0, *sorted(cut % (len(messages) + 1) for cut in cuts), len(messages)]
    for start, end in itertools.pairwise(bounds):
        yield messages[start:end]


def _books(table: Table) -> dict[str, Book]:
    return {book.day: book for book in map(records.decode_book, table.books_of(WARD))}


def _content(book: Book) -> object:
    declared = book.declared
    return book.seqs, book.retracted, book.cells, declared, book.revision


@settings(max_examples=200, deadline=None)
@given(history=_histories(), data=st.data())
def test_any_delivery_of_a_history_gives_the_same_books(
    history: list[SequencedEvent], data: st.DataObject
) -> None:
    repeats = data.draw(st.lists(st.sampled_from(history), max_size=20))
    deliveries = data.draw(st.permutations(history + repeats))
    cuts = data.draw(st.lists(st.integers(0, 1000), max_size=6))
    table, plain = Table(), Table()
    shelf = Shelf(table)
    for chunk in _chunks(deliveries, cuts):
        if data.draw(st.booleans()):  # a crash after a part of the records was stored, then a replay
            change = shelf.apply(PARTITION, chunk)
            kept = data.draw(st.sets(st.sampled_from(sorted(change.records)))) if change.records else set()
            table.put(kept)
            shelf = Shelf(table)
        table.put(shelf.apply(PARTITION, chunk).records)
    plain.put(Shelf(plain).apply(PARTITION, next(_chunks(history, []))).records)
    found, wanted = _books(table), _books(plain)
    assert {day: _content(book) for day, book in found.items()} == {
        day: _content(book) for day, book in wanted.items()
    }
    counts = {day: Counter({cell: n for cell, (n, _) in book.cells.items()}) for day, book in found.items()}
    assert {day: cells for day, cells in counts.items() if cells} == _reference(history)


@settings(max_examples=50, deadline=None)
@given(history=_histories())
def test_every_event_has_its_place_in_one_book(history: list[SequencedEvent]) -> None:
    table = Table()
    change = Shelf(table).apply(PARTITION, next(_chunks(history, [])))
    table.put(change.records)
    sync = records.decode_sync(table[records.sync_key(WARD)])
    assert change.counted == len(history)
    assert sync.events() == len(history) == sum(book.events() for book in _books(table).values())
    assert intervals.contiguous(sync.seqs["test"]) == len(history)


def test_a_reused_seq_with_another_day_counts_only_once() -> None:
    first, second = status(1), status(1, at=START + timedelta(days=1))
    table = Table()
    for chunk in _chunks([first, second], [1]):
        table.put(Shelf(table).apply(PARTITION, chunk).records)
    assert list(_books(table)) == ["2025-07-01"]


def test_a_sync_record_that_runs_ahead_of_its_books_hides_no_event() -> None:
    """A stopped and woken worker may write its records out of turn: the books alone decide."""
    table, ahead = Table(), Table()
    ahead.put(Shelf(ahead).apply(PARTITION, next(_chunks([status(1), status(2)], []))).records)
    table[records.sync_key(WARD)] = ahead[records.sync_key(WARD)]
    change = Shelf(table).apply(PARTITION, next(_chunks([status(1), status(2)], [])))
    assert change.counted == 2


def test_a_rejected_message_counts_once_for_its_ward_and_stops_nothing() -> None:
    table = Table()
    messages = [
        Message(b"\xff", WARD.encode(), 0, ARRIVED_MS),
        Message(None, None, 1, ARRIVED_MS),
        Message(encode(status(1)), WARD.encode(), 2, ARRIVED_MS),
    ]
    for _ in range(2):
        change = Shelf(table).apply(PARTITION, messages)
        table.put(change.records)
        assert change.rejected == 2
    assert records.decode_sync(table[records.sync_key(WARD)]).rejected == 1
    assert sum(book.events() for book in _books(table).values()) == 1


def test_a_closing_of_the_day_keeps_the_newest_totals() -> None:
    early, late = (
        closing(1, {Status.RECEIVED: 3}),
        closing(2, {Status.RECEIVED: 4}, at=START + timedelta(hours=1)),
    )
    for order in ([early, late], [late, early]):
        table = Table()
        table.put(Shelf(table).apply(PARTITION, next(_chunks(list(order), []))).records)
        declared = _books(table)["2025-07-01"].declared
        assert declared is not None
        assert declared.counts == {2: 4}
    assert isinstance(early, DayClosedEvent)
