"""Goal: double entry finds every difference between books and raw rows, and no other. Method: both by hand.

Events go into books as the worker counts them and into raw rows as the loader stores them, in any order, with
repetitions, retractions, conflicts and late ones; then one side is falsified.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract.envelope import SequencedEvent
from producers.contract.vocabulary import Channel, Status
from streams.domain import records
from streams.domain.book import Book, day_of
from streams.warehouse import rows, tables
from streams.warehouse.comparison import Difference, Scope, compare
from streams.warehouse.reconcile import Conflict, conflicts, differences, holes, settled, summary
from streams.warehouse.store import Store
from tests.bench import reconcile
from tests.builders import EPOCH, START, WARD, closing, retraction, status
from tests.pipeline.warehouse import database, empty, insert, insert_cut, land

NOW_MS = time.time_ns() // 1_000_000
FIRST, LAST = date(2025, 7, 1), date(2025, 7, 31)
OTHER = "00004"


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    empty(shared)
    return shared


def store_raw(store: Store, events: Sequence[SequencedEvent]) -> None:
    """What the loader makes of a log that holds these events in this order."""
    land(store, [(event, NOW_MS + offset, offset) for offset, event in enumerate(events)])


def count(store: Store, events: Sequence[SequencedEvent]) -> None:
    """What the worker makes of it: the first arrival of a seq counts, whatever its day."""
    books: dict[tuple[str, str], Book] = {}
    seen: set[tuple[str, str, int]] = set()
    for event in events:
        identity = event.data.ward, event.data.epoch, event.data.seq
        if identity not in seen:
            seen.add(identity)
            where = event.data.ward, day_of(event, event.time.timestamp())
            books.setdefault(where, Book(*where)).apply(event, NOW_MS)
    insert(store, tables.BOOK, [rows.book_row(records.encode(book)) for book in books.values()])


def history(seed: int) -> list[SequencedEvent]:
    """Two wards' log with everything that may happen: retracted, repeated, reused, late, out of order."""
    chance = random.Random(seed)
    steps = [
        status(
            seq,
            ward=ward,
            at=START + timedelta(hours=chance.randrange(200)),
            status=chance.choice(list(Status)),
            due_at=START + timedelta(hours=chance.randrange(300)),
            finished_at=START + timedelta(hours=chance.randrange(300)) if chance.random() < 0.5 else None,
        )
        for ward in (WARD, OTHER)
        for seq in range(1, 101)
    ]
    log: list[SequencedEvent] = list(steps)
    log += [retraction(200 + n, of) for n, of in enumerate(chance.sample(steps, 30))]
    log += [status(of.data.seq, ward=of.data.ward, at=START + timedelta(days=9)) for of in steps[:10]]
    log += [closing(300, {Status.RECEIVED: 1})]
    log += chance.sample(log, 50)
    chance.shuffle(log)
    return log


@pytest.mark.parametrize("seed", range(4))
def test_books_and_raw_rows_of_the_same_log_agree(store: Store, seed: int) -> None:
    log = history(seed)
    store_raw(store, log)
    count(store, log)
    assert differences(store) == by_the_view(store) == []
    assert store.value("SELECT count() FROM v_ward_day_detail") > 20


@pytest.mark.parametrize("seed", range(4))
def test_difference_found_by_sums_is_that_of_the_view_cell_by_cell(store: Store, seed: int) -> None:
    log = history(seed)
    chance = random.Random(seed)
    store_raw(store, [event for event in log if chance.random() < 0.9])
    count(store, log)
    found = differences(store)
    assert len(found) > 5
    assert found == by_the_view(store)
    days = tuple(sorted({one.day for one in found}))[:2]
    assert compare(store, Scope((WARD,), days=days)) == [
        one for one in found if one.ward == WARD and one.day in days
    ]


def test_benchmarks_year_in_small_agrees_and_its_damage_is_found(clickhouse: Endpoint) -> None:
    with database(clickhouse) as store:
        made = reconcile.generate(store, 126 * 400, blocks=2)
        assert store.value("SELECT uniqExact(ward, seq) FROM events") == made
        assert store.value("SELECT count() FROM r_losers") == 126
        assert differences(store) == by_the_view(store) == []
        day = store.value("SELECT max(day) FROM book")
        cells = reconcile.damage(store, day)
        assert cells > 2
        assert [one.day for one in differences(store)] == [day] * cells


def by_the_view(store: Store) -> list[Difference]:
    """The same question to the view, which compares every cell."""
    columns = ", ".join(Difference._fields)
    order = "ward, day, field, channel, status, timeliness"
    rows = store.query(f"SELECT {columns} FROM v_reconcile ORDER BY {order}").rows
    return [Difference(*row) for row in rows]


def test_steps_that_changed_their_cells_are_differences_though_their_number_is_right(store: Store) -> None:
    count(store, [status(1), status(2, status=Status.PROCESSING)])
    store_raw(store, [status(1, channel=Channel.POST), status(2, status=Status.PROCESSING)])
    assert [(one.channel, one.book_count, one.raw_count) for one in differences(store)] == [
        ("counter", 1, 0),
        ("post", 0, 1),
    ]


def test_more_reused_seqs_than_fit_into_a_request_are_left_out_all_the_same(store: Store) -> None:
    reused = [status(seq, status=Status.DONE) for seq in range(1, 2_102)]
    log = [status(seq) for seq in range(1, 2_102)] + reused
    store_raw(store, log)
    count(store, log)
    assert differences(store) == []
    assert store.value("SELECT count() FROM r_losers") == len(reused)


def test_difference_that_is_gone_at_the_second_look_was_on_its_way(store: Store) -> None:
    events = [status(1), status(2), status(3, ward=OTHER)]
    store_raw(store, events)
    count(store, events[:1])

    def meanwhile(_: float) -> None:
        count(store, events[:2])

    assert [one.ward for one in settled(store, Scope(), meanwhile)] == [OTHER]


def test_comparison_as_of_a_cut_knows_nothing_that_came_later(store: Store) -> None:
    number = (NOW_MS - 1_735_664_400_000) // 10_000 + 1
    at_ms = insert_cut(store, number)
    store_raw(store, [status(1)])
    count(store, [status(1)])
    land(store, [(status(2), at_ms + 1, 99)])
    assert len(compare(store, Scope())) == 1
    assert compare(store, Scope(), str(number)) == []
    assert compare(store, Scope(days=(FIRST,)), str(number)) == []


def test_event_that_was_not_counted_is_a_difference(store: Store) -> None:
    events = [status(1), status(2), status(1, ward=OTHER)]
    store_raw(store, events)
    count(store, events[:1] + events[2:])
    (found,) = differences(store)
    assert found == Difference(WARD, FIRST, "chung-thuc", "counter", 2, "open", 1, 2, 0, 0)


def test_event_that_was_counted_and_is_not_stored_is_a_difference(store: Store) -> None:
    count(store, [status(1)])
    assert [(found.book_count, found.raw_count) for found in differences(store)] == [(1, 0)]


def test_minutes_that_differ_are_a_difference(store: Store) -> None:
    done = {"status": Status.DONE}
    store_raw(store, [status(1, finished_at=START + timedelta(minutes=30), **done)])  # type: ignore[arg-type]
    count(store, [status(1, finished_at=START + timedelta(minutes=20), **done)])  # type: ignore[arg-type]
    (found,) = differences(store)
    assert (found.book_count, found.raw_count, found.book_minutes, found.raw_minutes) == (1, 1, 20, 30)


def test_differences_can_be_asked_for_a_ward_and_a_period(store: Store) -> None:
    later = START + timedelta(days=3)
    store_raw(store, [status(1), status(2, at=later), status(1, ward=OTHER)])
    assert len(differences(store)) == 3
    assert [found.ward for found in differences(store, OTHER)] == [OTHER]
    assert [found.day for found in differences(store, WARD, first=later.date())] == [later.date()]
    assert [found.ward for found in differences(store, last=FIRST)] == [OTHER, WARD]


def test_conflicts_are_listed_once_each(store: Store) -> None:
    store_raw(store, [status(1), status(1, status=Status.DONE), status(1), status(2)])
    assert conflicts(store) == [Conflict(WARD, EPOCH, 1, 2)]


def test_summary_has_the_figures_of_one_epoch(store: Store) -> None:
    events = [
        status(1),
        status(2, at=START + timedelta(days=1)),
        status(3, status=Status.DONE),
        status(1, ward=OTHER),
        closing(4, {Status.RECEIVED: 2}),
        status(5, at=START + timedelta(days=60)),
        status(1, epoch="another"),
    ]
    store_raw(store, [*events, *events])
    count(store, events)
    found = summary(store, EPOCH, FIRST, LAST)
    assert (found.events_stored, found.events_counted) == (6, 6)
    assert (found.wards, found.days, found.rejected, found.differences) == (2, 2, 0, 0)
    # A ward and day of two epochs has one book: its received are those of both.
    assert found.dossiers_received == 4


def test_summary_while_events_are_on_their_way_compares_nothing(store: Store) -> None:
    store_raw(store, [status(1), status(2)])
    count(store, [status(1)])
    found = summary(store, EPOCH, FIRST, LAST)
    assert (found.events_stored, found.events_counted, found.differences) == (2, 1, -1)


def test_empty_database_has_no_differences_and_no_holes(store: Store) -> None:
    assert differences(store) == []
    assert holes(store) == []
    assert summary(store, EPOCH, FIRST, LAST) == (0, 0, 0, 0, 0, 0, 0)
