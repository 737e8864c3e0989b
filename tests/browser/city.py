"""A database of its own, with books that a test writes as the worker and the loader would.

A book goes the real way from the domain's record to the table's row; only Kafka is left out.
"""

from __future__ import annotations

import itertools
import time
from datetime import date
from pathlib import Path
from typing import Final

from ops.stack.clickhouse import Endpoint
from producers.contract.wards import WARDS
from streams.domain import records
from streams.domain.book import Book
from streams.domain.sync import Beat, WardSync
from streams.warehouse import tables
from streams.warehouse.migrate import migrate
from streams.warehouse.rows import Row, book_row, sync_row
from streams.warehouse.store import Address, Store
from tests.conftest import unique_name

SQL: Final = Path(__file__).resolve().parents[2] / "sql"
MONDAY: Final = date(2025, 7, 21)
EPOCH: Final = "e1"


class City:
    """Writes books and synchronisation records into `address.database`; the page reads them as `reader`."""

    def __init__(self, endpoint: Endpoint) -> None:
        settings = endpoint.settings
        database = unique_name("city")
        password = settings.clickhouse_password.get_secret_value()
        reader_password = settings.clickhouse_reader_password.get_secret_value()
        self.address = Address(endpoint.host, endpoint.port, database, settings.clickhouse_user, password)
        self.reader = Address(
            endpoint.host, endpoint.port, database, settings.clickhouse_reader_user, reader_password
        )
        self.store = Store(self.address)
        self._revisions = itertools.count(1)
        migrate(self.store, SQL)

    def close(self) -> None:
        """Drop the database and give the connection back."""
        self.store.command(f"DROP DATABASE {self.address.database}")
        self.store.close()

    def book(self, ward: str, day: date = MONDAY, **figures: int) -> None:
        """The ward's book of a day: `received`, `online` (of them), `early`, `on_time`, `overdue`."""
        self._insert(tables.BOOK, [self._book_row(ward, day, figures)])

    def sync(self, ward: str, *, last: int = 100, missing: int = 0, pending: int = 0) -> None:
        """The ward sent 1..`last` but for `missing` of them, and was heard just now."""
        self._insert(tables.WARD_SYNC, [self._sync_row(ward, last, missing, pending)])

    def fill(self, days: tuple[date, ...] = (MONDAY,), but: tuple[str, ...] = ()) -> None:
        """Plausible figures for all wards but some."""
        wards = [ward for ward in WARDS if ward not in but]
        books = [self._book_row(ward, day, plausible(ward, day)) for day in days for ward in wards]
        self._insert(tables.BOOK, books)
        self._insert(tables.WARD_SYNC, [self._sync_row(ward, 4000 + int(ward) % 900, 0, 0) for ward in wards])

    def _book_row(self, ward: str, day: date, figures: dict[str, int]) -> Row:
        online = figures.get("online", 0)
        counts = {
            "chung-thuc|online|2|open": online,
            "chung-thuc|counter|2|open": figures.get("received", 0) - online,
            "chung-thuc|counter|9|early": figures.get("early", 0),
            "chung-thuc|counter|9|on_time": figures.get("on_time", 0),
            "chung-thuc|counter|9|overdue": figures.get("overdue", 0),
        }
        cells = {name: [count, 60 * count] for name, count in counts.items() if count}
        book = Book(ward, day.isoformat(), 0, next(self._revisions), _now_ms(), {EPOCH: [1, 100]}, {}, cells)
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
    }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
