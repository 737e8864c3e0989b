"""Goal: an event without a sequence number is the same event whenever its natural identity is the same.

Method: real files; the same and slightly different events, from one thread and from many.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from producers.contract.codec import decode
from producers.contract.envelope import (
    DayClosedEvent,
    DifficultyAssignedEvent,
    DifficultyReportedEvent,
    RetractedEvent,
    StatusChangedEvent,
)
from producers.contract.errors import OutboxFull, Reject, Unavailable
from producers.contract.events import DayClosed, Difficulty
from producers.contract.vocabulary import Status
from producers.natural import Given, NaturalOutbox, Step
from producers.outbox import Draft, Outbox
from tests.builders import START, WARD, retraction, status
from tests.unit.natural_victim import draft as numbered
from tests.unit.test_outbox import file_size_limit

OTHER = "00004"


@pytest.fixture
def natural(tmp_path: Path) -> Iterator[NaturalOutbox]:
    with Outbox(tmp_path / "o.db") as outbox:
        yield NaturalOutbox(outbox)


def change(after_s: float = 0.0, **members: Any) -> Draft:
    return Draft(StatusChangedEvent, status(1, **members).data, START + timedelta(seconds=after_s))


def closed(count: int) -> Draft:
    data = DayClosed(
        ward=WARD, epoch="x", seq=1, day=START.date(), counts={Status.DONE: count}, first_seq=0, last_seq=0
    )
    return Draft(
        DayClosedEvent,
        lambda epoch, seq: replace(data, epoch=epoch, seq=seq, first_seq=1, last_seq=seq - 1),
        START,
        WARD,
    )


def difficulty(kind: Any, **members: Any) -> Draft:
    data = Difficulty(ward=WARD, epoch="x", seq=1, difficulty="kk-1", group=3, **members)
    return Draft(kind, data, START)


def test_append_the_same_event_again_is_a_duplicate_with_the_same_seq(natural: NaturalOutbox) -> None:
    first = natural.append(WARD, [change(), change(1)])
    assert first == [Given(1), Given(2)]
    assert natural.append(WARD, [change(1), change()]) == [Given(2, True), Given(1, True)]
    assert natural.outbox.counts().appended == 2


def test_append_twice_in_one_batch_is_one_event(natural: NaturalOutbox) -> None:
    assert natural.append(WARD, [change(), change()]) == [Given(1), Given(1, True)]


def test_append_a_status_that_comes_again_later_is_another_event(natural: NaturalOutbox) -> None:
    drafts = [change(at, status=Status(code)) for at, code in ((0, 4), (60, 5), (120, 4))]
    assert [one.seq for one in natural.append(WARD, drafts)] == [1, 2, 3]


def test_append_the_same_moment_in_another_zone_is_the_same_event(natural: NaturalOutbox) -> None:
    there = change()
    here = there._replace(time=there.time.astimezone())
    assert natural.append(WARD, [there, here]) == [Given(1), Given(1, True)]


def test_append_of_another_ward_with_the_same_dossier_is_another_event(natural: NaturalOutbox) -> None:
    natural.append(WARD, [change(dossier="H26-250701-0001")])
    assert natural.append(OTHER, [change(dossier="H26-250701-0001", ward=OTHER)]) == [Given(1)]


def test_append_other_content_under_one_identity_keeps_the_first_and_says_so(natural: NaturalOutbox) -> None:
    natural.append(WARD, [change()])
    assert natural.append(WARD, [change(field="ho-tich")]) == [Given(1, True, True)]
    assert natural.append(WARD, [change()]) == [Given(1, True, False)]
    (kept,) = natural.outbox.pending(9)
    assert b"chung-thuc" in kept.value


def test_append_totals_are_known_by_their_counts(natural: NaturalOutbox) -> None:
    assert natural.append(WARD, [closed(5)]) == [Given(1)]
    assert natural.append(WARD, [change(), closed(6), closed(5)]) == [Given(2), Given(3), Given(1, True)]


def test_append_retractions_are_known_by_what_they_take_back(natural: NaturalOutbox) -> None:
    def taken_back(of: int, after_s: float = 0.0) -> Draft:
        event = retraction(9, status(of, at=START + timedelta(seconds=after_s)))
        return Draft(RetractedEvent, event.data, START)

    assert natural.append(WARD, [taken_back(1), taken_back(2), taken_back(1)]) == [
        Given(1),
        Given(2),
        Given(1, True),
    ]
    # A system without seqs takes back two events with the same placeholder: they are two.
    assert natural.append(WARD, [taken_back(1, 60)]) == [Given(3)]


def test_append_difficulties_are_known_by_code_and_step(natural: NaturalOutbox) -> None:
    drafts = [difficulty(DifficultyReportedEvent), difficulty(DifficultyAssignedEvent, owner="ubnd")]
    assert natural.append(WARD, drafts) == [Given(1), Given(2)]
    assert natural.append(WARD, [difficulty(DifficultyAssignedEvent, owner="so-tp")]) == [
        Given(2, True, True)
    ]


def test_append_with_one_wrong_event_adds_none_and_names_its_place(natural: NaturalOutbox) -> None:
    with pytest.raises(Reject) as caught:
        natural.append(WARD, [change(), change(1, procedure="x")])
    assert (caught.value.code, caught.value.member) == ("bad_shape", "$[1].data.procedure")
    assert natural.outbox.counts().appended == 0
    assert natural.append(WARD, [change()]) == [Given(1)]


def test_append_of_another_wards_event_is_refused(natural: NaturalOutbox) -> None:
    with pytest.raises(Reject, match="identity_mismatch"):
        natural.append(OTHER, [change()])


def test_append_over_the_bound_adds_none(tmp_path: Path) -> None:
    with Outbox(tmp_path / "o.db", pending_max=2) as outbox:
        natural = NaturalOutbox(outbox)
        with pytest.raises(OutboxFull):
            natural.append(WARD, [change(at) for at in range(3)])
        assert natural.append(WARD, [change(at) for at in range(2)]) == [Given(1), Given(2)]
        assert natural.append(WARD, [change(1)]) == [Given(2, True)]


def test_append_with_a_full_disk_adds_neither_key_nor_event(tmp_path: Path) -> None:
    with Outbox(tmp_path / "o.db") as outbox:
        natural = NaturalOutbox(outbox)
        many = [numbered(number) for number in range(2_000)]
        with file_size_limit(300_000), pytest.raises(Unavailable):
            natural.append(WARD, many)
        assert outbox.counts().appended == 0
        assert natural.append(WARD, many[:1]) == [Given(1)]


def test_open_again_knows_every_key(tmp_path: Path) -> None:
    with Outbox(tmp_path / "o.db") as outbox:
        NaturalOutbox(outbox).append(WARD, [change()])
        epoch = outbox.epoch
    with Outbox(tmp_path / "o.db") as outbox:
        assert NaturalOutbox(outbox).append(WARD, [change()]) == [Given(1, True)]
        assert outbox.epoch == epoch


def test_keys_outlive_the_events_that_the_outbox_purged(tmp_path: Path) -> None:
    with Outbox(tmp_path / "o.db", keep_max=1) as outbox:
        natural = NaturalOutbox(outbox)
        natural.append(WARD, [change(at) for at in range(9)])
        outbox.acknowledge({WARD: 9})
        assert natural.append(WARD, [change()]) == [Given(1, True)]


def test_run_that_raises_undoes_its_part_and_no_other(natural: NaturalOutbox) -> None:
    """Two callers share a transaction: the first waits inside it until the second is queued."""
    inside, queued = threading.Event(), threading.Event()

    def first(step: Step) -> None:
        inside.set()
        assert queued.wait(5)

    def failing(step: Step) -> None:
        step.db.execute("CREATE TABLE gone (x)")
        step.give(WARD, change())
        raise ValueError

    def standing(step: Step) -> Given:
        return step.give(WARD, change(1))

    with ThreadPoolExecutor(3) as pool:
        holding = pool.submit(natural.run, first)
        assert inside.wait(5)
        failed, stood = pool.submit(natural.run, failing), pool.submit(natural.run, standing)
        time.sleep(0.1)  # both are queued behind the first
        queued.set()
        holding.result(5)
        with pytest.raises(ValueError):  # noqa: PT011  # ours, without words
            failed.result(5)
        assert stood.result(5) == Given(1)
    tables = natural.run(lambda step: step.db.execute("SELECT name FROM sqlite_master").fetchall())
    assert ("gone",) not in tables
    assert [decode(row.value).id.rpartition("/")[2] for row in natural.outbox.pending(9)] == ["1"]


def test_append_by_many_threads_gives_each_event_one_seq(natural: NaturalOutbox) -> None:
    batches = [[numbered(first + at) for at in range(20)] for first in range(0, 400, 10)]
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda batch: natural.append(WARD, batch), batches))
    seqs: dict[int, set[int]] = {}
    for first, answers in zip(range(0, 400, 10), given, strict=True):
        for at, one in enumerate(answers):
            seqs.setdefault(first + at, set()).add(one.seq)
    assert all(len(found) == 1 for found in seqs.values())
    assert natural.outbox.counts().appended == len(seqs) == 410
    assert sum(not one.duplicate for answers in given for one in answers) == 410


def test_append_in_batches_of_100_by_threads_is_fast(
    natural: NaturalOutbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """The figure is printed, not judged: the disk's sync and the machine's load decide it."""
    batches = [[numbered(first + at) for at in range(100)] for first in range(0, 10_000, 100)]
    begun_s = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda batch: natural.append(WARD, batch), batches))
    took_s = time.perf_counter() - begun_s
    with capsys.disabled():
        print(f"\nnatural outbox: {10_000 / took_s:,.0f} events/s in batches of 100, 8 threads, synced")
    assert natural.outbox.counts().appended == 10_000
