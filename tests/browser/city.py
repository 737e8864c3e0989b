"""A database of its own, with books that a test writes as the worker and the loader would.

A book goes the real way from the domain's record to the table's row; only Kafka is left out.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from ops.stack.clickhouse import Endpoint
from producers.contract.wards import WARDS
from streams.domain import records
from streams.domain.book import Book
from streams.domain.cut import GRID_MS, instant_of_cut, number_of_cut
from streams.domain.sync import Beat, WardSync
from streams.monitor.alerts.ledger import acknowledge
from streams.warehouse import tables
from streams.warehouse.rows import Row, book_row, sync_row
from tests.databases import database

MONDAY: Final = date(2025, 7, 21)
EPOCH: Final = "e1"
WARD: Final = "00070"
GRID_S: Final = GRID_MS // 1000


class City:
    """Writes books and synchronisation records into `address.database`; the page reads them as `reader`."""

    def __init__(self, endpoint: Endpoint) -> None:
        settings = endpoint.settings
        reader_password = settings.clickhouse_reader_password.get_secret_value()
        self._held = ExitStack()
        self.store = self._held.enter_context(database(endpoint))
        self.address = self.store.address
        self.reader = replace(self.address, user=settings.clickhouse_reader_user, password=reader_password)
        self._revisions = itertools.count(1)

    def close(self) -> None:
        """Give the database and the connection back."""
        self._held.close()

    def book(self, ward: str, day: date = MONDAY, *, arrived: datetime | None = None, **figures: int) -> None:
        """The ward's book of a day: `received`, `online` (of them), `early`, `on_time`, `overdue`."""
        self._insert(tables.BOOK, [self._book_row(ward, day, figures, arrived)])

    def judge(self, at: datetime | None = None, **standings: str) -> None:
        """How every ward stands, as the monitor writes it: `w00070="bad/missing"`, the others good."""
        at = at or datetime.now(UTC)
        found = {ward: standings.get(f"w{ward}", "good/quiet").split("/") for ward in WARDS}
        rows = [_state(ward, at, 0, *each) for ward, each in found.items()]
        self._write("ward_state", rows)

    def cut(self, at: datetime, left_out: Mapping[str, str] | None = None, events: int = 0) -> int:
        """Publish the cut at or before an instant, with its wards' states; returns its number."""
        left_out = left_out or {}
        number = number_of_cut(round(at.timestamp() * 1000))
        instant = datetime.fromtimestamp(instant_of_cut(number) / 1000, UTC)
        row = _cut(number, instant, events) | {
            "covered": len(WARDS) - len(left_out),
            "left_out": list(left_out),
            "left_out_reason": list(left_out.values()),
        }
        states = [
            _state(
                ward, instant, number, *(("bad", left_out[ward]) if ward in left_out else ("good", "quiet"))
            )
            for ward in WARDS
        ]
        self._write("ward_states", states)
        self._write("city_cut", [row])
        return number

    def alert(self, identity: str, *, since: datetime, ward: str = WARD, **members: Any) -> None:
        """An alert, open unless `ended_at` is given; the later call with the same identity stands."""
        words = {
            "title_vi": "Phường, xã mất liên lạc",
            "title_en": "A ward is silent",
            "what_vi": "Không có tin nào từ phường, xã này trong giờ làm việc.",
            "what_en": "Nothing was heard of this ward within office hours.",
            "impact_vi": "Số liệu của thành phố thiếu phường, xã này.",
            "impact_en": "The city's figures lack this ward.",
            "next_vi": "Gọi cho phường, xã; kiểm tra đường truyền.",
            "next_en": "Call the ward; check its line.",
        }
        row = {
            "id": identity, "rule": "silent-ward", "key": ward, "state": "open", "seen_at": since,
            "started_at": since, "ended_at": None, "last_seen_at": since, "since": since,
            "severity": "critical", "ward": ward, "values": {}, "version": next(self._revisions),
        }  # fmt: skip
        whole = row | words | members
        self._write("alerts", [whole])
        # Known since it began: written now, it would be known in ten seconds only.
        begun = whole | {"state": "open", "ended_at": None, "version": 0, "known_at": since}
        self._write("alert_history", [begun, whole | {"known_at": members.get("ended_at") or since}])

    def acknowledge(self, identity: str) -> None:
        """Somebody has it in hand, from now on."""
        acknowledge(self.store, [identity], "ca trực", "")

    def _write(self, table: str, rows: Iterable[dict[str, Any]]) -> None:
        """Insert rows of which each names its columns; the rest are the table's defaults."""
        made = list(rows)
        kinds: dict[str, str] = dict(
            self.store.query(
                "SELECT name, type FROM system.columns"
                " WHERE database = {database:String} AND table = {table:String}",
                {"database": self.address.database, "table": table},
            ).rows
        )
        names = list(made[0])
        self.store.insert(
            table, names, [kinds[name] for name in names], [[row[n] for row in made] for n in names]
        )

    def sync(self, ward: str, *, last: int = 100, missing: int = 0, pending: int = 0) -> None:
        """The ward sent 1..`last` but for `missing` of them, and was heard just now."""
        self._insert(tables.WARD_SYNC, [self._sync_row(ward, last, missing, pending)])

    def fill(self, days: tuple[date, ...] = (MONDAY,), but: tuple[str, ...] = ()) -> None:
        """Plausible figures for all wards but some."""
        wards = [ward for ward in WARDS if ward not in but]
        books = [self._book_row(ward, day, plausible(ward, day)) for day in days for ward in wards]
        self._insert(tables.BOOK, books)
        self._insert(tables.WARD_SYNC, [self._sync_row(ward, 4000 + int(ward) % 900, 0, 0) for ward in wards])

    def _book_row(
        self, ward: str, day: date, figures: dict[str, int], arrived: datetime | None = None
    ) -> Row:
        online = figures.get("online", 0)
        counts = {
            "chung-thuc|online|2|open": online,
            "chung-thuc|counter|2|open": figures.get("received", 0) - online,
            "chung-thuc|counter|9|early": figures.get("early", 0),
            "chung-thuc|counter|9|on_time": figures.get("on_time", 0),
            "chung-thuc|counter|9|overdue": figures.get("overdue", 0),
            "chung-thuc|counter|10|open": figures.get("returned", 0),
        }
        cells = {name: [count, 60 * count] for name, count in counts.items() if count}
        arrived_ms = round(arrived.timestamp() * 1000) if arrived else _now_ms()
        book = Book(ward, day.isoformat(), 0, next(self._revisions), arrived_ms, {EPOCH: [1, 100]}, {}, cells)
        return book_row(records.encode(book))

    def _sync_row(self, ward: str, last: int, missing: int, pending: int) -> Row:
        seqs = [1, last - missing - 1, last, last] if missing else [1, last]
        beat = Beat(_now_ms(), _now_ms(), EPOCH, last, pending)
        event_ms = _now_ms() - 60_000
        sync = WardSync(ward, 0, next(self._revisions), {EPOCH: seqs}, event_ms, event_ms, beat)
        return sync_row(records.encode(sync))

    def _insert(self, table: tables.Table, made: list[Row]) -> None:
        self.store.insert(table.name, table.columns, table.types, list(zip(*made, strict=True)))


def plausible(ward: str, day: date) -> dict[str, int]:
    """Figures that look like a ward's day, the same at every run."""
    seed = int(ward) * 31 + day.toordinal() * 17
    received = (90 if WARDS[ward].kind == "phuong" else 40) + seed % 47
    overdue = max(0, seed % 23 - 18)
    early = received * (40 + seed % 20) // 100
    return {
        "received": received,
        "online": received * (45 + seed % 31) // 100,
        "early": early,
        "on_time": max(0, received - early - overdue - seed % 13),
        "overdue": overdue,
        "returned": received * (60 + seed % 25) // 100,
    }


def _state(ward: str, at: datetime, number: int, status: str, reason: str) -> dict[str, Any]:
    """A row of `ward_state` and `ward_states`."""
    alive = reason if reason in ("silent", "behind", "active", "closed", "quiet", "never") else "quiet"
    return {
        "ward": ward, "cut": number, "at": at, "status": status, "reason": reason, "alive": alive,
        "complete": "missing" if reason == "missing" else "complete",
        "reconciled": "mismatch" if reason == "mismatch" else "matched",
        "since": at, "covered": status == "good", "missing": 3 if reason == "missing" else 0,
        "pending": 40 if reason == "behind" else 0, "events": 4000, "heard_at": at, "event_at": at,
        "delay_ms_p50": 800 + int(ward) % 700, "delay_ms_p99": 4000 + int(ward) % 9000, "judged_at": at,
    }  # fmt: skip


def _cut(number: int, at: datetime, events: int) -> dict[str, Any]:
    """A row of `city_cut`; what the page does not read from there is left out."""
    return {
        "number": number, "at": at, "complete_at": at, "published_at": at, "generation": 0,
        "wards_total": len(WARDS), "events": events, "missing": 0, "lag_ms": 1500 + number % 900,
        "day": at.date(),
    }  # fmt: skip


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
