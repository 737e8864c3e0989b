"""A small city whose every answer can be counted by hand, and the plain Python that counts it.

Three wards, the first fifteen days of July 2025 (Tuesday the 1st to Tuesday the 15th). On day d (0 is the
1st) ward number w takes 1 + (w + d) % 3 dossiers, the third ward none at the weekend. Dossier n of the city
has fate number n % 8. Then: one end is taken back, one seq is used again, three messages come two days late,
one message is no JSON, one seq never comes, and the first ward closes each of its days, once with a total
too high.

The events go through the worker's own rules (`Shelf`) into books, and as the loader puts them into raw rows.
The model below reads neither: it counts `Step`s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from producers.contract.codec import encode
from producers.contract.envelope import DifficultyReportedEvent, SequencedEvent, StatusChangedEvent, wrap
from producers.contract.events import Difficulty
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Channel, Status
from streams.domain.cut import BEGINNING_MS, GRID_MS
from streams.domain.shelf import Message, Shelf
from streams.warehouse import rows, tables
from streams.warehouse.block import Block, Span
from streams.warehouse.store import Store
from tests.builders import EPOCH, HANOI, closing, retraction, status
from tests.pipeline.warehouse import insert, insert_cut

WARDS: Final = ("00070", "00004", "00008")
FIRST: Final = date(2025, 7, 1)
DAYS: Final = 15
LAST: Final = FIRST + timedelta(days=DAYS - 1)
# The instant for which all is asked: the midnight after the last day.
AT: Final = datetime(2025, 7, 16, tzinfo=HANOI)
CUT: Final = (int(AT.timestamp() * 1000) - BEGINNING_MS) // GRID_MS
PROCEDURES: Final = (("2.000815", "chung-thuc"), ("1.004873", "ho-tich"), ("1.013979", "dat-dai"))
CHANNELS: Final = (Channel.ONLINE, Channel.COUNTER, Channel.ONLINE, Channel.POST)
HOUR: Final = timedelta(hours=1)
# What becomes of a dossier: (status, how long after its reception).
FATES: Final[tuple[tuple[tuple[Status, timedelta], ...], ...]] = (
    ((Status.PROCESSING, HOUR), (Status.DONE, 2 * HOUR), (Status.RETURNED, 3 * HOUR)),
    ((Status.DONE, timedelta(days=3)),),
    (
        (Status.SUPPLEMENT, HOUR),
        (Status.PROCESSING, timedelta(days=1)),
        (Status.DONE, timedelta(days=1, hours=2)),
    ),
    (),
    ((Status.WITHDRAWN, HOUR),),
    ((Status.STOPPED, HOUR),),
    ((Status.PROCESSING, HOUR),),
    ((Status.PAYMENT, HOUR),),
)
REFUSED: Final = 3
# Every dossier is due on the day after its reception: fate 1 is overdue, 2 on its day, 0 early.
DUE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Step:
    """A status change that counts."""

    ward: str
    dossier: str
    procedure: str
    field: str
    channel: str
    status: int
    at: datetime
    received_at: datetime
    due_at: datetime
    finished_at: datetime | None
    arrived: datetime
    digitised: bool
    paid_online: bool | None

    @property
    def day(self) -> date:
        return self.at.date()

    @property
    def timeliness(self) -> str:
        """By date, of a finished dossier."""
        if self.finished_at is None:
            return "open"
        finished, due = self.finished_at.date(), self.due_at.date()
        return "early" if finished < due else "on_time" if finished == due else "overdue"


@dataclass(slots=True)
class City:
    """All that was sent, and what of it counts."""

    sent: list[tuple[SequencedEvent | bytes, str, datetime]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def of(self, status: int, ward: str = "") -> list[Step]:
        """The steps to a status."""
        return [one for one in self.steps if one.status == status and ward in ("", one.ward)]

    def dossiers(self) -> Iterator[list[Step]]:
        """Each dossier's steps in time."""
        names = sorted({one.dossier for one in self.steps})
        for name in names:
            yield sorted((one for one in self.steps if one.dossier == name), key=lambda one: one.at)

    def backlog(self) -> list[Step]:
        """The newest step of each dossier that was received and has not ended."""
        return [
            steps[-1]
            for steps in self.dossiers()
            if not any(one.status in (3, 7, 8, 9, 10) for one in steps)
            and any(one.status >= 2 for one in steps)
        ]


def build() -> City:
    """The city of the module's docstring."""
    city, seqs, number = City(), dict.fromkeys(WARDS, 0), 0
    ended: list[StatusChangedEvent] = []
    for day in range(DAYS):
        for place, ward in enumerate(WARDS):
            if place == 2 and (FIRST + timedelta(days=day)).weekday() >= 5:
                continue
            for _ in range(1 + (place + day) % 3):
                ended += _dossier(city, seqs, ward, day, number)
                number += 1
    _trouble(city, seqs, ended)
    return city


def _dossier(city: City, seqs: dict[str, int], ward: str, day: int, number: int) -> list[StatusChangedEvent]:
    received = datetime.combine(FIRST + timedelta(days=day), datetime.min.time(), HANOI)
    received += timedelta(hours=8 + number % 3, minutes=number % 50)
    fate, first = FATES[number % 8], Status.NOT_ACCEPTED if number % 8 == REFUSED else Status.RECEIVED
    done: list[StatusChangedEvent] = []
    for to, after in ((first, timedelta()), *fate):
        at = received + after
        if at >= AT:
            break
        seqs[ward] += 1
        event = _event(seqs[ward], ward, number, to, at, received)
        # Three messages of the second ward's fourth day come two days late.
        late = timedelta(days=2) if ward == WARDS[1] and day == 3 and len(done) < 3 else timedelta(minutes=1)
        city.sent.append((event, ward, at + late))
        city.steps.append(_step(event, at + late))
        done.append(event)
    return [one for one in done if one.data.status == Status.DONE]


def _event(
    seq: int, ward: str, number: int, to: Status, at: datetime, received: datetime
) -> StatusChangedEvent:
    procedure, of_field = PROCEDURES[number % 3]
    return status(
        seq,
        at=at,
        ward=ward,
        dossier=f"H26.{ward}-{received:%y%m%d}-{number:04d}",
        procedure=procedure,
        field=of_field,
        channel=CHANNELS[number % 4],
        status=to,
        received_at=received,
        due_at=received + DUE,
        finished_at=at if to in (Status.DONE, Status.RETURNED) else None,
        digitised=number % 5 != 0,
        paid_online=(None, True, False)[number % 3],
    )


def _step(event: StatusChangedEvent, arrived: datetime) -> Step:
    data = event.data
    assert data.due_at is not None
    return Step(
        *(data.ward, data.dossier, data.procedure, data.field, data.channel.value, int(data.status)),
        *(event.time, data.received_at, data.due_at, data.finished_at, arrived),
        *(bool(data.digitised), data.paid_online),
    )


def _trouble(city: City, seqs: dict[str, int], ended: list[StatusChangedEvent]) -> None:
    one, two, three = WARDS
    taken = next(event for event in ended if event.data.ward == one)
    seqs[one] += 1
    noon = taken.time + 4 * HOUR
    city.sent.append((retraction(seqs[one], taken, at=noon), one, noon))
    city.steps = [
        step
        for step in city.steps
        if (step.dossier, step.status) != (taken.data.dossier, int(taken.data.status))
    ]
    # The second ward's first seq again, with another content, later: the first arrival counts.
    again = _event(1, two, 900, Status.RECEIVED, AT - 30 * HOUR, AT - 30 * HOUR)
    city.sent.append((again, two, AT - 29 * HOUR))
    city.sent.append((b"{", three, AT - 28 * HOUR))
    # The third ward's next seq never comes, the one after it does: a difficulty.
    seqs[three] += 2
    difficulty = Difficulty(
        ward=three, epoch=EPOCH, seq=seqs[three], difficulty="D1", group=7, code="nhan-su"
    )
    city.sent.append((wrap(DifficultyReportedEvent, difficulty, AT - 27 * HOUR), three, AT - 27 * HOUR))
    for day in range(DAYS):
        _close(city, seqs, one, FIRST + timedelta(days=day))


def _close(city: City, seqs: dict[str, int], ward: str, day: date) -> None:
    """The ward's totals of a day, in the evening; on the 8th it says one reception too many."""
    counts: dict[Status, int] = {}
    for step in city.steps:
        if (step.ward, step.day) == (ward, day):
            counts[Status(step.status)] = counts.get(Status(step.status), 0) + 1
    if day == date(2025, 7, 8):
        counts[Status.RECEIVED] = counts.get(Status.RECEIVED, 0) + 1
    seqs[ward] += 1
    at = datetime.combine(day, datetime.min.time(), HANOI) + 18 * HOUR
    city.sent.append((closing(seqs[ward], counts, ward=ward, at=at), ward, at))


def load(city: City, store: Store) -> None:
    """Raw rows as the loader makes them, books as the worker does, a cut, and what the monitor judged."""
    block, offsets = Block(), dict.fromkeys(range(32), -1)
    messages: dict[int, list[Message]] = {}
    for event, ward, arrived in sorted(city.sent, key=lambda one: one[2]):
        partition = PARTITION_OF_WARD[ward]
        offsets[partition] += 1
        value = event if isinstance(event, bytes) else encode(event)
        arrived_ms = int(arrived.timestamp() * 1000)
        span = Span("t1", "dossier.events", partition, 0, -1)
        block.take_event(span, value, ward.encode(), offsets[partition], arrived_ms)
        message = Message(value, ward.encode(), offsets[partition], arrived_ms)
        messages.setdefault(partition, []).append(message)
    insert(store, tables.EVENTS, block.events)
    insert(store, tables.REJECTS, block.rejects)
    _books(store, messages)
    insert_cut(store, CUT)
    _judged(store)


def _books(store: Store, messages: dict[int, list[Message]]) -> None:
    newest: dict[bytes, bytes] = {}
    for partition, some in messages.items():
        newest.update(Shelf(_Empty()).apply(partition, some).records)
    books = [rows.book_row(value) for key, value in newest.items() if not key.endswith(b"|sync")]
    insert(store, tables.BOOK, books)
    syncs = [rows.sync_row(value) for key, value in newest.items() if key.endswith(b"|sync")]
    insert(store, tables.WARD_SYNC, syncs)


class _Empty:
    """A worker's table with nothing in it yet."""

    def get(self, _: bytes, /) -> bytes | None:
        return None

    def books_of(self, _: str, /) -> Iterable[bytes]:
        return ()


def _judged(store: Store) -> None:
    """The second ward is silent since the 14th; the third has one event missing."""
    since = AT - 30 * HOUR
    judged: list[dict[str, Any]] = [
        {"ward": WARDS[0], "alive": "active", "status": "good", "missing": 0, "holes": ()},
        {"ward": WARDS[1], "alive": "silent", "status": "bad", "missing": 0, "holes": ()},
        {"ward": WARDS[2], "alive": "active", "status": "attention", "missing": 1, "holes": (_hole(),)},
    ]
    events = {ward: sum(1 for _, of, _ in build().sent if of == ward) for ward in WARDS}
    for table, cut in (("ward_state", 0), ("ward_states", CUT)):
        columns: dict[str, tuple[str, list[Any]]] = {
            "ward": ("String", [one["ward"] for one in judged]),
            "cut": ("UInt64", [cut] * 3),
            "at": ("DateTime64(3)", [int(AT.timestamp() * 1000)] * 3),
            "judged_at": ("DateTime64(3)", [int(AT.timestamp() * 1000)] * 3),
            "since": ("DateTime64(3)", [int(since.timestamp() * 1000)] * 3),
            "alive": ("String", [one["alive"] for one in judged]),
            "status": ("String", [one["status"] for one in judged]),
            "missing": ("UInt64", [one["missing"] for one in judged]),
            "events": ("UInt64", [events[one["ward"]] for one in judged]),
            "hole_epoch": ("Array(String)", [[EPOCH] * len(one["holes"]) for one in judged]),
            "hole_first": ("Array(UInt64)", [list(one["holes"]) for one in judged]),
            "hole_last": ("Array(UInt64)", [list(one["holes"]) for one in judged]),
            "hole_since": (
                "Array(DateTime64(3))",
                [[int(since.timestamp() * 1000)] * len(one["holes"]) for one in judged],
            ),
        }
        names, kinds = list(columns), [kind for kind, _ in columns.values()]
        store.insert(table, names, kinds, [values for _, values in columns.values()])


def _hole() -> int:
    """The seq of the third ward that never came."""
    seqs = [
        event.data.seq for event, ward, _ in build().sent if ward == WARDS[2] and not isinstance(event, bytes)
    ]
    return max(seqs) - 1
