"""Goal: every change of a day after its end is in the ledger, and old figure plus changes is the figure now.

Method: logs by hand and at random with arrivals of their own, through the worker's and the loader's own rules
into the real engine; the figure at the end of the day is taken from the books' history, not from the ledger.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
from streams.rebuild import runs
from streams.rebuild.compare import Found, differences
from streams.rebuild.look import Scope
from streams.rebuild.runs import Run
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
    """When an event came; `again` is when it was sent again because the worker had missed it."""

    event: SequencedEvent
    at: datetime
    again: datetime | None = None


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    empty(shared)
    for table in ("city_cut", "repairs", "rebuilds", "rebuild_changes"):
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
    revisions = []
    insert_raw(store, arrivals)
    counted = [Arrival(one.event, one.again or one.at) for one in arrivals]
    for event, at, _ in sorted(counted, key=lambda one: one.at):
        ward, arrived_ms = event.data.ward, int(at.timestamp() * 1000)
        identity = ward, event.data.epoch, event.data.seq
        if identity not in seen:
            seen.add(identity)
            where = ward, day_of(event, event.time.timestamp())
            book = books.setdefault(where, Book(*where))
            book.apply(event, arrived_ms)
            revisions.append(rows.book_row(records.encode(book)))
    if revisions:
        insert(store, tables.BOOK, revisions)


def insert_raw(store: Store, arrivals: Sequence[Arrival]) -> None:
    """The raw rows of a log, as the loader stores them."""
    block = Block()
    for offset, (event, at, _) in enumerate(sorted(arrivals, key=lambda one: one.at)):
        ward, arrived_ms = event.data.ward, int(at.timestamp() * 1000)
        span = Span("t1", "dossier.events", PARTITION_OF_WARD[ward], 0, -1)
        block.take_event(span, encode(event), ward.encode(), offset, arrived_ms)
    assert not block.rejects
    if block.events:
        insert(store, tables.EVENTS, block.events)


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


def revised(store: Store, book: Book, arrived_ms: int | None = None) -> None:
    """Another revision of a book, as its changelog has it."""
    book.revision += 1
    book.arrived_ms = arrived_ms or book.arrived_ms
    insert(store, tables.BOOK, [rows.book_row(records.encode(book))])


def missed(store: Store, *uncounted: SequencedEvent, counted: int = 1) -> Book:
    """A day of which the worker counted less than the loader stored; its book."""
    kept = [status(100 + n) for n in range(counted)]
    take(store, [in_time(event) for event in kept])
    insert_raw(store, [in_time(event) for event in uncounted])
    book = Book(WARD, DAY.isoformat())
    for event in kept:
        book.apply(event, int((START + timedelta(hours=1)).timestamp() * 1000))
    return book


def ms_after(minutes: float) -> int:
    """An arrival after the end of the day."""
    return int((END + timedelta(minutes=minutes)).timestamp() * 1000)


def mend(store: Store, book: Book, *events: SequencedEvent, minutes: float = 60) -> None:
    """What was missed is sent again: stored once more, and counted now."""
    insert_raw(store, [late(event, minutes) for event in events])
    for event in events:
        book.apply(event, ms_after(minutes))
    book.revision -= 1
    revised(store, book)


def sent_again(store: Store, name: str, minutes: float) -> None:
    """A repair of the day, written down."""
    repairs.record(
        store, [repairs.Repair(name, repairs.RESEND, "operator", WARD, EPOCH, 1, 9, "difference", DAY, 1)]
    )
    store.command(
        f"INSERT INTO repairs SELECT * REPLACE (fromUnixTimestamp64Milli({ms_after(minutes)}) AS at)"
        f" FROM repairs WHERE id = '{name}'"
    )
    store.command(f"DELETE FROM repairs WHERE at > fromUnixTimestamp64Milli({ms_after(minutes)})")


def test_repair_of_what_the_worker_missed_is_a_change_of_its_own(store: Store) -> None:
    gone = [status(seq) for seq in (1, 2)] + [status(3, status=DONE)]
    book = missed(store, *gone)
    assert ledger(store) == []
    sent_again(store, "r9", 50)
    mend(store, book, *gone)
    columns = "cause, status, change, old_count, new_count, event, run, cut"
    cut = cut_of_arrival(ms_after(60))
    assert sorted(ledger(store, columns)) == [
        ("repair", 2, 2, 1, 3, "", "r9", cut),
        ("repair", 9, 1, 0, 1, "", "r9", cut),
    ]


def test_late_event_beside_a_repair_stays_a_late_event(store: Store) -> None:
    gone = status(1)
    book = missed(store, gone)
    sent_again(store, "r9", 50)
    mend(store, book, gone)
    insert_raw(store, [late(status(20), 70), late(status(21), 71)])
    book.apply(status(20), ms_after(70))
    book.apply(status(21), ms_after(71))
    revised(store, book)
    assert ledger(store) == [("repair", 2, 1, 1, 2), ("late", 2, 1, 2, 3), ("late", 2, 1, 3, 4)]


def test_late_event_that_is_stored_and_not_counted_is_no_change_until_it_is(store: Store) -> None:
    book = missed(store)
    insert_raw(store, [late(status(2), 60)])
    assert ledger(store) == []
    insert_raw(store, [late(status(3), 70)])
    book.apply(status(3), ms_after(70))
    revised(store, book)
    # Counted or not cannot be told of one event, so the book's own change stands beside both.
    assert sorted(ledger(store)) == [("late", 2, 1, 1, 2), ("late", 2, 1, 2, 3), ("recount", 2, -1, 3, 2)]
    sent_again(store, "r9", 75)
    mend(store, book, status(2), minutes=80)
    assert ledger(store)[3:] == [("repair", 2, 1, 2, 3)]


def test_book_that_changes_without_an_event_is_a_recount(store: Store) -> None:
    book = missed(store)
    book.cells = {name: [count + 4, minutes] for name, (count, minutes) in book.cells.items()}
    revised(store, book, ms_after(60))
    assert ledger(store) == [("recount", 2, 4, 1, 5)]


def test_day_that_was_repaired_as_a_whole_begins_with_nothing(store: Store) -> None:
    gone = [status(1), status(2)]
    insert_raw(store, [in_time(event) for event in gone])
    sent_again(store, "r9", 50)
    mend(store, Book(WARD, DAY.isoformat()), *gone)
    assert ledger(store) == [("repair", 2, 2, 0, 2)]


def test_book_of_which_the_end_of_the_day_is_not_known_begins_where_it_is_known(store: Store) -> None:
    book = Book(WARD, DAY.isoformat())
    insert_raw(store, [in_time(status(1)), late(status(2), 60), late(status(3), 70)])
    for event, minutes in ((status(1), -60), (status(2), 60)):
        book.apply(event, ms_after(minutes))
    revised(store, book)
    book.apply(status(3), ms_after(70))
    revised(store, book)
    assert ledger(store) == [("late", 2, 1, 1, 2), ("late", 2, 1, 2, 3)]


def test_rows_that_were_lost_and_sent_again_are_no_change(store: Store) -> None:
    book = missed(store, counted=3)
    store.command("DELETE FROM events WHERE seq = 101")
    repairs.record(
        store,
        [repairs.Repair("r1", repairs.REQUEST, "operator", WARD, EPOCH, 101, 101, "difference", DAY, 1)],
    )
    now = datetime.now(HANOI) + timedelta(milliseconds=1)  # it comes because it was asked for
    insert_raw(store, [Arrival(status(101), now)])
    assert ledger(store) == []
    insert_raw(store, [Arrival(status(110), now + timedelta(seconds=1))])
    book.apply(status(110), int((now.timestamp() + 1) * 1000))
    revised(store, book)
    assert [row[:3] for row in ledger(store)] == [("late", 2, 1)]


def rebuilt(store: Store, book: Book, minutes: float, *, cells: dict[str, list[int]], run: str = "b1") -> Run:
    """A rebuild that was done at that time: the newest record first, one of an earlier cell, and the newest
    again."""
    book.generation += 1
    one = Run(run, runs.DONE, ms_after(minutes), "test", "1", Scope((WARD,)), book.generation)
    kept = {name: list(amounts) for name, amounts in book.cells.items()}
    book.cells = cells
    where = (WARD, DAY.isoformat())
    found = Found(*where, "state", differences(*where, "state", kept, book, 0), ())
    runs.note(store, [one])
    at = f"fromUnixTimestamp64Milli({ms_after(minutes)})"
    store.command(f"INSERT INTO rebuilds SELECT * REPLACE ({at} AS at) FROM rebuilds WHERE run = '{run}'")
    store.command(f"DELETE FROM rebuilds WHERE run = '{run}' AND at > {at}")
    runs.changes(store, run, [found], {where: records.version(book.generation, book.revision)})
    insert(store, tables.BOOK, [rows.book_row(records.encode(book))])
    return one


def test_rebuild_is_a_change_at_its_end_and_what_comes_after_it_is_late(store: Store) -> None:
    book = missed(store, counted=3)
    (name,) = book.cells
    rebuilt(store, book, 120, cells={name: [2, 0]})
    insert_raw(store, [late(status(1), 130)])
    book.apply(status(1), ms_after(130))
    revised(store, book, ms_after(130))
    columns = "cause, change, old_count, new_count, run, arrived_at"
    found = ledger(store, columns)
    assert [row[:5] for row in found] == [("rebuild", -1, 3, 2, "b1"), ("late", 1, 2, 3, "")]
    assert found[0][5] == END + timedelta(minutes=120)


def test_event_of_the_time_in_which_workers_stood_still_for_a_rebuild_is_late(store: Store) -> None:
    book = missed(store, counted=3)
    (name,) = book.cells
    rebuilt(store, book, 120, cells={name: [5, 0]})
    insert_raw(store, [late(status(1), 110)])
    book.apply(status(1), ms_after(110))
    revised(store, book, ms_after(110))
    assert ledger(store) == [("late", 2, 1, 3, 4), ("rebuild", 2, 2, 4, 6)]


def test_rebuild_by_another_rule_is_said_although_no_count_changed(store: Store) -> None:
    book = missed(store, counted=3)
    (name,) = book.cells
    rebuilt(store, book, 120, cells={name: [3, 480]})
    assert ledger(store) == [("rebuild", 2, 0, 3, 3)]


def test_rebuild_within_the_day_is_no_correction(store: Store) -> None:
    book = missed(store, counted=3)
    (name,) = book.cells
    rebuilt(store, book, -30, cells={name: [2, 0]})
    assert ledger(store) == []
    insert_raw(store, [late(status(1), 60)])
    book.apply(status(1), ms_after(60))
    revised(store, book)
    assert ledger(store) == [("late", 2, 1, 2, 3)]


def test_rebuild_is_in_the_cuts_that_hold_its_generation_and_in_no_other(store: Store) -> None:
    book = missed(store, counted=3)
    (name,) = book.cells
    before, first, second = (cut_of_arrival(ms_after(minutes)) for minutes in (100, 119, 125))
    insert_cut(store, before)
    rebuilt(store, book, 120, cells={name: [7, 0]})
    # The cut that waited for the rebuild has an instant before its end.
    insert_cut(store, first, generation=1)
    insert_cut(store, second, generation=1)
    assert ledger(store, "change, cut") == [(4, first)]
    sql = "SELECT cause, change, cut FROM v_corrections_at(as_of = {as_of:String})"
    found = [store.query(sql, {"as_of": str(cut)}).rows for cut in (before, first, second)]
    assert found == [[], [("rebuild", 4, first)], [("rebuild", 4, first)]]


def test_repair_is_in_the_cuts_after_it_and_each_adds_up(store: Store) -> None:
    gone = [status(1), status(2)]
    book = missed(store, *gone)
    sent_again(store, "r9", 50)
    cuts = [insert_cut(store, cut_of_arrival(ms_after(minutes))) for minutes in (40, 65)]
    mend(store, book, *gone)
    numbers = [cut_of_arrival(at) for at in cuts]
    sql = "SELECT cause, change, old_count, new_count FROM v_corrections_at(as_of = {as_of:String})"
    assert [store.query(sql, {"as_of": str(one)}).rows for one in numbers] == [[], [("repair", 2, 1, 3)]]
    now = "SELECT received FROM v_ward_day_at(as_of = {as_of:String})"
    assert [store.value(now, {"as_of": str(one)}) for one in numbers] == [1, 3]


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


def forgetful(seed: int) -> list[Arrival]:
    """The same, of which the worker missed some; `again` is when it got them."""
    chance = random.Random(-seed)
    log = history(seed)
    first, rest = log[:2], log[2:]
    again = START + timedelta(days=6)
    return first + [one._replace(again=again) if chance.random() < 0.2 else one for one in rest]


@pytest.mark.parametrize("log", [history, forgetful])
@pytest.mark.parametrize("seed", range(4))
def test_figure_at_the_end_of_the_day_and_all_changes_add_up_to_the_figure_now(
    store: Store, seed: int, log: Callable[[int], list[Arrival]]
) -> None:
    take(store, log(seed))
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
