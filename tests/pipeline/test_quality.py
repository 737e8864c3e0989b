"""Goal: đúng, đủ, sạch, sống are what their comments say, for a ward, for the city, now and as of a cut.

Method: rows by hand with arrivals by hand, as the loader, the worker and the monitor put them in.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from dashboards.server.source import Source
from dashboards.server.views.city.quality import quality
from ops.stack.clickhouse import Endpoint
from producers.contract.codec import encode
from producers.contract.envelope import SequencedEvent
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Status
from streams.domain import records
from streams.domain.book import Book
from streams.domain.cut import BEGINNING_MS, GRID_MS
from streams.monitor import inputs
from streams.warehouse import as_of, questions, rows, tables
from streams.warehouse.block import Block, Span
from streams.warehouse.store import Store
from tests.builders import HANOI, START, WARD, closing, status
from tests.pipeline.warehouse import SQL, database, empty, insert, insert_cut

OTHER = "00004"
DAY, NEXT = datetime(2025, 7, 2, tzinfo=HANOI), datetime(2025, 7, 3, tzinfo=HANOI)
MORNING = DAY + timedelta(hours=8)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    empty(shared)
    for name in ("landed_seqs", "landed_offsets", "ward_state", "ward_states", "city_cut"):
        shared.command(f"TRUNCATE TABLE {name}")
    return shared


class City:
    """Puts messages in with an arrival of their own."""

    def __init__(self, store: Store) -> None:
        self.store, self._offset = store, 0

    def take(self, event: SequencedEvent | bytes, arrived: datetime, ward: str = WARD) -> None:
        block, self._offset = Block(), self._offset + 1
        span = Span("t1", "dossier.events", PARTITION_OF_WARD[ward], 0, -1)
        value = event if isinstance(event, bytes) else encode(event)
        block.take_event(span, value, ward.encode(), self._offset, int(arrived.timestamp() * 1000))
        for table, found in ((tables.EVENTS, block.events), (tables.REJECTS, block.rejects)):
            if found:
                insert(self.store, table, found)

    def live(self, seqs: range, at: datetime = MORNING, ward: str = WARD) -> None:
        for seq in seqs:
            self.take(status(seq, at=at, ward=ward), at + MINUTE, ward)

    def book(self, *events: SequencedEvent) -> None:
        book = Book(WARD, DAY.date().isoformat())
        for event in events:
            book.apply(event, int(MORNING.timestamp() * 1000))
        insert(self.store, tables.BOOK, [rows.book_row(records.encode(book))])

    def holes(self, table: str, cut: int, *holes: tuple[int, int, datetime], missing: int) -> None:
        """The monitor's judgement of the ward."""
        names: tuple[str, ...] = ("ward", "cut", "at", "alive", "judged_at", "missing", "hole_epoch")
        kinds: tuple[str, ...] = (
            *("String", "UInt64", "DateTime64(3)", "String", "DateTime64(3)"),
            *("UInt64", "Array(String)"),
        )
        at_ms = BEGINNING_MS + cut * GRID_MS if cut else int(NEXT.timestamp() * 1000)
        columns: list[Any] = [[WARD], [cut], [at_ms], ["active"], [at_ms], [missing], [["e"] * len(holes)]]
        arrays = zip(*holes, strict=True) if holes else ((), (), ())
        for name, kind, values in zip(
            ("hole_first", "hole_last", "hole_since"),
            ("Array(UInt64)", "Array(UInt64)", "Array(DateTime64(3))"),
            arrays,
            strict=True,
        ):
            moments = [int(v.timestamp() * 1000) if isinstance(v, datetime) else v for v in values]
            names, kinds = (*names, name), (*kinds, kind)
            columns.append([moments])
        self.store.insert(table, names, kinds, columns)


def of(store: Store, day: datetime = DAY, ward: str = WARD) -> dict[str, Any]:
    sql = "SELECT * FROM v_quality WHERE day = {day:Date32} AND ward = {ward:String}"
    (row,) = store.query(sql, {"day": day.date(), "ward": ward}).dicts()
    return row


def test_accurate_is_the_share_of_messages_that_were_not_rejected(store: Store) -> None:
    city = City(store)
    city.live(range(1, 4))
    city.take(status(2, at=MORNING), MORNING + 2 * MINUTE)  # again: one event, one message
    city.take(b"{", MORNING)
    row = of(store)
    assert (row["accurate"], row["messages"], row["rejected"], row["events"]) == (0.75, 4, 1, 3)
    assert "1 bị từ chối trong 4 thông điệp" in row["basis_vi"]
    assert "1 rejected of 4 messages" in row["basis_en"]


def test_complete_counts_what_is_missing_on_the_day_on_which_it_became_known(store: Store) -> None:
    city = City(store)
    city.live(range(1, 7))
    city.live(range(20, 22), NEXT)
    city.holes("ward_state", 0, (7, 8, MORNING), (10, 19, NEXT), missing=12)
    row, after = of(store), of(store, NEXT)
    assert (row["complete"], row["known"], row["missing"]) == (0.75, 8, 2)
    assert (after["known"], after["missing"]) == (12, 10)
    assert after["complete"] == pytest.approx(1 - 10 / 12)
    # What arrives at last is missing no more, and belongs to the day of its arrival.
    city.live(range(7, 9), NEXT)
    city.holes("ward_state", 0, (10, 19, NEXT), missing=10)
    assert (of(store)["complete"], of(store, NEXT)["known"]) == (1.0, 14)


def test_holes_beyond_those_that_are_listed_are_missing_too(store: Store) -> None:
    city = City(store)
    city.holes("ward_state", 0, (1, 2, MORNING), missing=7)
    assert (of(store)["missing"], of(store, NEXT)["missing"]) == (2, 5)
    assert (of(store)["complete"], of(store)["accurate"], of(store)["live"]) == (0.0, None, None)


def test_clean_falls_by_reused_seqs_and_by_declared_totals_that_differ(store: Store) -> None:
    city = City(store)
    city.live(range(1, 10))
    city.take(status(3, at=MORNING, status=Status.DONE), MORNING + 5 * MINUTE)
    events = [status(seq, at=MORNING) for seq in range(1, 10)]
    city.book(*events, closing(10, {Status.RECEIVED: 8, Status.DONE: 2}, at=MORNING))
    row = of(store)
    assert (row["events"], row["conflicts"], row["mismatches"], row["known"]) == (10, 1, 3, 9)
    assert row["clean"] == pytest.approx(1 - 4 / 10)


def test_clean_is_never_below_nothing(store: Store) -> None:
    city = City(store)
    city.live(range(1, 2))
    city.book(status(1, at=MORNING), closing(2, {Status.RECEIVED: 50}, at=MORNING))
    assert (of(store)["clean"], of(store)["mismatches"]) == (0.0, 49)


def test_live_is_the_share_within_a_quarter_of_an_hour_without_backfill(store: Store) -> None:
    city = City(store)
    city.take(status(1, at=MORNING), MORNING + 15 * MINUTE)
    city.take(status(2, at=MORNING), MORNING + 15 * MINUTE + timedelta(milliseconds=1))
    city.take(status(3, at=MORNING + MINUTE), MORNING)  # its clock is ahead
    city.take(status(4, at=START), MORNING)  # of the day before the ward was first heard
    row = of(store)
    assert (row["timely"], row["timely_of"], row["backfill"], row["events"]) == (2, 3, 1, 4)
    assert row["live"] == pytest.approx(2 / 3)
    # The same late event of a ward that had joined before is late, and no backfill.
    city.take(status(5, at=MORNING), NEXT)
    after = of(store, NEXT)
    assert (after["timely"], after["timely_of"], after["backfill"], after["live"]) == (0, 1, 0, 0.0)


def test_delay_of_a_ward_leaves_its_backfill_out(store: Store) -> None:
    """The page said that events were late by 501 days."""
    city, at_ms = City(store), int((MORNING + 60 * MINUTE).timestamp() * 1000)
    for seq in range(1, 30):
        city.take(status(seq, at=START), MORNING)
    assert inputs.delays(store, at_ms) == {}
    city.take(status(30, at=MORNING), MORNING + 2 * MINUTE)
    assert inputs.delays(store, at_ms) == {WARD: (120_000, 120_000)}
    # Late, of a ward that had joined: that is a delay.
    city.take(status(31, at=MORNING), MORNING + 50 * MINUTE)
    (found,) = inputs.delays(store, at_ms).values()
    assert 120_000 < found[0] < found[1] <= 3_000_000


@pytest.mark.parametrize("days_later", [0, 3, 4, 30, 31, 400])
def test_the_page_shows_the_newest_day_with_data_however_old_it_is(store: Store, days_later: int) -> None:
    city = City(store)
    city.live(range(1, 4), DAY - timedelta(days=60))
    city.live(range(4, 6))
    found = quality(Source(store), DAY.date() + timedelta(days=days_later))
    assert found is not None
    assert (found["day"], found["messages"]) == (DAY.date(), 2)
    before = quality(Source(store), DAY.date() - timedelta(days=1))
    assert before is not None
    assert (before["day"], before["messages"]) == (DAY.date() - timedelta(days=60), 3)


def test_the_page_shows_no_quality_before_anything_arrived(store: Store) -> None:
    assert quality(Source(store), DAY.date()) is None


def test_city_sums_wards_and_counts_rejects_of_nobody(store: Store) -> None:
    city = City(store)
    city.live(range(1, 3))
    city.live(range(1, 2), ward=OTHER)
    block, span = Block(), Span("t1", "dossier.events", 0, 0, -1)
    block.take_event(span, b"{", b"nobody", 99, int(MORNING.timestamp() * 1000))
    insert(store, tables.REJECTS, block.rejects)
    (row,) = store.query("SELECT * FROM v_quality_city").dicts()
    assert (row["day"], row["wards"], row["events"], row["messages"], row["rejected"]) == (
        DAY.date(),
        2,
        3,
        4,
        1,
    )
    assert (row["accurate"], row["complete"], row["clean"], row["live"]) == (0.75, 1.0, 1.0, 1.0)
    question = questions.load(SQL / "questions")["data-quality"]
    answer = {one["ward"]: one for one in questions.run(store, question).dicts()}
    assert set(answer) == {"", WARD, OTHER}
    assert (answer[WARD]["accurate"], answer[""]["accurate"], answer[""]["events"]) == (1.0, 0.0, 0)


def test_quality_as_of_a_cut_is_what_was_known_then(store: Store) -> None:
    first = int((MORNING.timestamp() * 1000 - BEGINNING_MS) // GRID_MS) + 60
    cut_ms = insert_cut(store, first)
    cut = datetime.fromtimestamp(cut_ms / 1000, HANOI)
    city = City(store)
    city.live(range(1, 4))
    city.take(b"{", cut)
    city.holes("ward_states", first, (4, 4, MORNING), missing=1)
    sql = as_of.rewrite("SELECT * FROM v_quality UNION ALL SELECT * FROM v_quality", as_of.travelling(SQL))
    before = store.query(sql, as_of.bound(str(first))).rows
    late = cut + timedelta(milliseconds=1)
    city.take(status(4, at=MORNING), late)
    city.take(status(3, at=MORNING, status=Status.DONE), late)
    city.take(b"{", late)
    city.holes("ward_state", 0, missing=0)
    store.command("OPTIMIZE TABLE events FINAL")
    assert store.query(sql, as_of.bound(str(first))).rows == before
    assert before[0][-1].startswith("accurate: 1 rejected of 4 messages; complete: 1 missing of 4 known")
    row = of(store)
    assert (row["rejected"], row["missing"], row["events"], row["conflicts"]) == (2, 0, 5, 1)
