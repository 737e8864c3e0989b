"""How long blocks took is written some blocks at a time, and kept while ClickHouse is away."""

from __future__ import annotations

from typing import Any

from producers.contract.errors import Unavailable
from streams.warehouse import tables
from streams.warehouse.block import Block
from streams.warehouse.load_notes import EVERY_S, KEPT_MAX, LoadNotes
from streams.warehouse.tables import Table


class Written:
    """Takes what is inserted, or is away."""

    def __init__(self) -> None:
        self.away, self.inserts = False, list[list[Any]]()

    def __call__(self, table: Table, data: list[Any]) -> None:
        if self.away:
            raise Unavailable("clickhouse", "away", "wait")
        assert table is tables.LOADS
        self.inserts.append([list(column) for column in data])


def block(arrived_ms: int) -> Block:
    made = Block()
    made.arrivals.append(arrived_ms)
    return made


def test_first_is_written_at_once_and_the_next_together_a_second_later() -> None:
    now, written = [100.0], Written()
    notes = LoadNotes(written, lambda: now[0])
    for number in range(3):
        notes.add(block(number), 1000 + number, 7)
        notes.write()
    assert written.inserts == [[[1000], ["events"], [1], [0], [0], [7]]]
    now[0] += EVERY_S
    notes.write()
    assert written.inserts[1] == [[1001, 1002], ["events"] * 2, [1, 1], [1, 2], [1, 2], [7, 7]]
    now[0] += EVERY_S
    notes.write()
    assert len(written.inserts) == 2, "nothing waits, nothing is written"


def test_what_waits_is_written_at_the_end_whatever_the_clock_says() -> None:
    written = Written()
    notes = LoadNotes(written, lambda: 100.0)
    for number in range(2):
        notes.add(block(number), 1000, 7)
        notes.write()
    notes.write(at_once=True)
    assert len(written.inserts) == 2


def test_it_is_kept_while_clickhouse_is_away_but_not_without_end() -> None:
    now, written = [100.0], Written()
    written.away = True
    notes = LoadNotes(written, lambda: now[0])
    for number in range(KEPT_MAX + 5):
        notes.add(block(number), number, 7)
        notes.write()
    written.away = False
    now[0] += EVERY_S
    notes.write()
    assert [rows[0] for rows in written.inserts] == [list(range(5, KEPT_MAX + 5))]
