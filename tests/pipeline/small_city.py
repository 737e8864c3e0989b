"""A few wards over some months, raw and in books with every revision, as worker and loader leave them."""

from __future__ import annotations

from datetime import datetime, timedelta

from producers.contract.codec import encode
from producers.contract.envelope import SequencedEvent
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Channel, Status
from producers.contract.wards import WARDS
from streams.domain import records
from streams.domain.book import Book, day_of
from streams.warehouse import rows, tables
from streams.warehouse.block import Block, Span
from streams.warehouse.rows import Row
from streams.warehouse.store import Store
from tests.builders import START, closing, retraction, status
from tests.pipeline.warehouse import insert

CODES = tuple(list(WARDS)[:3])
CUT_ZERO_MS = 1_735_664_400_000


def ms(at: datetime) -> int:
    """Milliseconds of an instant."""
    return int(at.timestamp() * 1000)


def cut_of(at: datetime) -> int:
    """The number of the cut of an instant."""
    return (ms(at) - CUT_ZERO_MS) // 10_000


class SmallCity:
    """Takes events, each with an arrival of its own; `flush` stores them."""

    def __init__(self, store: Store) -> None:
        self._store, self._offset = store, 0
        self._block, self._books = Block(), list[Row]()
        self._known: set[tuple[str, str, int]] = set()
        self._shelf: dict[tuple[str, str], Book] = {}
        self._seqs = dict.fromkeys(WARDS, 0)

    def next_seq(self, ward: str) -> int:
        """The ward's next number."""
        self._seqs[ward] += 1
        return self._seqs[ward]

    def take(
        self, event: SequencedEvent, after: timedelta = timedelta(minutes=1), *, raw: bool = True
    ) -> None:
        """An event that arrives a while after it happened; `raw` False: the loader lost its row."""
        ward, arrived_ms = event.data.ward, ms(event.time + after)
        self._offset += 1
        if raw:
            span = Span("t1", "dossier.events", PARTITION_OF_WARD[ward], 0, -1)
            self._block.take_event(span, encode(event), ward.encode(), self._offset, arrived_ms)
        identity = (ward, event.data.epoch, event.data.seq)
        if identity not in self._known:
            self._known.add(identity)
            day = day_of(event, event.time.timestamp())
            book = self._shelf.setdefault((ward, day), Book(ward, day))
            book.apply(event, arrived_ms)
            self._books.append(rows.book_row(records.encode(book)))

    def flush(self) -> None:
        """Store what was taken."""
        assert not self._block.rejects
        insert(self._store, tables.EVENTS, self._block.events)
        insert(self._store, tables.BOOK, self._books)
        self._block, self._books = Block(), []

    def work(self, first: datetime = START, days: int = 75, wards: tuple[str, ...] = CODES) -> None:
        """Each day each ward takes a dossier, ends one of three days before, and closes the day."""
        for number in range(days):
            for ward in wards:
                self._day(ward, first + timedelta(days=number), number)
        self.flush()

    def _day(self, ward: str, at: datetime, number: int) -> None:
        channel = Channel.ONLINE if number % 3 else Channel.COUNTER
        dossier, due = f"H26.{ward}-{at:%y%m%d}-0001", at + timedelta(days=2 + number % 3)
        self.take(
            status(
                self.next_seq(ward),
                ward=ward,
                at=at,
                dossier=dossier,
                channel=channel,
                received_at=at,
                due_at=due,
            )
        )
        began = at - timedelta(days=3)
        if number >= 3:
            self.take(self._end(ward, at, began, channel))
        if number % 7 == 6:
            wrong = status(
                self.next_seq(ward),
                ward=ward,
                at=at + timedelta(hours=1),
                dossier=f"H26.{ward}-{at:%y%m%d}-0002",
            )
            self.take(wrong)
            self.take(retraction(self.next_seq(ward), wrong, at=at + timedelta(days=2)))
        seq = self.next_seq(ward)
        self.take(closing(seq, {Status.RECEIVED: 1}, ward=ward, at=at + timedelta(hours=9)))

    def _end(self, ward: str, at: datetime, began: datetime, channel: Channel) -> SequencedEvent:
        return status(
            self.next_seq(ward),
            ward=ward,
            at=at + timedelta(hours=2),
            dossier=f"H26.{ward}-{began:%y%m%d}-0001",
            channel=channel,
            status=Status.DONE,
            received_at=began,
            due_at=began + timedelta(days=2),
            finished_at=at + timedelta(hours=2),
        )
