"""Goal: a book made of stored rows is the book that the worker made of the events themselves.

Method: random events of a ward with times finer than a millisecond, retractions, repetitions and reused seqs;
each becomes the row that the loader stores. The rows, of each seq the first, are counted by the rebuild; the
events, in their order, by the shelf. Rows above the worker's place count only if its book holds them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from producers.contract.codec import encode, seconds_of
from producers.contract.envelope import SequencedEvent, StatusChangedEvent
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Status
from streams.domain import records
from streams.domain.book import Book
from streams.domain.cut import GRID_MS
from streams.domain.shelf import Message, Shelf
from streams.rebuild.build import Builder
from streams.rebuild.rows import NONE, Raw
from streams.warehouse import tables
from streams.warehouse.rows import event_row
from tests.builders import HANOI, WARD, closing, retraction, status

_BEGIN_MS = 1_760_000_000_000
_START = datetime(2025, 7, 1, 7, 59, 59, tzinfo=HANOI)
# Around full minutes and days, to the microsecond: there a rounded moment says something else.
_moments = st.builds(
    lambda days, minutes, micros: _START + timedelta(days=days, minutes=minutes, microseconds=micros),
    st.integers(0, 3),
    st.integers(0, 600),
    st.sampled_from((0, 1, 499, 500, 999_400, 999_500, 999_999, 1_000_000)),
)


@st.composite
def _events(draw: st.DrawFn) -> list[SequencedEvent]:
    found: list[SequencedEvent] = []
    for seq in range(1, draw(st.integers(1, 12))):
        kind, at = draw(st.integers(0, 9)), draw(_moments)
        steps = [one for one in found if isinstance(one, StatusChangedEvent)]
        if kind == 0 and steps:
            found.append(retraction(seq, draw(st.sampled_from(steps)), at=at))
        elif kind == 1:
            found.append(closing(seq, {Status.RECEIVED: seq}, at=at))
        else:
            done = draw(st.booleans())
            number = seq if kind > 2 else draw(st.integers(1, seq))  # a seq used again
            found.append(_step(number, at, draw(_moments), done))
    return found


def _step(seq: int, at: datetime, received: datetime, done: bool) -> SequencedEvent:
    return status(
        seq,
        at=at,
        received_at=received,
        status=Status.DONE if done else Status.RECEIVED,
        finished_at=at if done else None,
        due_at=received + timedelta(days=1),
    )


class _Table:
    def __init__(self) -> None:
        self.by_key: dict[bytes, bytes] = {}

    def get(self, key: bytes, /) -> bytes | None:
        return self.by_key.get(key)

    def books_of(self, _: str, /) -> list[bytes]:
        return [value for key, value in self.by_key.items() if not records.is_sync(key)]


def _counted(events: list[SequencedEvent], arrived: list[int]) -> tuple[dict[str, Book], list[bytes]]:
    """The worker's books, and every record that it wrote."""
    table, written = _Table(), []
    shelf = Shelf(table)
    messages = [
        Message(encode(event), WARD.encode(), offset, arrived[offset]) for offset, event in enumerate(events)
    ]
    for key, value in shelf.apply(PARTITION_OF_WARD[WARD], messages).records:
        table.by_key[key] = value
        if not records.is_sync(key):
            written.append(value)
    return {book.day: book for book in map(records.decode_book, table.books_of(WARD))}, written


def _raw(event: SequencedEvent, arrived_ms: int, ahead: bool) -> Raw:
    row = dict(
        zip(
            tables.EVENTS.columns,
            event_row(event, seconds_of(event.time), arrived_ms, ("t", 0, 0)),
            strict=True,
        )
    )
    step = bool(row["status"]) and not row["of_seq"]
    words = f"{row['field']}|{row['channel']}|{row['status']}" if step else ""
    received, due, finished = (
        NONE if row[name] is None else row[name] for name in ("received_at", "due_at", "finished_at")
    )
    return Raw(
        row["epoch"], row["seq"], row["book_day"], row["occurred_at"], arrived_ms, words,
        received, due, finished, row["timeliness"], row["minutes"], row["body"], int(ahead), WARD,
    )  # fmt: skip


def _firsts(rows: list[Raw]) -> list[Any]:
    found: dict[int, Raw] = {}
    for row in rows:
        found.setdefault(row.seq, row)
    return [found[seq] for seq in sorted(found)]


@given(_events(), st.integers(0, 12), st.integers(0, 12))
def test_books_of_rows_are_those_of_the_events_themselves(
    events: list[SequencedEvent], reached: int, counted: int
) -> None:
    arrived = [_BEGIN_MS + offset * 4_000 for offset in range(len(events))]
    place, until = min(reached, len(events)), max(min(reached, len(events)), min(counted, len(events)))
    # The worker's place is `reached`; its books hold what came until `counted` as well.
    kept, written = _counted(events[:until], arrived)
    rows = _firsts([_raw(event, arrived[n], n >= place) for n, event in enumerate(events)])
    base_ms = _BEGIN_MS + GRID_MS
    built = Builder(WARD, kept, base_ms).build(rows)
    assert {day: one.book for day, one in built.items()} == kept
    assert not any(one.recounted for one in built.values())
    # What a later cut would find: the newest record up to each instant of the grid.
    for instant in range(base_ms, _BEGIN_MS + 60_000, GRID_MS):
        for day, one in built.items():
            mine = [*map(records.decode_book, one.before), one.book]
            assert _at(mine, instant) == _at(
                [b for b in map(records.decode_book, written) if b.day == day], instant
            )


def _at(books: list[Book], instant_ms: int) -> Book | None:
    return max(
        (one for one in books if one.arrived_ms <= instant_ms), key=lambda one: one.revision, default=None
    )
