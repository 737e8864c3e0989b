"""Goal: every change of a day after its end is in the ledger, and old figure plus changes is the figure now.

Method: logs by hand and at random with arrivals of their own, through the worker's and the loader's own rules
into the real engine; the figure at the end of the day is taken from the books' history, not from the ledger.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract.codec import encode
from producers.contract.envelope import SequencedEvent
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Status
from streams.domain import records
from streams.domain.book import Book, day_of
from streams.domain.cut import cut_of_arrival
from streams.warehouse import questions, repairs, rows, tables
from streams.warehouse.block import Block, Span
from streams.warehouse.store import Store
from tests.builders import EPOCH, HANOI, START, WARD, retraction, status
from tests.pipeline.warehouse import SQL, database, empty, insert, insert_cut

DAY = START.date()
END = datetime(2025, 7, 2, tzinfo=HANOI)
OTHER = "00004"
DONE = Status.DONE


class Arrival(NamedTuple):
    event: SequencedEvent
    at: datetime


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    empty(shared)
    for table in ("city_cut", "repairs"):
        shared.command(f"TRUNCATE TABLE {table}")
    return shared


def late(event: SequencedEvent, minutes: float = 60) -> Arrival:
    return Arrival(event, END + timedelta(minutes=minutes))


def in_time(event: SequencedEvent) -> Arrival:
    return Arrival(event, START + timedelta(hours=1))


def take(store: Store, arrivals: Sequence[Arrival]) -> None:
    """A log in the order of its arrivals: raw rows, and a revision of the book at every change."""
    books: dict[tuple[str, str], Book] = {}
    seen: set[tuple[str, str, int]] = set()
    block, revisions = Block(), []
    for offset, (event, at) in enumerate(sorted(arrivals, key=lambda one: one.at)):
        ward, arrived_ms = event.data.ward, int(at.timestamp() * 1000)
        span = Span("t1", "dossier.events", PARTITION_OF_WARD[ward], 0, -1)
        block.take_event(span, encode(event), ward.encode(), offset, arrived_ms)
        identity = ward, event.data.epoch, event.data.seq
        if identity not in seen:
            seen.add(identity)
            where = ward, day_of(event, event.time.timestamp())
            book = books.setdefault(where, Book(*where))
            book.apply(event, arrived_ms)
            revisions.append(rows.book_row(records.encode(book)))
    assert not block.rejects
    insert(store, tables.EVENTS, block.events)
    insert(store, tables.BOOK, revisions)


def ledger(
    store: Store, columns: str = "cause, status, change, old_count, new_count"
) -> list[tuple[Any, ...]]:
    sql = f"SELECT {columns} FROM v_corrections ORDER BY ward, day, arrived_at, event"
    return [tuple(row) for row in store.query(sql).rows]


def test_event_that_comes_after_its_day_is_a_late_change(store: Store) -> None:
    take(store, [in_time(status(1)), late(status(2)), late(status(3, status=DONE), 90)])
    assert ledger(store) == [("late", 2, 1, 1, 2), ("late", 9, 1, 0, 1)]
    at_ms = int((END + timedelta(hours=1)).timestamp() * 1000)
    (first, _) = ledger(store, "event, dossier, cut, ward_name")
    assert first == (f"{WARD}/{EPOCH}/2", status(2).data.dossier, cut_of_arrival(at_ms), "Hoàn Kiếm")


def test_what_arrives_on_its_own_day_is_no_correction(store: Store) -> None:
    step = status(1)
    take(store, [in_time(step), in_time(retraction(2, step))])
    assert ledger(store) == []


def test_first_millisecond_of_the_next_day_is_late(store: Store) -> None:
    last = END - timedelta(milliseconds=1)
    take(store, [Arrival(status(1), last), Arrival(status(2), END)])
    assert ledger(store) == [("late", 2, 1, 1, 2)]


def test_step_taken_back_later_is_a_retraction(store: Store) -> None:
    step = status(1)
    take(store, [in_time(step), in_time(status(2)), late(retraction(3, step))])
    assert ledger(store) == [("retraction", 2, -1, 2, 1)]


def test_late_step_and_its_later_retraction_are_two_changes(store: Store) -> None:
    step = status(2)
    take(store, [in_time(status(1)), late(step), late(retraction(3, step), 70)])
    assert ledger(store) == [("late", 2, 1, 1, 2), ("retraction", 2, -1, 2, 1)]


@pytest.mark.parametrize("retracted_in_time", [True, False])
def test_retraction_before_its_step_changes_nothing_at_either(store: Store, retracted_in_time: bool) -> None:
    step = status(2)
    back = retraction(3, step)
    take(store, [in_time(status(1)), in_time(back) if retracted_in_time else late(back, 1), late(step, 2)])
    assert ledger(store) == []


def test_retraction_of_a_step_that_never_came_changes_nothing(store: Store) -> None:
    take(store, [in_time(status(1)), late(retraction(3, status(2)))])
    assert ledger(store) == []


def test_second_retraction_of_a_step_changes_nothing(store: Store) -> None:
    step = status(1)
    take(store, [in_time(step), late(retraction(3, step), 1), late(retraction(4, step), 2)])
    assert ledger(store) == [("retraction", 2, -1, 1, 0)]


def test_repetition_of_an_event_in_time_is_no_change(store: Store) -> None:
    take(store, [in_time(status(1)), late(status(1)), late(status(2)), late(status(2), 100)])
    assert ledger(store) == [("late", 2, 1, 1, 2)]


@pytest.mark.parametrize("of_another_day", [True, False])
def test_reused_seq_that_lost_is_left_out(store: Store, of_another_day: bool) -> None:
    at = START + timedelta(days=-3) if of_another_day else START
    take(store, [in_time(status(1)), late(status(1, at=at, status=DONE)), late(status(2))])
    assert ledger(store) == [("late", 2, 1, 1, 2)]


def test_event_that_was_asked_for_is_a_repair(store: Store) -> None:
    asked = repairs.Repair("r1", repairs.REQUEST, "operator", WARD, EPOCH, 2, 3, "gap")
    repairs.record(store, [asked])
    now = datetime.now(HANOI)
    take(store, [in_time(status(1)), Arrival(status(3), now), late(status(2)), Arrival(status(4), now)])
    # Seq 2 came before it was asked for, seq 4 was not asked for.
    assert ledger(store, "event, cause") == [
        (f"{WARD}/{EPOCH}/2", "late"),
        (f"{WARD}/{EPOCH}/3", "repair"),
        (f"{WARD}/{EPOCH}/4", "late"),
    ]


def test_history_that_a_ward_brings_along_is_a_backfill(store: Store) -> None:
    joined = START + timedelta(days=10)
    old = [Arrival(status(seq, at=START + timedelta(days=seq)), joined) for seq in (1, 2)]
    take(
        store,
        [*old, Arrival(status(3, at=joined), joined), Arrival(status(4, at=joined), joined + timedelta(1))],
    )
    assert [row[0] for row in ledger(store)] == ["backfill", "backfill", "late"]


def test_what_a_new_ward_takes_back_is_a_retraction_all_the_same(store: Store) -> None:
    joined = START + timedelta(days=10)
    step = status(1, at=START)
    take(store, [Arrival(step, joined), Arrival(retraction(2, step), joined + timedelta(minutes=1))])
    assert sorted(row[0] for row in ledger(store)) == ["backfill", "retraction"]


def history(seed: int) -> list[Arrival]:
    """Two wards' log over four days with everything that may happen, in any order."""
    chance = random.Random(seed)
    wards = (WARD, OTHER)
    statuses = list(Status)[:4]
    steps = [
        status(
            seq,
            ward=ward,
            at=START + timedelta(days=chance.randrange(3), minutes=chance.randrange(300)),
            status=chance.choice(statuses),
        )
        for ward in wards
        for seq in range(1, 41)
    ]
    events: list[SequencedEvent] = list(steps)
    events += [retraction(100 + n, of) for n, of in enumerate(chance.choices(steps, k=30))]
    events += [status(of.data.seq, ward=of.data.ward, at=START + timedelta(days=1)) for of in steps[::9]]
    events += chance.sample(events, 20)
    arrivals = []
    for n, event in enumerate(events):
        delay = timedelta(minutes=chance.randrange(1, 4000), milliseconds=n)
        arrivals.append(Arrival(event, event.time + delay))
    # Both wards are known from the beginning: nothing is a backfill.
    first = [Arrival(status(99, ward=ward, at=START), START) for ward in wards]
    return first + arrivals


@pytest.mark.parametrize("seed", range(5))
def test_figure_at_the_end_of_the_day_and_all_changes_add_up_to_the_figure_now(
    store: Store, seed: int
) -> None:
    take(store, history(seed))
    columns = "ward, day, status, change, old_count, new_count"
    changes = store.query(f"SELECT {columns} FROM v_corrections").rows
    assert len(changes) > 40
    sums: Counter[tuple[str, date, int]] = Counter()
    for ward, day, one, change, old, new in changes:
        sums[ward, day, one] += change
        assert new == old + change
    now, at_end = figures(store, _NOW), figures(store, _AT_END)
    assert now != at_end
    assert {key: at_end[key] + sums[key] for key in now | at_end | sums} == {
        key: now[key] for key in now | at_end | sums
    }


def test_ledger_as_of_a_cut_ends_with_it_and_has_the_figures_of_it(store: Store) -> None:
    number = cut_of_arrival(int((END + timedelta(minutes=65)).timestamp() * 1000))
    take(store, [in_time(status(1)), late(status(2), 60), late(status(3), 120)])
    insert_cut(store, number)
    sql = "SELECT cause, status, change, old_count, new_count FROM v_corrections_at(as_of = {as_of:String})"
    assert store.query(sql, {"as_of": str(number)}).rows == [("late", 2, 1, 1, 2)]
    assert len(ledger(store)) == 2


def test_question_says_why_a_day_changed(store: Store) -> None:
    take(store, [in_time(status(1)), late(status(2), 60), late(status(3), 120)])
    question = questions.load(SQL / "questions")["why-changed"]
    (found,) = questions.run(store, question, {"day": DAY.isoformat()}).dicts()
    assert (found["cause"], found["change"], found["old_count"], found["new_count"]) == ("late", 2, 1, 3)


def figures(store: Store, books: str) -> Counter[tuple[str, date, int]]:
    """Steps by ward, day and status of some books."""
    sql = (
        f"SELECT ward, day, one, sum(n) FROM ({books}) ARRAY JOIN status AS one, count AS n"
        " GROUP BY ward, day, one HAVING sum(n) != 0"
    )
    return Counter({(ward, day, one): int(n) for ward, day, one, n in store.query(sql).rows})


_NOW = "SELECT ward, day, status, count FROM book FINAL"
_AT_END = """
SELECT ward, day, argMax(b.status, b.version) AS status, argMax(b.count, b.version) AS count
FROM book_history AS b WHERE toDate32(arrived_at) <= day GROUP BY ward, day"""
