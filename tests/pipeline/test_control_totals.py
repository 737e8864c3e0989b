"""Goal: what a ward declared is compared with its book, down to the status and the missing seqs.

Method: books and sync records as the worker makes them, from events by hand, in the real engine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract.codec import encode
from producers.contract.envelope import DayClosedEvent, RetractedEvent, SequencedEvent, wrap
from producers.contract.events import DayClosed, Retracted
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Status
from streams.domain import records
from streams.domain.book import Book, day_of
from streams.domain.sync import WardSync
from streams.warehouse import questions, rows, tables
from streams.warehouse.block import Block, Span
from streams.warehouse.store import Store
from tests.builders import EPOCH, HANOI, START, WARD, closing, retraction, status
from tests.pipeline.warehouse import SQL, database, empty, insert, insert_cut

NOW_MS = time.time_ns() // 1_000_000
DAY = START.date()
TWO = {Status.RECEIVED: 2}


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    empty(shared)
    shared.command("TRUNCATE TABLE city_cut")
    return shared


def take(store: Store, events: Sequence[SequencedEvent], arrived_ms: int = NOW_MS) -> None:
    """What loader and worker make of these events, in this order."""
    books: dict[tuple[str, str], Book] = {}
    sync, block = WardSync(WARD), Block()
    for offset, event in enumerate(events):
        time_s = event.time.timestamp()
        span = Span("t1", "dossier.events", PARTITION_OF_WARD[WARD], 0, -1)
        block.take_event(span, encode(event), WARD.encode(), offset, arrived_ms + offset)
        if sync.take(event.data.epoch, event.data.seq, int(time_s * 1000), arrived_ms):
            where = WARD, day_of(event, time_s)
            books.setdefault(where, Book(*where)).apply(event, arrived_ms)
    insert(store, tables.EVENTS, block.events)
    insert(store, tables.BOOK, [rows.book_row(records.encode(book)) for book in books.values()])
    insert(store, tables.WARD_SYNC, [rows.sync_row(records.encode(sync))])


def of_day(store: Store, day: date = DAY) -> dict[str, Any]:
    sql = "SELECT * FROM v_control_totals WHERE ward = {w:String} AND day = {d:Date32}"
    (found,) = store.query(sql, {"w": WARD, "d": day}).dicts()
    return found


def details(store: Store) -> list[tuple[int, int, int, int]]:
    sql = "SELECT status, declared, counted, difference FROM v_control_totals_detail ORDER BY status"
    return [tuple(row) for row in store.query(sql).rows]


def test_declared_totals_that_the_book_has_are_matched(store: Store) -> None:
    take(store, [status(1), status(2), closing(3, TWO)])
    found = of_day(store)
    assert (found["state"], found["declared"], found["counted"], found["difference"]) == ("matched", 2, 2, 0)
    assert (found["short_by"], found["over_by"], found["missing"]) == (0, 0, 0)
    assert details(store) == [(2, 2, 2, 0)]


def test_day_that_lacks_events_is_short_and_names_their_seqs(store: Store) -> None:
    came = [status(1), status(4), status(6), status(7, status=Status.DONE)]
    take(store, [*came, closing(8, {Status.RECEIVED: 6, Status.DONE: 1})])
    found = of_day(store)
    assert (found["state"], found["short_by"], found["over_by"], found["difference"]) == ("short", 3, 0, -3)
    assert (found["missing"], found["missing_first"], found["missing_last"]) == (3, [2, 5], [3, 5])
    assert found["words_vi"] == "sổ thiếu 3 bước; chưa đến 3 sự kiện, số thứ tự 2-3, 5"
    assert found["words_en"] == "short by 3; 3 events have not arrived, seqs 2-3, 5"
    assert details(store) == [(2, 6, 3, -3), (9, 1, 1, 0)]


def test_seqs_missing_outside_the_declared_range_are_another_days(store: Store) -> None:
    data = DayClosed(ward=WARD, epoch=EPOCH, seq=9, day=DAY, counts=TWO, first_seq=4, last_seq=6)
    closed = wrap(DayClosedEvent, data, START)
    take(store, [status(1), status(4), closed])
    found = of_day(store)
    assert (found["missing_first"], found["missing_last"]) == ([5], [6])
    assert found["state"] == "matched"  # it counts two received: those of the day


def test_short_day_of_which_every_seq_is_here_is_the_wards_own_count(store: Store) -> None:
    take(store, [status(1), status(2), closing(3, {Status.RECEIVED: 7})])
    found = of_day(store)
    assert (found["state"], found["short_by"], found["missing"]) == ("short", 5, 0)
    assert "every seq has arrived: the ward's own count is off" in found["words_en"]


def test_day_with_more_than_declared_is_over(store: Store) -> None:
    take(store, [status(1), status(2), status(3), closing(4, TWO)])
    found = of_day(store)
    assert (found["state"], found["over_by"], found["difference"]) == ("over", 1, 1)


def test_step_that_is_declared_under_another_status_is_short_and_over(store: Store) -> None:
    take(store, [status(1), closing(2, {Status.PROCESSING: 1})])
    found = of_day(store)
    assert (found["state"], found["short_by"], found["over_by"], found["difference"]) == ("short", 1, 1, 0)


def test_declared_totals_are_net_of_the_wards_retractions_as_the_book_is(store: Store) -> None:
    steps = [status(1), status(2)]
    take(store, [*steps, retraction(3, steps[0]), closing(4, {Status.RECEIVED: 1})])
    assert of_day(store)["state"] == "matched"


def test_retraction_by_the_city_explains_what_the_ward_does_not_know(store: Store) -> None:
    steps = [status(1), status(2)]
    taken = Retracted(
        ward=WARD, epoch="city-corrections-1", seq=1, of=steps[0].data, of_time=steps[0].time, reason="wrong"
    )
    take(store, [*steps, closing(3, TWO), wrap(RetractedEvent, taken, START)])
    found = of_day(store)
    assert (found["state"], found["corrected"]) == ("short", 1)
    assert "(the city took 1 steps back)" in found["words_en"]


def test_later_closing_replaces_an_earlier_one(store: Store) -> None:
    again = closing(5, {Status.RECEIVED: 3}, at=START + timedelta(hours=1))
    take(store, [status(1), status(2), closing(3, TWO), status(4), again])
    assert of_day(store)["state"] == "matched"


def test_only_working_days_that_have_ended_are_expected_to_be_closed(store: Store) -> None:
    friday, saturday = datetime(2025, 7, 4, 9, tzinfo=HANOI), datetime(2025, 7, 5, 9, tzinfo=HANOI)
    today = datetime.now(HANOI)
    take(store, [status(1, at=friday), status(2, at=saturday), status(3, at=today)])
    sql = "SELECT day, state FROM v_control_totals WHERE day IN ({f:Date32}, {s:Date32}, {t:Date32})"
    days = {"f": friday.date(), "s": saturday.date(), "t": today.date()}
    assert store.query(sql, days).rows == [(friday.date(), "not_declared")]


def test_working_days_without_any_event_are_expected_a_month_back(store: Store) -> None:
    take(store, [status(1)])
    silent = store.query("SELECT day FROM v_control_totals WHERE day != {d:Date32}", {"d": DAY}).rows
    working = store.query(
        "SELECT day FROM office_days FINAL WHERE working AND day >= toDate(now('Asia/Ho_Chi_Minh')) - 31"
        " AND day < toDate(now('Asia/Ho_Chi_Minh'))"
    ).rows
    assert sorted(silent) == sorted(working)
    assert 15 < len(working) < 25


def test_calendar_has_holidays_and_make_up_saturdays(store: Store) -> None:
    rows_of = store.query(
        "SELECT day, working, name_vi != '' FROM office_days FINAL"
        " WHERE day IN ('2025-04-26', '2025-05-01', '2025-05-02', '2025-07-14') ORDER BY day"
    ).rows
    assert [row[1:] for row in rows_of] == [(True, False), (False, True), (False, True), (True, False)]
    assert store.value("SELECT count() FROM office_days FINAL") == 8036


def test_totals_as_of_a_cut_are_those_of_the_cut(store: Store) -> None:
    at_ms = insert_cut(store, 6_000_000)
    take(store, [status(1), status(2), closing(3, TWO)], arrived_ms=at_ms - 5000)
    take(store, [status(1), status(2), closing(3, TWO), status(4)], arrived_ms=at_ms + 5000)
    sql = "SELECT state FROM v_control_totals_at(as_of = {as_of:String}) WHERE day = '2025-07-01'"
    assert of_day(store)["state"] == "over"
    assert store.value(sql, {"as_of": "6000000"}) == "matched"


def test_question_lists_the_wards_that_are_wrong_first(store: Store) -> None:
    take(store, [status(1), closing(3, TWO)])
    question = questions.load(SQL / "questions")["control-totals"]
    (found,) = questions.run(store, question, {"day": DAY.isoformat()}).dicts()
    assert (found["ward"], found["state"], found["missing"]) == (WARD, "short", 1)
