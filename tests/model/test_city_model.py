"""Goal: whatever happens between a ward's outbox and the books, in any order, what comes to rest is exact.

Method: a state machine (hypothesis) does what wards, brokers, workers and operators do, in any order: emit,
send with and without the acknowledgement, repeat, come late, retract, close, crash half-way, move a
partition, wake a stopped worker, begin again from offset 0, lose the tail of Kafka's log, compact the
changelog. The parts are the real ones (outbox, codec, shelf, the worker's records); Kafka is two lists,
ClickHouse the highest version of each key. At every step each book must be what its own set of events adds
up to; in the end, after the city has asked for what is missing and has compared its books with the raw
rows, as it does by itself, the books must be those of `reference`.

Assumed: a worker that was stopped does not wake after Kafka has lost the tail of its log.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from producers.contract.codec import admit, encode
from producers.contract.envelope import (
    DayClosedEvent,
    HeartbeatEvent,
    RetractedEvent,
    SequencedEvent,
    StatusChangedEvent,
    wrap_heartbeat,
)
from producers.contract.errors import Reject
from producers.contract.events import DayClosed, Heartbeat, Retracted
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Channel, Status
from producers.outbox.outbox import Draft, Outbox
from streams.book_records import BookRecords
from streams.domain import intervals, records
from streams.domain.book import Book
from streams.domain.shelf import Message, Shelf
from streams.domain.sync import WardSync
from tests.builders import START, WARD, status
from tests.model import reference

PARTITION: Final = PARTITION_OF_WARD[WARD]
WARDS: Final = sorted(code for code, number in PARTITION_OF_WARD.items() if number == PARTITION)[:2]
ARRIVED_MS: Final = int(START.timestamp() * 1000) + 40 * 86_400_000
_TRIES: Final = 6
Identity = tuple[str, str, int]


@dataclass
class Worker:
    """One life of a worker: what it has recovered, and how far it has read."""

    records: BookRecords
    position: int
    shelf: Shelf = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.records)

    def take(self, log: list[Message], size: int) -> list[tuple[bytes, bytes]]:
        """The records that the next chunk changes; nothing is kept yet."""
        chunk = [one._replace(offset=at) for at, one in enumerate(log)][self.position : self.position + size]
        self.position += len(chunk)
        return self.shelf.apply(PARTITION, chunk).records

    def keep(self, changed: Iterable[tuple[bytes, bytes]]) -> None:
        for key, value in changed:
            self.records.put(key, value)


class City(RuleBasedStateMachine):
    """Two wards of one partition, their outbox, the log, one worker and those that were stopped."""

    @initialize(kafka_keeps_all=st.booleans())
    def begin(self, kafka_keeps_all: bool) -> None:
        self.kafka_keeps_all = kafka_keeps_all
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.outbox = Outbox(self.folder / "outbox.db", "e1")
        self.emitted: dict[Identity, SequencedEvent] = {}
        self.log: list[Message] = []
        self.raw: dict[Identity, SequencedEvent] = {}
        self.changelog: list[tuple[bytes, bytes]] = []
        self.warehouse: dict[bytes, bytes] = {}
        self.committed = 0
        self.beats = 0
        self.worker = self.recovered()
        self.stopped: list[Worker] = []

    def teardown(self) -> None:
        if hasattr(self, "outbox"):
            try:
                self.comes_to_rest()
            finally:
                self.outbox.close()
                shutil.rmtree(self.folder)

    # What wards do.

    @rule(
        ward=st.sampled_from(WARDS),
        hours=st.lists(st.integers(0, 71), min_size=1, max_size=5),
        data=st.data(),
    )
    def emit(self, ward: str, hours: list[int], data: st.DataObject) -> None:
        for hour in hours:
            self.emit_one(ward, hour, data)

    def emit_one(self, ward: str, hour: int, data: st.DataObject) -> None:
        at, done = START + timedelta(hours=hour), data.draw(st.booleans())
        kind = Status.DONE if done else data.draw(st.sampled_from([Status.RECEIVED, Status.PROCESSING]))
        channel = data.draw(st.sampled_from(list(Channel)))
        finished = at if done else None
        drawn = status(1, ward=ward, at=at, channel=channel, status=kind, finished_at=finished)
        self.append(ward, Draft(StatusChangedEvent, drawn.data, at))

    @precondition(lambda self: any(isinstance(one, StatusChangedEvent) for one in self.emitted.values()))
    @rule(data=st.data())
    def retract(self, data: st.DataObject) -> None:
        steps = [one for one in self.emitted.values() if isinstance(one, StatusChangedEvent)]
        of = data.draw(st.sampled_from(steps))
        payload = Retracted(ward=of.data.ward, epoch="e1", seq=1, of=of.data, of_time=of.time, reason="wrong")
        self.append(of.data.ward, Draft(RetractedEvent, payload, START + timedelta(days=3)))

    @rule(ward=st.sampled_from(WARDS), days=st.integers(0, 2), received=st.integers(0, 9))
    def close_day(self, ward: str, days: int, received: int) -> None:
        at = START + timedelta(days=days, hours=9)
        counts = {Status.RECEIVED: received}
        payload = DayClosed(
            ward=ward, epoch="e1", seq=1, day=at.date(), counts=counts, first_seq=1, last_seq=1
        )
        self.append(ward, Draft(DayClosedEvent, payload, at))

    def append(self, ward: str, draft: Draft) -> None:
        """Durable in the outbox: from here on the event must be counted."""
        for seq in self.outbox.append(ward, [draft]):
            (stored,) = self.outbox.kept(ward, range(seq, seq + 1))
            event = self.admitted(stored.value, ward)
            assert not isinstance(event, HeartbeatEvent)
            self.emitted[ward, "e1", seq] = event

    @rule(size=st.integers(1, 12), shuffle=st.booleans(), acknowledged=st.booleans(), seed=st.integers(0, 99))
    def send(self, size: int, shuffle: bool, acknowledged: bool, seed: int) -> None:
        """Unacknowledged: killed between Kafka's answer and the mark, so all of it is sent again."""
        waiting = self.outbox.pending(size)
        order = random.Random(seed).sample(waiting, len(waiting)) if shuffle else waiting
        self.arrive((one.ward, one.value) for one in order)
        if acknowledged:
            self.outbox.acknowledge({one.ward: one.seq for one in waiting})

    @rule(ward=st.sampled_from(WARDS))
    def beat(self, ward: str) -> None:
        self.beats += 1
        clock = START + timedelta(days=30, seconds=self.beats)
        here = self.outbox.ward(ward)
        data = Heartbeat(
            ward=ward, epoch="e1", last_seq=here.sent_seq, outbox_pending=here.pending, clock=clock
        )
        self.arrive([(ward, encode(wrap_heartbeat(data)))])

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.log))
        assert one.key is not None
        assert one.value is not None
        self.arrive([(one.key.decode(), one.value)])

    @rule(value=st.binary(max_size=12))
    def poison(self, value: bytes) -> None:
        self.arrive([(WARD, value)])

    def arrive(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """In Kafka; and in ClickHouse as a raw row, for the loader reads the same log on its own."""
        for ward, value in messages:
            at = ARRIVED_MS + 700 * len(self.log)
            self.log.append(Message(value, ward.encode(), len(self.log), at))
            event = self.admitted(value, ward)
            if event is not None and not isinstance(event, HeartbeatEvent):
                self.raw.setdefault((ward, event.data.epoch, event.data.seq), event)

    def admitted(self, value: bytes, ward: str) -> Any:
        try:
            return admit(value, ward.encode(), PARTITION, ARRIVED_MS / 1000)[0]
        except Reject:
            return None

    # What happens to workers.

    def recovered(self) -> Worker:
        known = BookRecords()
        for key, value in self.changelog:
            known.put(key, value)
        return Worker(known, self.committed)

    @rule(size=st.integers(1, 15))
    def work(self, size: int) -> None:
        changed = self.worker.take(self.log, size)
        self.write(changed)
        self.worker.keep(changed)
        self.committed = self.worker.position

    @rule(size=st.integers(1, 15), part=st.floats(0, 1), wrote_all=st.booleans())
    def crash(self, size: int, part: float, wrote_all: bool) -> None:
        """kill -9 with some or all of the records in the changelog, and no offset committed."""
        changed = self.worker.take(self.log, size)
        self.write(changed if wrote_all else changed[: int(len(changed) * part)])
        self.worker = self.recovered()

    @rule()
    def move(self) -> None:
        """The partition goes to another worker; this one is stopped and knows nothing of it."""
        self.stopped = [*self.stopped[-1:], self.worker]
        self.worker = self.recovered()

    @precondition(lambda self: self.stopped)
    @rule(size=st.integers(1, 15))
    def wake(self, size: int) -> None:
        """A stopped worker writes what was on its way; its commit is refused."""
        self.write(self.stopped.pop().take(self.log, size))

    @rule(ward=st.sampled_from(WARDS), ahead=st.integers(2, 5), behind=st.integers(1, 4), data=st.data())
    def race(self, ward: str, ahead: int, behind: int, data: st.DataObject) -> None:
        """Two workers take the same news of a ward: what the stopped one writes is older, and comes last."""
        self.work(len(self.log))
        for _ in range(5):
            self.emit_one(ward, 1, data)
        self.send(100, False, True, 0)
        self.move()
        self.work(ahead)
        self.wake(behind)

    @rule()
    def begin_again(self) -> None:
        """The offsets are set to 0, by an operator or because they were lost."""
        self.committed = 0
        self.worker = self.recovered()

    def write(self, changed: Iterable[tuple[bytes, bytes]]) -> None:
        for key, value in changed:
            self.changelog.append((key, value))
            if records.newer(value, self.warehouse.get(key)):
                self.warehouse[key] = value

    # What happens to Kafka.

    @precondition(lambda self: self.log and not self.kafka_keeps_all)
    @rule(lost=st.integers(1, 6))
    def lose_tail(self, lost: int) -> None:
        """Power loss of a broker: acknowledged messages at the end are gone, offsets are used again."""
        del self.log[-lost:]
        self.stopped = []
        if self.committed > len(self.log):  # out of range: begin with the earliest
            self.begin_again()

    @precondition(lambda self: not self.kafka_keeps_all)
    @rule()
    def compact(self) -> None:
        """Kafka keeps the last record of each key, which need not be the one of the highest version."""
        self.changelog = list(dict(self.changelog).items())

    # What the city does by itself.

    @rule()
    def ask_for_what_is_missing(self) -> None:
        for ward in WARDS:
            known = self.sync(ward)
            held = known.seqs.get("e1", [])
            last = max(known.beat.last_seq if known.beat else 0, intervals.highest(held))
            missing = [seq for seq in range(1, last + 1) if not intervals.contains(held, seq)]
            for seq in missing:
                self.arrive((one.ward, one.value) for one in self.outbox.sent(ward, range(seq, seq + 1)))

    @rule()
    def compare_books_with_raw_rows(self) -> None:
        """Double entry: a book that differs from what ClickHouse has raw is sent again, event by event."""
        wanted = reference.books(self.raw.values())
        for (ward, _), event in [((one[0], one[2]), event) for one, event in list(self.raw.items())]:
            day = self.day_of(event)
            if self.cells(ward, day) != wanted.get((ward, day), {}):
                self.arrive([(ward, encode(event))])

    @staticmethod
    def day_of(event: SequencedEvent) -> str:
        moment = event.data.of_time if isinstance(event, RetractedEvent) else event.time
        return moment.date().isoformat()

    def cells(self, ward: str, day: str) -> dict[str, tuple[int, int]]:
        value = self.warehouse.get(records.book_key(ward, day))
        cells = records.decode_book(value).cells if value else {}
        return {cell: (count, minutes) for cell, (count, minutes) in cells.items()}

    def sync(self, ward: str) -> WardSync:
        value = self.worker.records.get(records.sync_key(ward))
        return records.decode_sync(value) if value else WardSync(ward)

    # What must hold.

    @invariant()
    def every_book_is_what_its_own_events_add_up_to(self) -> None:
        for book in self.stored_books():
            own = [event for identity, event in self.emitted.items() if self.holds(book, identity)]
            assert len(own) == book.events(), "a book holds what no ward emitted"
            wanted = reference.books(own).get((book.ward, book.day), {})
            assert {cell: (n, worked) for cell, (n, worked) in book.cells.items()} == wanted

    def stored_books(self) -> list[Book]:
        return [
            records.decode_book(value) for key, value in self.warehouse.items() if not records.is_sync(key)
        ]

    @staticmethod
    def holds(book: Book, identity: Identity) -> bool:
        ward, epoch, seq = identity
        return ward == book.ward and intervals.contains(book.seqs.get(epoch, []), seq)

    @precondition(lambda self: self.kafka_keeps_all)
    @rule()
    def all_is_read(self) -> None:
        """As long as Kafka keeps what it has acknowledged, no repair is needed: reading on is enough."""
        self.work(len(self.log) + 1)
        self.is_exact(self.raw)

    def comes_to_rest(self) -> None:
        """Faults end; everything is sent; the city asks and compares until nothing is left to do."""
        while waiting := self.outbox.pending(100):
            self.arrive((one.ward, one.value) for one in waiting)
            self.outbox.acknowledge({one.ward: one.seq for one in waiting})
        if self.kafka_keeps_all:
            self.all_is_read()
        for _ in range(_TRIES):
            for ward in WARDS:
                self.beat(ward)
            self.work(len(self.log) + 1)
            self.ask_for_what_is_missing()
            self.work(len(self.log) + 1)
            self.compare_books_with_raw_rows()
            self.work(len(self.log) + 1)
        assert set(self.raw) == set(self.emitted), "lost"
        self.is_exact(self.emitted)

    def is_exact(self, events: dict[Identity, SequencedEvent]) -> None:
        wanted = reference.books(events.values())
        found = {(book.ward, book.day): self.cells(book.ward, book.day) for book in self.stored_books()}
        assert {day: cells for day, cells in found.items() if cells} == wanted
        assert sum(book.events() for book in self.stored_books()) == len(events), "lost or counted twice"


City.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestCity: Final = City.TestCase
