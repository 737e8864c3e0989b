"""The inserts of a block side by side: what failed is left to be tried again, and a refusal is no failure."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from producers.contract.errors import Stop, Unavailable
from streams.warehouse import tables
from streams.warehouse.lanes import LANES, Insert, Lanes
from streams.warehouse.tables import Table

BLOCK = (tables.BOOK, tables.EVENTS, tables.WARD_SYNC, tables.REJECTS)


class ClickHouse:
    """Takes rows, or fails as it is told for a table."""

    def __init__(self, **failing: Exception) -> None:
        self.failing, self.stored = failing, list[str]()
        self.together = threading.Barrier(LANES)

    def insert(self, table: Table, data: list[Any]) -> None:
        if table in (tables.BOOK, tables.EVENTS):
            self.together.wait(10)  # breaks if the two do not run at the same time
        if table.name in self.failing:
            raise self.failing[table.name]
        self.stored.append(table.name)


def block() -> list[Insert]:
    return [(table, [[1]]) for table in BLOCK]


def test_raw_rows_and_books_are_inserted_at_the_same_time_and_all_are_stored() -> None:
    clickhouse, inserts = ClickHouse(), block()
    Lanes(clickhouse.insert).run(inserts)
    assert inserts == []
    assert sorted(clickhouse.stored) == sorted(table.name for table in BLOCK)


def test_what_failed_is_left_and_only_that() -> None:
    clickhouse, inserts = ClickHouse(events=Unavailable("clickhouse", "away", "wait")), block()
    lanes = Lanes(clickhouse.insert)
    with pytest.raises(Unavailable):
        lanes.run(inserts)
    assert [table for table, _ in inserts] == [tables.EVENTS]
    assert sorted(clickhouse.stored) == ["book", "rejects", "ward_sync"]
    clickhouse.failing, clickhouse.together = {}, threading.Barrier(1)
    lanes.run(inserts)
    assert inserts == []
    assert clickhouse.stored.count("events") == 1


def test_refusal_is_told_before_what_can_be_waited_for() -> None:
    clickhouse = ClickHouse(
        book=Unavailable("clickhouse", "away", "wait"), rejects=Stop("clickhouse_refused", "no", "report")
    )
    inserts = block()
    with pytest.raises(Stop):
        Lanes(clickhouse.insert).run(inserts)
    assert [table for table, _ in inserts] == [tables.BOOK, tables.REJECTS]
