"""One ward with a history, for the ward's page: its events, books, states and cuts.

The events are the simulator's, put into the tables as the loader does; what the monitor would have judged is
written as its rows: a silent hour last night, a hole this morning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final

from producers.contract.codec import encode
from producers.contract.envelope import (
    DifficultyAssignedEvent,
    DifficultyEvent,
    DifficultyReportedEvent,
    DifficultyResolvedEvent,
    SequencedEvent,
    wrap,
)
from producers.contract.events import Difficulty
from producers.contract.topics import PARTITION_OF_WARD
from producers.simulator.city import ward_events
from producers.simulator.profile import Profile
from streams.domain import records
from streams.domain.book import Book, day_of
from streams.warehouse import tables
from streams.warehouse.block import Block, Span
from streams.warehouse.rows import book_row
from streams.warehouse.store import Store

HANOI: Final = timezone(timedelta(hours=7))
WARD: Final = "00070"
DAYS: Final = 24
GRID_MS: Final = 10_000
BEGINNING_MS: Final = 1_735_664_400_000


@dataclass
class Story:
    """Fills a migrated database. `at` is the newest cut's instant, on the grid of ten seconds."""

    store: Store
    at: datetime = field(default_factory=lambda: _on_grid(datetime.now(UTC) - timedelta(seconds=20)))
    _offset: int = 0
    _books: dict[tuple[str, str], Book] = field(default_factory=dict)

    @property
    def cut(self) -> int:
        """The newest cut's number."""
        return number_of(self.at)

    @property
    def last_day(self) -> date:
        """The last whole day before the newest cut."""
        return self.at.astimezone(HANOI).date() - timedelta(days=1)

    def tell(self, wards: Iterable[str] = (WARD,), dossiers: int = 500) -> None:
        """All of it."""
        for ward in wards:
            self.events(ward, dossiers)
            self.difficulties(ward)
            self.states(ward)
        self.cuts(self.at - timedelta(seconds=10), self.at)

    def events(self, ward: str, dossiers: int) -> None:
        """`DAYS` days of a ward's events, and the books that a worker makes of them."""
        first = self.last_day - timedelta(days=DAYS - 1)
        profile = Profile("story", first, self.last_day, dossiers, wards=(ward,))
        self.put(event for event in ward_events(profile, ward) if event.time < self.at - timedelta(minutes=5))

    def put(self, events: Iterable[SequencedEvent], offset: int = 0, delay_ms: int = 2000) -> None:
        """Events into the raw tables and into books; each arrives `delay_ms` after it happened."""
        self._offset += offset
        block = Block()
        changed: dict[tuple[str, str], Book] = {}
        for event in events:
            ward, at_ms = event.data.ward, int(event.time.timestamp() * 1000) + delay_ms
            span = Span("t1", "dossier.events", PARTITION_OF_WARD[ward], 0, -1)
            self._offset += 1
            block.take_event(span, encode(event), ward.encode(), self._offset, at_ms)
            where = ward, day_of(event, event.time.timestamp())
            changed[where] = self._books.setdefault(where, Book(*where))
            changed[where].apply(event, at_ms)
        assert not block.rejects, block.rejects[0]
        insert(self.store, tables.EVENTS, block.events)
        insert(self.store, tables.BOOK, [book_row(records.encode(book)) for book in changed.values()])

    def difficulties(self, ward: str, epoch: str = "vm") -> None:
        """Four difficulties: one resolved, one overdue, one open with an owner, one without."""
        made: list[tuple[type[DifficultyEvent], str, int, str, int | None, int]] = []
        for number, (group, owner, age, due, resolved) in enumerate(_DIFFICULTIES, start=1):
            code = f"VM-{ward}-{number:03d}"
            made.append((DifficultyReportedEvent, code, group, "", None, age))
            if owner:
                made.append((DifficultyAssignedEvent, code, group, owner, due, age - 1))
            if resolved:
                made.append((DifficultyResolvedEvent, code, group, owner, None, 1))
        events: list[SequencedEvent] = []
        for seq, (kind, code, group, owner, due, age) in enumerate(made, start=1):
            known: dict[str, Any] = {"ward": ward, "epoch": epoch, "seq": seq, "difficulty": code}
            moment = self.at - timedelta(days=age, minutes=30)
            until = None if due is None else self.at + timedelta(days=due)
            data = Difficulty(group=group, owner=owner or None, due=until, **known)
            events.append(wrap(kind, data, moment))
        self.put(events)

    def states(self, ward: str) -> None:
        """Twenty-five hours of judgements, one a minute, and the newest one."""
        minutes = range(25 * 60, -1, -1)
        made = [self.state(ward, self.at - timedelta(minutes=minute), minute) for minute in minutes]
        insert_dicts(self.store, "ward_states", made)
        insert_dicts(self.store, "ward_state", made[-1:])

    def state(self, ward: str, at: datetime, minute: int) -> dict[str, Any]:
        """One judgement, `minute` minutes ago: silent from 15 to 14 hours ago, a hole in the last three."""
        silent, hole = 14 * 60 <= minute < 15 * 60, minute < 180
        began = self.at - timedelta(minutes=15 * 60 - 1 if silent else 179 if hole else 25 * 60)
        if not silent and not hole and minute < 14 * 60:
            began = self.at - timedelta(minutes=14 * 60 - 1)
        status, reason = ("bad", "silent") if silent else ("bad", "missing") if hole else ("good", "quiet")
        vi, en = _REASONS[reason]
        heard = self.at - timedelta(minutes=15 * 60) if silent else at - timedelta(seconds=20)
        return {
            "ward": ward,
            "cut": number_of(at),
            "at": at,
            "alive": "silent" if silent else "quiet",
            "complete": "missing" if hole else "complete",
            "reconciled": "matched",
            "status": status,
            "reason": reason,
            "reason_vi": vi,
            "reason_en": en,
            "since": began,
            "covered": status == "good",
            "complete_at": at,
            "office_open": False,
            "skew_ms": 140,
            "delay_ms_p50": 210,
            "delay_ms_p99": 1800,
            "events": 4000 - minute,
            "missing": 3 if hole else 0,
            "contiguous": 3990 if hole else 4000 - minute,
            "highest": 4003 - minute,
            "epoch": "story-s1",
            "pending": 0,
            "heartbeat_at": heard,
            "heard_at": heard,
            "event_at": self.at - timedelta(hours=16),
            "arrived_at": self.at - timedelta(hours=16),
            "hole_epoch": ["story-s1"] if hole else [],
            "hole_first": [3991] if hole else [],
            "hole_last": [3993] if hole else [],
            "hole_since": [began] if hole else [],
            "judged_at": at + timedelta(seconds=3),
        }

    def cuts(self, *instants: datetime) -> None:
        """Cuts as the monitor publishes them."""
        made = [
            {
                "number": number_of(at),
                "at": at,
                "complete_at": at,
                "published_at": at + timedelta(seconds=3),
                "wards_total": 126,
                "covered": 124,
            }
            for at in instants
        ]
        insert_dicts(self.store, "city_cut", made)


def number_of(at: datetime) -> int:
    """The number of the cut at an instant."""
    return (int(at.timestamp() * 1000) - BEGINNING_MS) // GRID_MS


def insert(store: Store, table: tables.Table, rows: list[Any]) -> None:
    """Insert rows as the loader does."""
    if rows:
        store.insert(table.name, table.columns, table.types, list(zip(*rows, strict=True)))


def insert_dicts(store: Store, table: str, rows: list[dict[str, Any]]) -> None:
    """Insert rows of which only some columns are given."""
    names = tuple(rows[0])
    of = "FROM system.columns WHERE database = currentDatabase() AND table = {table:String}"
    found = store.query(f"SELECT name, type {of}", {"table": table}).rows
    known: dict[str, str] = dict(found)
    columns = [[row[name] for row in rows] for name in names]
    store.insert(table, names, [known[name] for name in names], columns)


def _on_grid(moment: datetime) -> datetime:
    return datetime.fromtimestamp(int(moment.timestamp()) // 10 * 10, UTC)


# Group, owner, age in days, due in days from now, resolved.
_DIFFICULTIES: Final = (
    (3, "so-thu-a", 12, -4, False),
    (3, "", 5, None, False),
    (11, "bo-thu-b", 3, 6, False),
    (19, "so-thu-a", 20, -10, True),
)
_REASONS: Final = {
    "silent": ("Không nghe thấy gì trong giờ làm việc", "Nothing was heard within office hours"),
    "missing": ("Thiếu 3 sự kiện từ lâu", "3 events have been missing for long"),
    "quiet": ("Chỉ có nhịp tim", "Heartbeats only"),
}
