"""Goal: one message becomes exactly one row, always the same, and no admitted value can fail an insert.

Method: build events, go through the encoded bytes, look at columns by their names.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from producers.contract.codec import encode
from producers.contract.envelope import Event, wrap_heartbeat
from producers.contract.errors import Reject
from producers.contract.events import Heartbeat
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Applicant, Channel, Status
from streams.domain import records
from streams.domain.book import Book, Declared
from streams.domain.cut import cut_of_arrival, instant_of_cut
from streams.domain.lifecycle import entry_of
from streams.domain.sync import Beat, WardSync
from streams.warehouse import rows, tables
from streams.warehouse.block import Block, Span
from streams.warehouse.tables import Table
from tests.builders import EPOCH, HANOI, START, WARD, closing, retraction, status

ARRIVED_MS = 1_760_000_000_123


def taken(value: bytes | None, key: bytes | None = WARD.encode(), partition: int | None = None) -> Block:
    block = Block()
    found = PARTITION_OF_WARD[WARD] if partition is None else partition
    span = Span("topic-id", "dossier.events", found, 7, 6)
    block.spans.append(span)
    block.take_event(span, value, key, 7, ARRIVED_MS)
    return block


def named(table: Table, row: rows.Row) -> dict[str, Any]:
    return dict(zip(table.columns, row, strict=True))


def event_of(event: Event) -> dict[str, Any]:
    (row,) = taken(encode(event)).events
    return named(tables.EVENTS, row)


def test_status_event_keeps_every_member_and_its_coordinates() -> None:
    event = status(
        3,
        at=START + timedelta(days=2, microseconds=500),
        status=Status.DONE,
        channel=Channel.ONLINE,
        received_at=START,
        due_at=START + timedelta(days=3),
        finished_at=START + timedelta(days=2),
        applicant=Applicant.BUSINESS,
        service_level=4,
        paid_online=True,
        digitised=False,
    )
    row = event_of(event)
    ms = int(START.timestamp()) * 1000
    assert row == {
        "ward": WARD,
        "epoch": EPOCH,
        "seq": 3,
        "type": "dongbo.dossier.status-changed.v1",
        "occurred_at": ms + 2 * 86_400_000 + 1,
        "book_day": (event.time.date() - datetime(1970, 1, 1).date()).days,  # noqa: DTZ001
        "arrived_at": ARRIVED_MS,
        "dossier": event.data.dossier,
        "procedure": "2.000815",
        "field": "chung-thuc",
        "channel": "online",
        "status": 9,
        "received_at": ms,
        "due_at": ms + 3 * 86_400_000,
        "finished_at": ms + 2 * 86_400_000,
        "applicant": "business",
        "service_level": 4,
        "paid_online": 1,
        "digitised": 0,
        "timeliness": "early",
        "minutes": 960,
        "of_epoch": "",
        "of_seq": 0,
        "body": "",
        "topic_id": "topic-id",
        "partition": PARTITION_OF_WARD[WARD],
        "offset": 7,
    }


@pytest.mark.parametrize("due", [None, -1, 0, 1])
@pytest.mark.parametrize("finished", [None, 0, 30])
def test_timeliness_and_minutes_are_the_book_s(due: int | None, finished: int | None) -> None:
    event = status(
        1,
        due_at=None if due is None else START + timedelta(days=due),
        finished_at=None if finished is None else START + timedelta(hours=finished),
    )
    row, entry = event_of(event), entry_of(event.data)
    assert (row["timeliness"], row["minutes"]) == (entry.cell.rpartition("|")[2], entry.minutes)


def test_retraction_names_the_step_it_takes_back_and_its_day() -> None:
    of = status(1, status=Status.DONE)
    row = event_of(retraction(2, of, at=START + timedelta(days=5)))
    assert (row["of_epoch"], row["of_seq"], row["status"], row["dossier"]) == (EPOCH, 1, 9, of.data.dossier)
    assert row["book_day"] == (START.date() - datetime(1970, 1, 1).date()).days  # noqa: DTZ001
    assert row["body"] == encode(retraction(2, of, at=START + timedelta(days=5))).decode()


def test_closing_has_no_step_and_keeps_its_body() -> None:
    row = event_of(closing(9, {Status.RECEIVED: 4}))
    assert (row["status"], row["dossier"], row["received_at"]) == (0, "", None)
    assert '"counts":{"2":4}' in row["body"]


def test_heartbeat_has_its_own_row() -> None:
    beat = Heartbeat(ward=WARD, epoch=EPOCH, last_seq=12, outbox_pending=4, clock=START)
    block = taken(encode(wrap_heartbeat(beat)))
    row = named(tables.HEARTBEATS, block.heartbeats[0])
    assert (row["last_seq"], row["outbox_pending"], row["offset"]) == (12, 4, 7)
    assert not block.events
    assert block.spans[0].heartbeats == 1


def test_heartbeat_numbers_beyond_the_columns_are_clamped() -> None:
    value = encode(
        wrap_heartbeat(Heartbeat(ward=WARD, epoch=EPOCH, last_seq=12, outbox_pending=4, clock=START))
    )
    block = taken(value.replace(b":12,", b":%d," % 2**80))
    assert not block.heartbeats or block.heartbeats[0][4] == 2**64 - 1


@pytest.mark.parametrize(
    ("value", "key", "reason"),
    [
        (None, WARD.encode(), "null_value"),
        (b"\xff\xfe\x00", WARD.encode(), "not_json"),
        (b"[" * 5000, WARD.encode(), "bad_shape"),
        (b"x" * 70_000, WARD.encode(), "too_large"),
        (b"{}", WARD.encode(), "unknown_type"),
        (encode(status(1)), None, "identity_mismatch"),
        (encode(status(1)), b"\xff\xff", "identity_mismatch"),
    ],
)
def test_bad_message_is_kept_with_reason_and_bytes(
    value: bytes | None, key: bytes | None, reason: str
) -> None:
    block = taken(value, key)
    (found,) = block.rejects
    row = named(tables.REJECTS, found)
    assert (row["reason"], row["value"], row["key"]) == (reason, value or b"", key or b"")
    assert (row["has_value"], row["has_key"]) == (value is not None, key is not None)
    assert row["ward"] == (WARD if key == WARD.encode() else "")
    assert block.spans[0].rejects == len(block) == 1


def test_misrouted_message_is_rejected() -> None:
    block = taken(encode(status(1)), partition=(PARTITION_OF_WARD[WARD] + 1) % 24)
    assert named(tables.REJECTS, block.rejects[0])["reason"] == "misrouted"


def test_moments_beyond_the_columns_are_clamped() -> None:
    far = datetime(9999, 12, 30, tzinfo=HANOI)
    long_ago = datetime(2, 1, 1, tzinfo=HANOI)
    event = status(1, due_at=far, received_at=long_ago)
    row = named(tables.EVENTS, rows.event_row(event, START.timestamp(), ARRIVED_MS, ("id", 0, 0)))
    assert (row["due_at"], row["received_at"]) == (10_413_791_999_999, -2_208_988_800_000)


def book(**members: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "ward": WARD,
        "day": "2025-07-01",
        "generation": 1,
        "revision": 5,
        "arrived_ms": ARRIVED_MS,
    }
    return named(tables.BOOK, rows.book_row(records.encode(Book(**(known | members)))))


def test_book_has_parallel_arrays_in_a_fixed_order() -> None:
    row = book(
        seqs={"a": [1, 4], "b": [2, 2]},
        retracted={"a": [3, 3]},
        cells={"ho-tich|online|9|early": [2, 90], "chung-thuc|counter|2|open": [1, 0]},
    )
    assert row["version"] == (1 << 40) + 5
    assert (row["events"], row["epochs"], row["epoch_events"], row["retracted"]) == (5, ["a", "b"], [4, 1], 1)
    assert list(zip(row["field"], row["status"], row["count"], row["minutes"], strict=True)) == [
        ("chung-thuc", 2, 1, 0),
        ("ho-tich", 9, 2, 90),
    ]
    assert (row["declared"], row["declared_status"]) == (False, [])


def test_book_without_cells_has_empty_arrays() -> None:
    assert book()["field"] == []


def test_book_with_a_closing_has_the_declared_totals() -> None:
    row = book(declared=Declared(ARRIVED_MS, "a", 9, 1, 8, {9: 2**64 - 1, 2: 3}))
    assert (row["declared_status"], row["declared_count"]) == ([2, 9], [3, 2**64 - 1])


def test_book_of_an_absurd_day_is_clamped() -> None:
    assert book(day="9999-12-31")["day"] == book(day="2299-12-31")["day"]


def sync(**members: Any) -> dict[str, Any]:
    return named(tables.WARD_SYNC, rows.sync_row(records.encode(WardSync(WARD, **members))))


def test_sync_counts_holes_and_what_a_heartbeat_announced() -> None:
    row = sync(seqs={"a": [1, 4, 7, 9]}, beat=Beat(1000, 2000, "a", 12, 5), rejected=2, revision=3)
    assert (row["missing"], row["contiguous"], row["highest"], row["counted"]) == (5, [4], [9], [7])
    assert list(zip(row["hole_epoch"], row["hole_first"], row["hole_last"], strict=True)) == [
        ("a", 5, 6),
        ("a", 10, 12),
    ]
    assert (row["outbox_pending"], row["rejected"], row["heartbeat_last_seq"]) == (5, 2, 12)


def test_sync_says_what_is_proven_and_since_when_something_waits() -> None:
    row = sync(proven_ms=1_000, doubt_ms=2_000)
    assert (row["proven_at"], row["doubted_at"]) == (1_000, 2_000)
    assert (sync()["proven_at"], sync()["doubted_at"]) == (None, None)


def test_sync_heartbeat_of_an_epoch_without_events_announces_all_of_it() -> None:
    assert sync(beat=Beat(1000, 2000, "new", 3, 0))["missing"] == 3


def test_sync_shows_a_bounded_number_of_holes_but_counts_all() -> None:
    seqs = [n for first in range(2, 6000, 2) for n in (first, first)]
    row = sync(seqs={"a": seqs})
    assert (row["missing"], len(row["hole_first"])) == (2999, rows.HOLES_MAX)


@pytest.mark.parametrize(
    "value", [None, b"", b"short", b"\x00" * 8 + b"\xc1", b"\x00" * 8 + b"\x93\x01\x02\x03"]
)
@pytest.mark.parametrize("key", [b"00070|2025-07-01", b"00070|sync"])
def test_foreign_bytes_in_the_changelog_are_rejected(value: bytes | None, key: bytes) -> None:
    block, span = Block(), Span("id", "app-book-changelog", 0, 0, -1)
    block.take_record(span, value, key, 0, ARRIVED_MS)
    (row,) = block.rejects
    assert named(tables.REJECTS, row)["value"] == (value or b"")
    assert not block.book
    assert not block.ward_sync


def test_block_keeps_the_newest_sync_record_of_a_ward() -> None:
    block, span = Block(), Span("id", "app-book-changelog", 0, 0, -1)
    for offset, revision in enumerate((1, 3, 2)):
        value = records.encode(WardSync(WARD, revision=revision))
        block.take_record(span, value, records.sync_key(WARD), offset, ARRIVED_MS)
    assert [row[1] for row in block.ward_sync.values()] == [3]


def test_block_keeps_the_newest_sync_record_of_a_ward_in_each_cell_of_the_grid() -> None:
    block, span = Block(), Span("id", "app-book-changelog", 0, 0, -1)
    at_ms = instant_of_cut(7)
    for revision, known_ms in enumerate((at_ms - 1, at_ms, at_ms + 1, at_ms + 2), start=1):
        value = records.encode(WardSync(WARD, revision=revision, arrived_ms=known_ms))
        block.take_record(span, value, records.sync_key(WARD), revision, ARRIVED_MS)
    assert [(row[1], row[2]) for row in block.ward_sync.values()] == [(2, at_ms), (4, at_ms + 2)]


def booked(*books: Book) -> list[tuple[int, int]]:
    """Generation and revision of the rows that a block makes of these records, in their order."""
    block, span = Block(), Span("id", "app-book-changelog", 0, 0, -1)
    for offset, book in enumerate(books):
        block.take_record(span, records.encode(book), records.book_key(WARD, book.day), offset, ARRIVED_MS)
    assert len(block.bookings) == len(books)
    return [(row[3], row[4]) for row in block.book.values()]


def test_block_keeps_the_newest_record_of_a_book_in_each_cell_of_the_grid() -> None:
    at_ms = instant_of_cut(7)
    times = (at_ms - 1, at_ms, at_ms + 1, at_ms + 2)
    made = [Book(WARD, "2025-07-01", 0, revision, at) for revision, at in enumerate(times, start=1)]
    assert booked(*made) == [(0, 2), (0, 4)]
    assert booked(*reversed(made)) == [(0, 4), (0, 2)]


def test_block_keeps_books_of_other_days_wards_and_generations_apart() -> None:
    at_ms = instant_of_cut(7)
    made = [
        Book(WARD, day, generation, 1, at_ms) for day in ("2025-07-01", "2025-07-02") for generation in (0, 1)
    ]
    assert booked(*made) == [(0, 1), (1, 1), (0, 1), (1, 1)]


def test_block_keeps_the_book_before_midnight_beside_the_one_at_midnight() -> None:
    midnight_ms = int(datetime(2025, 7, 2, tzinfo=HANOI).timestamp()) * 1000
    before, at = (Book(WARD, "2025-07-01", 0, n, midnight_ms - 2 + n) for n in (1, 2))
    assert cut_of_arrival(before.arrived_ms) == cut_of_arrival(at.arrived_ms)
    assert booked(before, at) == [(0, 1), (0, 2)]


@pytest.mark.parametrize(
    "cells",
    [
        {"a|online|9": [1, 2]},
        {"a|online|9|early|x": [1, 2]},
        {"a|online|nine|early": [1, 2]},
        {"a|online|9|early": [1]},
        {"a|online|9|early": [1, 2, 3]},
        {"a|online|9|early": [1, 2], "b|online|9|early": [1]},
    ],
)
def test_book_with_cells_of_another_shape_is_rejected(cells: dict[str, list[int]]) -> None:
    with pytest.raises(Reject, match="bad_shape"):
        rows.book_row(records.encode(Book(WARD, "2025-07-01", cells=cells)))


def test_same_message_twice_gives_the_same_rows() -> None:
    assert taken(encode(status(1))).inserts() == taken(encode(status(1))).inserts()
