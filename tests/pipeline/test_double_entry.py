"""Goal: a difference is found by itself, stands until it is healed, and never lasts a moment only.

Method: books and raw rows with arrivals of their own in the real engine, cuts by hand, the monitor's job.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract.codec import encode
from producers.contract.envelope import SequencedEvent
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.wards import WARDS
from streams.domain import records
from streams.domain.book import Book, day_of
from streams.monitor.config import MonitorConfig
from streams.monitor.double_entry import DoubleEntry
from streams.monitor.jobs import Context, jobs
from streams.warehouse import rows, tables
from streams.warehouse.block import Block, Span
from streams.warehouse.store import Store
from tests.builders import START, WARD, status
from tests.pipeline.warehouse import database, empty, insert, insert_cut

OTHER = "00004"
FIRST_CUT = 6_000_000
FIRST_MS = 1_735_664_400_000 + FIRST_CUT * 10_000


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


class City:
    """Takes events into raw rows, into books or into both; publishes cuts; runs the job."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.job = DoubleEntry()
        self.context = Context(
            MonitorConfig(bootstrap="127.0.0.1:1", store=store.address), store, threading.Event()
        )
        self._books: dict[tuple[str, str], Book] = {}
        self._offset = 0

    def load(self, event: SequencedEvent, cut: int) -> None:
        """The loader's part: arrived just before a cut."""
        ward = event.data.ward
        block, self._offset = Block(), self._offset + 1
        span = Span("t1", "dossier.events", PARTITION_OF_WARD[ward], 0, -1)
        block.take_event(span, encode(event), ward.encode(), self._offset, self._ms(cut))
        insert(self.store, tables.EVENTS, block.events)

    def count(self, event: SequencedEvent, cut: int) -> None:
        """The worker's part."""
        where = event.data.ward, day_of(event, event.time.timestamp())
        book = self._books.setdefault(where, Book(*where))
        book.apply(event, self._ms(cut))
        insert(self.store, tables.BOOK, [rows.book_row(records.encode(book))])

    def publish(self, cut: int) -> None:
        insert_cut(self.store, FIRST_CUT + cut)

    def look(self) -> dict[str, Any]:
        return dict(self.job.run(self.context))

    def findings(self) -> list[tuple[Any, ...]]:
        sql = "SELECT ward, open, cells, book_steps, raw_steps FROM v_double_entry ORDER BY ward"
        return self.store.query(sql).rows

    @staticmethod
    def _ms(cut: int) -> int:
        return FIRST_MS + cut * 10_000 - 100


@pytest.fixture
def city(shared: Store) -> City:
    empty(shared)
    for table in ("city_cut", "double_entry"):
        shared.command(f"TRUNCATE TABLE {table}")
    return City(shared)


def test_difference_stands_from_its_first_sight_until_both_sides_agree(city: City) -> None:
    for seq in (1, 2):
        city.load(status(seq), 1)
    city.count(status(1), 1)
    city.publish(1)
    assert city.look()["open"] == 1
    assert city.findings() == [(WARD, True, 1, 1, 2)]
    since = city.store.value("SELECT since FROM v_double_entry")
    city.look()
    assert city.store.value("SELECT since FROM v_double_entry") == since
    city.count(status(2), 2)  # the worker is sent the event again
    city.publish(2)
    assert city.look()["open"] == 0
    assert city.findings() == [(WARD, False, 0, 0, 0)]
    assert city.store.value("SELECT since FROM v_double_entry") == since


def test_event_that_only_one_side_has_yet_is_no_difference(city: City) -> None:
    for event in (status(1), status(1, ward=OTHER)):
        city.load(event, 1)
        city.count(event, 1)
    city.publish(1)
    city.load(status(2), 2)  # behind the newest cut: the book may still be on its way
    assert city.look()["open"] == 0
    assert city.findings() == []


def test_days_that_did_not_change_are_not_compared_again(city: City) -> None:
    later = START + timedelta(days=1)
    for event in (status(1), status(2, at=later)):
        city.load(event, 1)
        city.count(event, 1)
    city.publish(1)
    assert city.look()["days"] == 2
    assert city.look()["days"] == 0
    city.load(status(3, at=later), 2)
    city.count(status(3, at=later), 2)
    city.publish(2)
    assert city.look()["days"] == 1


def test_full_pass_finds_what_no_change_told_and_ends(city: City) -> None:
    city.publish(1)
    slices = city.look()["slices"]
    assert slices == 7
    last = max(WARDS)
    city.load(status(1, ward=last), 1)  # behind the job's back: not newer than what it has seen
    for left in range(slices - 1, -1, -1):
        assert city.look()["slices"] == left
    assert city.findings() == [(last, True, 1, 0, 1)]
    runs = city.store.query("SELECT kind, checked FROM v_double_entry_runs ORDER BY kind").rows
    assert runs == [("full", 0)]  # a look at the last wards, who have no book


def test_without_a_cut_nothing_is_believed(city: City) -> None:
    city.load(status(1), 1)
    assert city.look() == {"cut": None, "open": 0}
    assert city.findings() == []


def test_monitor_runs_double_entry_every_half_minute(city: City) -> None:
    (job,) = [job for job in jobs(city.context.config) if job.name == "double_entry"]
    assert job.every_s == 30
