"""Goal: what `append` returned is there for ever, contiguous; what it refused left no trace.

Method: a real SQLite file for each test; full disks are made by the kernel's file size limit and by SQLite's
own bound on pages.
"""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from producers.contract.codec import decode
from producers.contract.envelope import DayClosedEvent, StatusChangedEvent
from producers.contract.errors import OutboxFull, Reject, Stop, Unavailable
from producers.contract.events import DayClosed, Heartbeat
from producers.contract.vocabulary import Status
from producers.outbox import Draft, Outbox, Stored, new_epoch
from tests.builders import START, WARD, status

OTHER = "00004"


def draft(ward: str = WARD, at: datetime = START, **members: Any) -> Draft:
    """A draft whose epoch and seq are placeholders."""
    return Draft(StatusChangedEvent, status(1, ward=ward, **members).data, at)


def drafts(count: int, ward: str = WARD) -> list[Draft]:
    return [draft(ward) for _ in range(count)]


def seqs(rows: list[Stored]) -> list[int]:
    return [row.seq for row in rows]


def seq_in(row: Stored) -> int:
    data = decode(row.value).data
    assert not isinstance(data, Heartbeat)
    return data.seq


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox.db", "e1", pending_max=100, keep_max=10) as opened:
        yield opened


def test_append_gives_contiguous_seqs_per_ward(outbox: Outbox) -> None:
    assert outbox.next_seq(WARD) == 1
    assert outbox.append(WARD, drafts(3)) == range(1, 4)
    assert outbox.append(OTHER, drafts(2, OTHER)) == range(1, 3)
    assert outbox.append(WARD, drafts(2)) == range(4, 6)
    assert (outbox.next_seq(WARD), outbox.next_seq(OTHER)) == (6, 3)


def test_append_of_nothing_changes_nothing(outbox: Outbox) -> None:
    assert len(outbox.append(WARD, [])) == 0
    assert (outbox.wards(), outbox.counts().appended) == ({}, 0)


def test_append_writes_epoch_and_seq_into_the_payload(outbox: Outbox) -> None:
    outbox.append(WARD, drafts(2))
    events = [decode(row.value) for row in outbox.pending(10)]
    assert [event.id for event in events] == [f"{WARD}/e1/1", f"{WARD}/e1/2"]
    assert [
        (event.data.epoch, seq_in(row)) for event, row in zip(events, outbox.pending(10), strict=True)
    ] == [
        ("e1", 1),
        ("e1", 2),
    ]


def test_append_of_a_function_gives_it_epoch_and_seq(outbox: Outbox) -> None:
    def totals(epoch: str, seq: int) -> DayClosed:
        counts = {Status.RECEIVED: seq - 1}
        return DayClosed(
            ward=WARD, epoch=epoch, seq=seq, day=START.date(), counts=counts, first_seq=1, last_seq=seq - 1
        )

    outbox.append(WARD, [*drafts(4), Draft(DayClosedEvent, totals, START)])
    data = decode(outbox.pending(10)[-1].value).data
    assert isinstance(data, DayClosed)
    assert (data.seq, data.last_seq, data.counts) == (5, 4, {Status.RECEIVED: 4})


def test_append_mixed_keeps_the_order_across_wards(outbox: Outbox) -> None:
    given = outbox.append_mixed([draft(WARD), draft(OTHER), draft(WARD)])
    assert given == {WARD: range(1, 3), OTHER: range(1, 2)}
    assert [(row.ward, row.seq) for row in outbox.pending(10)] == [(WARD, 1), (OTHER, 1), (WARD, 2)]


def test_append_beyond_the_bound_adds_nothing(outbox: Outbox) -> None:
    outbox.append(WARD, drafts(99))
    with pytest.raises(OutboxFull) as caught:
        outbox.append(WARD, drafts(2))
    assert (caught.value.pending, caught.value.pending_max) == (99, 100)
    assert outbox.counts().appended == 99
    assert outbox.append(WARD, drafts(1)) == range(100, 101)


def test_append_after_acknowledge_has_room_again(outbox: Outbox) -> None:
    outbox.append(WARD, drafts(100))
    outbox.acknowledge({WARD: 40})
    assert outbox.append(WARD, drafts(40)) == range(101, 141)


def test_append_of_two_megabytes_is_refused_and_blocks_nothing(outbox: Outbox) -> None:
    with pytest.raises(Reject) as caught:
        outbox.append(WARD, [draft(), draft(procedure="1" * 2_000_000)])
    assert (caught.value.code, caught.value.member) == ("too_large", "$[1]")
    assert outbox.append(WARD, drafts(1)) == range(1, 2)


@pytest.mark.parametrize(
    ("bad", "code", "member"),
    [
        (draft(dossier="Nguyễn Văn A"), "bad_shape", "$[1].data.dossier"),
        (draft(field="Hộ tịch"), "bad_shape", "$[1].data.field"),
        (draft(ward="99999"), "unknown_ward", "$[1].data.ward"),
        (draft(at=START + timedelta(days=40_000)), "time_out_of_range", "$[1].time"),
        (Draft(DayClosedEvent, status(1).data, START), "bad_shape", "$[1].data"),
    ],
)
def test_append_mixed_refuses_what_the_city_would_and_names_its_place(
    outbox: Outbox, bad: Draft, code: str, member: str
) -> None:
    with pytest.raises(Reject) as caught:
        outbox.append_mixed([draft(), bad])
    assert (caught.value.code, caught.value.member) == (code, member)
    assert outbox.counts().appended == 0


def test_append_of_another_wards_payload_is_refused(outbox: Outbox) -> None:
    with pytest.raises(Reject, match="identity_mismatch"):
        outbox.append(WARD, drafts(1, OTHER))


def test_pending_reads_on_behind_a_position(outbox: Outbox) -> None:
    outbox.append_mixed([draft(ward) for ward in (WARD, OTHER) * 5])
    first = outbox.pending(4)
    rest = outbox.pending(100, after=first[-1].position)
    assert len({(row.ward, row.seq) for row in first + rest}) == 10
    assert outbox.pending(10, after=rest[-1].position) == []


def test_acknowledge_takes_out_a_wards_prefix(outbox: Outbox) -> None:
    outbox.append_mixed([draft(ward) for ward in (WARD, OTHER) * 3])
    outbox.acknowledge({WARD: 2})
    assert [(row.ward, row.seq) for row in outbox.pending(10)] == [
        (OTHER, 1),
        (OTHER, 2),
        (WARD, 3),
        (OTHER, 3),
    ]
    assert (outbox.ward(WARD).pending, outbox.ward(OTHER).pending) == (1, 3)


def test_acknowledge_twice_or_late_changes_nothing(outbox: Outbox) -> None:
    outbox.append(WARD, drafts(5))
    for up_to in (4, 4, 2):
        outbox.acknowledge({WARD: up_to})
        assert (outbox.ward(WARD).sent_seq, outbox.counts().sent) == (4, 4)


@pytest.mark.parametrize(("ward", "seq"), [(WARD, 6), (OTHER, 1)])
def test_acknowledge_of_what_was_never_appended_is_a_bug(outbox: Outbox, ward: str, seq: int) -> None:
    outbox.append(WARD, drafts(5))
    with pytest.raises(ValueError, match="has appended up to"):
        outbox.acknowledge({WARD: 5, ward: seq})
    assert outbox.counts().sent == 0


def test_sent_gives_exactly_what_is_asked_and_was_sent(outbox: Outbox) -> None:
    outbox.append(WARD, drafts(9))
    before = outbox.pending(10)
    outbox.acknowledge({WARD: 7})
    assert outbox.sent(WARD, range(3, 6)) == before[2:5]
    assert seqs(outbox.sent(WARD, range(6, 100))) == [6, 7]
    assert seqs(outbox.sent(WARD, range(1, 100), limit=2)) == [1, 2]
    assert outbox.sent(OTHER, range(1, 100)) == []


def test_purge_keeps_the_newest_sent_and_all_unsent(outbox: Outbox) -> None:
    outbox.append(WARD, drafts(30))
    outbox.acknowledge({WARD: 25})
    assert seqs(outbox.sent(WARD, range(1, 100))) == list(range(16, 26))
    assert seqs(outbox.pending(100)) == list(range(26, 31))
    assert (outbox.counts().kept, outbox.counts().purged, outbox.counts().pending) == (10, 15, 5)


def test_positions_after_a_full_purge_go_on(tmp_path: Path) -> None:
    with Outbox(tmp_path / "o.db", keep_max=0) as outbox:
        outbox.append(WARD, drafts(5))
        read = outbox.pending(10)[-1].position
        outbox.acknowledge({WARD: 5})
        outbox.append(WARD, drafts(1))
        assert seqs(outbox.pending(10, after=read)) == [6]


def test_open_again_goes_on_where_it_was(tmp_path: Path) -> None:
    with Outbox(tmp_path / "o.db") as first:
        first.append(WARD, drafts(3))
        first.acknowledge({WARD: 1})
    with Outbox(tmp_path / "o.db", first.epoch) as again:
        assert again.epoch == first.epoch
        assert seqs(again.pending(10)) == [2, 3]
        assert again.next_seq(WARD) == 4


def test_open_with_another_epoch_stops(tmp_path: Path) -> None:
    Outbox(tmp_path / "o.db", "e1").close()
    with pytest.raises(Stop) as caught:
        Outbox(tmp_path / "o.db", "e2")
    assert caught.value.code == "outbox_epoch"


def test_open_with_an_epoch_out_of_shape_stops_and_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="outbox_epoch"):
        Outbox(tmp_path / "o.db", "a/b")
    assert not list(tmp_path.iterdir())


def test_open_of_a_damaged_file_stops(tmp_path: Path) -> None:
    (tmp_path / "o.db").write_bytes(b"not SQLite" * 1000)
    with pytest.raises(Stop, match="outbox_damaged"):
        Outbox(tmp_path / "o.db")


def test_open_in_a_missing_folder_stops(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="outbox_path"):
        Outbox(tmp_path / "missing" / "o.db")


def test_open_of_a_newer_format_stops(tmp_path: Path) -> None:
    Outbox(tmp_path / "o.db").close()
    with sqlite3.connect(tmp_path / "o.db") as db:
        db.execute("PRAGMA user_version=2")
    db.close()
    with pytest.raises(Stop, match="outbox_version"):
        Outbox(tmp_path / "o.db")


def test_append_while_another_process_holds_the_file_says_so(tmp_path: Path) -> None:
    with Outbox(tmp_path / "o.db", busy_wait_s=0.1) as outbox:
        holder = sqlite3.connect(tmp_path / "o.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable) as caught:
            outbox.append(WARD, drafts(1))
        holder.execute("ROLLBACK")
        holder.close()
        assert caught.value.service == "outbox_busy"
        assert outbox.append(WARD, drafts(1)) == range(1, 2)


@contextmanager
def file_size_limit(limit_bytes: int) -> Iterator[None]:
    """The kernel refuses this process to write files beyond this size (Python ignores SIGXFSZ)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill(outbox: Outbox) -> None:
    for _ in range(100):
        outbox.append(WARD, drafts(100))


def test_append_on_a_quota_adds_nothing_and_goes_on_with_space(tmp_path: Path) -> None:
    with Outbox(tmp_path / "o.db") as outbox:
        outbox.append(WARD, drafts(10))
        with file_size_limit(200_000), pytest.raises(Unavailable) as caught:
            fill(outbox)
        assert caught.value.service == "outbox_disk"
        had = outbox.counts().appended
        assert seqs(outbox.pending(100_000)) == list(range(1, had + 1))
        assert outbox.append(WARD, drafts(100)) == range(had + 1, had + 101)


def test_append_on_a_full_disk_adds_nothing_and_goes_on_with_space(tmp_path: Path) -> None:
    with Outbox(tmp_path / "o.db") as outbox:
        outbox.append(WARD, drafts(10))
        outbox._db.execute("PRAGMA max_page_count=20")  # SQLITE_FULL, as for ENOSPC
        with pytest.raises(Unavailable, match="Free space") as caught:
            outbox.append(WARD, drafts(500))
        assert caught.value.service == "outbox_disk"
        assert outbox.counts().appended == 10
        outbox._db.execute("PRAGMA max_page_count=1000000")
        assert outbox.append(WARD, drafts(500)) == range(11, 511)


def test_new_epoch_is_unique_sorts_by_time_and_fits_the_contract(tmp_path: Path) -> None:
    made = {new_epoch() for _ in range(100)}
    assert len(made) == 100
    with Outbox(tmp_path / "o.db", made.pop()) as outbox:
        outbox.append(WARD, drafts(1))
