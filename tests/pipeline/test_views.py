"""Goal: every figure of a view is what its comment says. Method: a few rows by hand, sums by hand.

The rows go in as the loader puts them in; Kafka is left out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract.codec import encode
from producers.contract.envelope import (
    DifficultyAssignedEvent,
    DifficultyReportedEvent,
    DifficultyResolvedEvent,
    SequencedEvent,
    StatusChangedEvent,
    wrap,
)
from producers.contract.errors import Stop
from producers.contract.events import Difficulty
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Channel, Status
from streams.domain import records
from streams.domain.book import Book, day_of
from streams.domain.sync import Beat, WardSync
from streams.warehouse import questions, rows, tables
from streams.warehouse.block import Block, Span
from streams.warehouse.store import Store
from tests.builders import EPOCH, START, WARD, closing, retraction, status
from tests.pipeline.warehouse import SQL, database, empty, insert, insert_cut

OTHER = "00004"
# Rejects and revisions are kept for a time after their arrival, so arrivals are recent ones.
NOW_MS = time.time_ns() // 1_000_000
FINISHED: dict[str, Any] = {"status": Status.DONE, "finished_at": START + timedelta(hours=1)}


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    """The module's database, emptied."""
    empty(shared)
    return shared


class Raw:
    """Puts events into the raw tables, one millisecond and one offset after the other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._offset = 0

    def put(self, *events: SequencedEvent) -> None:
        block = Block()
        for event in events:
            ward = event.data.ward
            span = Span("t1", "dossier.events", PARTITION_OF_WARD[ward], 0, -1)
            self._offset += 1
            arrived_ms = NOW_MS + self._offset
            block.take_event(span, encode(event), ward.encode(), self._offset, arrived_ms)
        assert not block.rejects
        insert(self._store, tables.EVENTS, block.events)


def put_books(store: Store, *events: SequencedEvent) -> None:
    """Count events into books as the worker does."""
    books: dict[tuple[str, str], Book] = {}
    for event in events:
        where = event.data.ward, day_of(event, event.time.timestamp())
        books.setdefault(where, Book(*where)).apply(event, NOW_MS)
    insert(store, tables.BOOK, [rows.book_row(records.encode(book)) for book in books.values()])


def one(store: Store, sql: str) -> dict[str, Any]:
    (row,) = store.query(sql).dicts()
    return row


def test_ward_day_counts_each_status_and_timeliness(store: Store) -> None:
    due = START + timedelta(days=1)
    put_books(
        store,
        status(1),
        status(2, channel=Channel.ONLINE),
        status(3, **FINISHED, due_at=due),
        status(4, **FINISHED, due_at=START),
        status(5, **FINISHED, due_at=START - timedelta(days=1)),
        status(6, **FINISHED),
        status(7, status=Status.RETURNED, finished_at=START, due_at=due),
        *(status(10 + int(s), status=s) for s in (Status.NOT_ACCEPTED, Status.SUPPLEMENT, Status.WITHDRAWN)),
        status(20, status=Status.STOPPED),
        closing(21, {Status.RECEIVED: 3, Status.DONE: 4}),
    )
    row = one(store, "SELECT * FROM v_ward_day")
    assert (row["day"], row["ward_name"], row["kind"]) == (date(2025, 7, 1), "Hoàn Kiếm", "phuong")
    assert (row["received"], row["online"], row["resolved"], row["returned"]) == (2, 1, 4, 1)
    assert (row["early"], row["on_time"], row["overdue"]) == (1, 2, 1)
    assert (row["refused"], row["supplements"], row["withdrawn"], row["stopped"]) == (1, 1, 1, 1)
    assert (row["minutes"], row["events"]) == (4 * 60, 12)
    assert (row["declared"], row["declared_received"], row["declared_resolved"]) == (True, 3, 4)


def test_newest_version_of_a_book_is_shown_whatever_the_order(store: Store) -> None:
    first, second = Book(WARD, "2025-07-01"), Book(WARD, "2025-07-01")
    first.apply(status(1), NOW_MS)
    for seq in (1, 2):
        second.apply(status(seq), NOW_MS)
    made = [rows.book_row(records.encode(book)) for book in (second, first)]
    for row in made:
        insert(store, tables.BOOK, [row])
    assert one(store, "SELECT received, revision FROM v_ward_day") == {"received": 2, "revision": 2}
    revisions = store.query("SELECT revision, received FROM v_revisions ORDER BY revision").rows
    assert revisions == [(1, 1), (2, 2)]


def test_city_day_sums_wards(store: Store) -> None:
    put_books(
        store, status(1), status(2, channel=Channel.ONLINE), status(1, ward=OTHER, channel=Channel.ONLINE)
    )
    row = one(store, "SELECT * FROM v_city_day")
    assert (row["received"], row["online"], row["wards_reporting"], row["events"]) == (3, 2, 2, 3)
    assert row["online_share"] == pytest.approx(2 / 3)


def test_detail_has_a_row_for_each_cell(store: Store) -> None:
    put_books(store, status(1), status(2), status(3, **FINISHED))
    found = store.query(
        "SELECT status, timeliness, count, minutes FROM v_ward_day_detail ORDER BY status"
    ).rows
    assert found == [(2, "open", 2, 0), (9, "on_time", 1, 60)]


def test_same_event_twice_is_one_row_and_the_first_arrival_stays(store: Store) -> None:
    raw = Raw(store)
    for _ in range(3):
        raw.put(status(1))
    row = one(store, "SELECT count() AS rows, any(`offset`) AS first FROM events FINAL")
    assert row == {"rows": 1, "first": 1}
    assert store.query("SELECT * FROM v_conflicts").rows == []


def test_reused_seq_is_a_conflict_and_only_the_first_arrival_counts(store: Store) -> None:
    raw = Raw(store)
    raw.put(status(1))
    raw.put(status(1, dossier=f"H26.{WARD}-250701-9999", status=Status.DONE))
    raw.put(status(1))
    rows_found = store.query(
        "SELECT counted, status, kafka_offset FROM v_conflicts ORDER BY kafka_offset"
    ).rows
    assert rows_found == [(True, 2, 1), (False, 9, 2)]
    assert store.query("SELECT dossier, status FROM v_dossiers").rows == [(f"H26.{WARD}-250701-0001", 2)]


def test_same_content_in_another_zone_is_no_conflict(store: Store) -> None:
    from datetime import UTC

    raw, event = Raw(store), status(1)
    raw.put(event, status(1, at=event.time.astimezone(UTC), received_at=START.astimezone(UTC)))
    assert store.value("SELECT count() FROM events FINAL") == 1


STEPS: list[StatusChangedEvent] = [
    status(1, dossier="H26.00070-250701-0001"),
    status(2, dossier="H26.00070-250701-0001", status=Status.PROCESSING, at=START + timedelta(hours=1)),
    status(3, dossier="H26.00070-250701-0001", status=Status.DONE, at=START + timedelta(hours=2)),
]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (3, 0, 2, 1), (2, 3, 3, 2, 1, 0)])
def test_retracted_end_opens_the_dossier_again_in_any_order(store: Store, order: tuple[int, ...]) -> None:
    events: list[SequencedEvent] = [*STEPS, retraction(4, STEPS[2], at=START + timedelta(hours=3))]
    raw = Raw(store)
    for index in order:
        raw.put(events[index])
    row = one(store, "SELECT status, open, steps, ended_at FROM v_dossiers")
    assert row == {"status": 4, "open": True, "steps": 2, "ended_at": None}


def test_dossier_ends_by_its_first_end_status(store: Store) -> None:
    handed = status(4, dossier=STEPS[0].data.dossier, status=Status.RETURNED, at=START + timedelta(hours=5))
    Raw(store).put(*STEPS, handed)
    row = one(store, "SELECT status, open, ended_at FROM v_dossiers")
    assert (row["status"], row["open"], row["ended_at"]) == (10, False, START + timedelta(hours=2))


def test_wholly_retracted_dossier_is_gone(store: Store) -> None:
    Raw(store).put(STEPS[0], retraction(4, STEPS[0]))
    assert store.query("SELECT * FROM v_dossiers").rows == []


def test_backlog_and_overdue_count_open_dossiers(store: Store) -> None:
    late, fresh = START + timedelta(days=1), START + timedelta(days=3_000)
    Raw(store).put(
        status(1, due_at=late),
        status(2, due_at=fresh),
        status(3, field="ho-tich"),
        status(4, due_at=late, dossier="H26.00070-250701-0044"),
        status(5, due_at=late, dossier="H26.00070-250701-0044", **FINISHED),
        status(6, field="ho-tich", status=Status.REGISTERED),
    )
    sql = "SELECT field, backlog, waiting, overdue, days_max > 100 FROM v_backlog ORDER BY field"
    assert store.query(sql).rows == [("chung-thuc", 2, 0, 1, 1), ("ho-tich", 1, 1, 0, 1)]
    row = one(store, "SELECT ward_name, dossier, days_late FROM v_overdue")
    assert (row["ward_name"], row["dossier"]) == ("Hoàn Kiếm", "H26.00070-250701-0001")
    assert row["days_late"] >= (date.today() - late.date()).days - 1  # noqa: DTZ011 - a day more or less


def test_ward_sync_lists_all_wards_and_the_present_epoch(store: Store) -> None:
    seqs = {"old": [1, 90], "new": [1, 4, 7, 9]}
    sync = WardSync(WARD, 0, 1, seqs, 1_751_331_600_000, 1_760_000_000_000, rejected=3)
    sync.beat = Beat(1_760_000_100_000, 1_760_000_100_000, "new", 10, 6)
    insert(store, tables.WARD_SYNC, [rows.sync_row(records.encode(sync))])
    assert store.value("SELECT count() FROM v_ward_sync") == 126
    row = one(store, f"SELECT * FROM v_ward_sync WHERE ward = '{WARD}'")
    assert (row["epoch"], row["contiguous"], row["highest"], row["missing"]) == ("new", 4, 9, 3)
    assert (row["pending"], row["rejected"], row["complete"], row["events"]) == (6, 3, False, 97)
    assert row["heard_at"].timestamp() == 1_760_000_100
    assert (row["hole_first"], row["hole_last"]) == ([5, 10], [6, 10])
    never = one(
        store, f"SELECT complete, epoch, contiguous, heard_at FROM v_ward_sync WHERE ward = '{OTHER}'"
    )
    assert never == {"complete": False, "epoch": "", "contiguous": 0, "heard_at": None}


def test_rejects_show_reason_and_remedy_but_no_bytes(store: Store) -> None:
    block, span = Block(), Span("t1", "dossier.events", 0, 0, -1)
    block.take_event(span, b"Nguyen Van A, 0912345678", b"Nguyen Van A", 0, NOW_MS)
    insert(store, tables.REJECTS, block.rejects)
    row = one(store, "SELECT * FROM v_rejects")
    assert (row["reason"], row["bytes"]) == ("not_json", 24)
    assert row["remedy_vi"].startswith("Gửi một đối tượng JSON")
    assert "Nguyen" not in repr(row)


def test_difficulty_has_its_newest_step(store: Store) -> None:
    def step(cls: type[SequencedEvent], seq: int, **members: Any) -> SequencedEvent:
        data = Difficulty(ward=WARD, epoch=EPOCH, seq=seq, difficulty="D1", group=7, **members)
        return wrap(cls, data, START + timedelta(hours=seq))

    Raw(store).put(
        step(DifficultyAssignedEvent, 2, owner="so-noi-vu", due=START + timedelta(days=3)),
        step(DifficultyReportedEvent, 1),
    )
    row = one(store, "SELECT * FROM v_difficulties")
    assert (row["step"], row["open"], row["owner"], row["difficulty_group"]) == (
        "assigned",
        True,
        "so-noi-vu",
        7,
    )
    assert row["due_at"] == START + timedelta(days=3)
    Raw(store).put(step(DifficultyResolvedEvent, 3))
    assert one(store, "SELECT open, owner FROM v_difficulties") == {"open": False, "owner": "so-noi-vu"}


def test_coverage_holes_are_between_runs_and_before_the_first(store: Store) -> None:
    runs = [(0, 5, 9), (0, 10, 30), (0, 12, 20), (0, 40, 50), (1, 0, 7), (1, 0, 9), (1, 8, 12)]
    insert(
        store,
        tables.COVERAGE,
        [("t1", "dossier.events", partition, first, last, 0, 0, 0, 0) for partition, first, last in runs],
    )
    found = store.query(
        "SELECT partition, first_offset, last_offset FROM v_coverage_holes ORDER BY first_offset"
    ).rows
    assert found == [(0, 0, 4), (0, 31, 39)]


QUESTIONS = questions.load(SQL / "questions")


@pytest.mark.parametrize("name", QUESTIONS)
def test_question_runs_with_its_defaults(store: Store, name: str) -> None:
    put_books(store, status(1), status(2, channel=Channel.ONLINE))
    Raw(store).put(status(1, due_at=START), status(2))
    question = QUESTIONS[name]
    assert question.vi
    assert question.en
    assert question.audience
    questions.run(store, question)


def test_question_city_by_day_takes_a_period(store: Store) -> None:
    put_books(store, status(1), status(2, at=START + timedelta(days=1)))
    question = QUESTIONS["city-by-day"]
    assert sum(row["received"] for row in questions.run(store, question).dicts()) == 2
    (row,) = questions.run(store, question, {"from": "2025-07-02", "to": "2025-07-02"}).dicts()
    assert (row["day"], row["received"]) == (date(2025, 7, 2), 1)


@pytest.mark.parametrize("name", ["channels-by-week", "fields-by-received", "not-finished-by-field"])
@pytest.mark.parametrize(
    ("given", "received"),
    [
        ({}, 2),
        ({"from": "2025-07-01"}, 3),
        ({"to": "2026-07-01"}, 2),
        ({"to": "2026-06-30"}, 1),
        ({"from": "2026-07-02"}, 1),
    ],
)
def test_question_about_cells_takes_366_days_up_to_the_last_unless_told(
    store: Store, name: str, given: dict[str, str], received: int
) -> None:
    """Received on 2025-07-01, 2026-07-01 (366 days up to it hold the first) and 2026-07-02 (they do not)."""
    put_books(store, *(status(n, at=START + timedelta(days=day)) for n, day in enumerate((0, 365, 366), 1)))
    assert sum(row["received"] for row in questions.run(store, QUESTIONS[name], given).dicts()) == received


@pytest.mark.parametrize("name", ["hour-profile", "procedures-by-received"])
@pytest.mark.parametrize(
    ("given", "received"), [({}, 1), ({"to": "2025-07-02"}, 1), ({"from": "2025-07-01"}, 2)]
)
def test_question_about_receptions_takes_90_days_up_to_the_last_unless_told(
    store: Store, name: str, given: dict[str, str], received: int
) -> None:
    events = [
        status(n, at=START + timedelta(days=day), received_at=START + timedelta(days=day))
        for n, day in enumerate((0, 365), 1)
    ]
    put_books(store, *events)
    Raw(store).put(*events)
    assert sum(row["received"] for row in questions.run(store, QUESTIONS[name], given).dicts()) == received


def test_question_missing_wards_says_why(store: Store) -> None:
    sync = WardSync(WARD, 0, 1, {EPOCH: [1, 4, 7, 9]}, 1, 1)
    whole = WardSync(OTHER, 0, 1, {EPOCH: [1, 4]}, 1, 1)
    insert(store, tables.WARD_SYNC, [rows.sync_row(records.encode(one_)) for one_ in (sync, whole)])
    put_books(store, status(1), status(1, ward=OTHER))
    answer = questions.run(store, QUESTIONS["missing-wards"], {"day": "2025-07-01"}).dicts()
    why = {row["ward"]: row["why"] for row in answer}
    assert (len(why), why[WARD], why["00025"]) == (125, "events_missing", "never_heard")


def test_question_overdue_is_as_of_a_day(store: Store) -> None:
    Raw(store).put(status(1, due_at=START + timedelta(days=3)), status(2, due_at=START + timedelta(days=9)))
    question = QUESTIONS["overdue-by-ward"]
    for day, count in (("2025-07-04", []), ("2025-07-05", [1]), ("2025-07-12", [2])):
        assert [row["overdue"] for row in questions.run(store, question, {"day": day}).dicts()] == count


def test_question_with_an_unknown_parameter_is_refused(store: Store) -> None:
    with pytest.raises(Stop, match="Did you mean from"):
        questions.run(store, QUESTIONS["city-by-day"], {"form": "2025-07-01"})


def test_question_values_are_bound_never_pasted(store: Store) -> None:
    with pytest.raises(Stop):
        questions.run(store, QUESTIONS["city-by-day"], {"from": "2025-07-01'; DROP TABLE book; --"})
    assert store.value("EXISTS TABLE book") == 1


def test_reader_reads_every_view(store: Store, clickhouse: Endpoint) -> None:
    with clickhouse.reader(store.address.database) as reader:
        insert_cut(store, 6_000_000)
        for (view,) in store.query("SHOW TABLES LIKE 'v_%'").rows:
            asked = f"{view}(as_of = '6000000')" if view.endswith("_at") else view
            reader.query(f"SELECT * FROM {asked} LIMIT 1")
