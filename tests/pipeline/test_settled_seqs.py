"""Goal: what came again and was put together by merges is looked at no longer, and nothing is passed over.

Method: a real engine. The same events twice, a seq with two contents, merges, and the monitor's job;
`r_events` and `r_losers` are compared with FINAL over everything after every step.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract.envelope import SequencedEvent
from streams.monitor import settle
from streams.monitor.config import MonitorConfig
from streams.monitor.jobs import Context
from streams.warehouse.store import Store
from tests.builders import WARD, status
from tests.pipeline.warehouse import database, empty, insert_cut, land

FULL = "SELECT toString(ward), block, inserted FROM r_full_blocks ORDER BY ALL"
LATER = "SELECT seq, content_hash FROM r_events WHERE NOT counted ORDER BY ALL"
CONTENT = "ward, epoch, seq, content_hash, arrived_at"
ARRIVED_MS = 1_751_331_600_000
CUT = 1_566_723


@pytest.fixture(scope="module")
def kept(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


@pytest.fixture
def store(kept: Store) -> Store:
    empty(kept)
    return kept


def load(store: Store, events: Sequence[SequencedEvent], offset: int = 0) -> None:
    """The events as the loader stores them, from that offset on."""
    land(store, [(event, ARRIVED_MS + number, number) for number, event in enumerate(events, start=offset)])


def merge(store: Store) -> None:
    """What merges come to after some time."""
    store.command("OPTIMIZE TABLE events FINAL")


def later(store: Store) -> None:
    """As if what was seen had been seen a quarter of an hour before."""
    store.command(
        "INSERT INTO settled_seqs"
        " SELECT ward, epoch, size, number, inserted, seen_at - INTERVAL 15 MINUTE, 0 FROM settled_seqs"
    )


def full(store: Store) -> list[tuple[str, int, int]]:
    """The blocks that are looked at; what each event is must be right whatever they are."""
    once = store.query(f"SELECT {CONTENT} FROM events FINAL ORDER BY ALL").rows
    assert store.query(f"SELECT {CONTENT} FROM r_events ORDER BY ALL").rows == once
    contents = Counter(seq for _, _, seq, *_ in once)
    twice = {seq for seq, count in contents.items() if count > 1}
    assert {seq for (seq,) in store.query("SELECT DISTINCT seq FROM r_losers").rows} == twice
    first = store.query(
        f"SELECT {CONTENT} FROM events FINAL ORDER BY rank DESC LIMIT 1 BY ward, epoch, seq"
    ).rows
    assert store.query(f"SELECT {CONTENT} FROM r_events WHERE counted ORDER BY ALL").rows == sorted(first)
    assert store.query(LATER).rows == store.query("SELECT seq, content_hash FROM r_losers ORDER BY ALL").rows
    return [(ward, block, inserted) for ward, block, inserted in store.query(FULL).rows]


EVENTS = [status(seq) for seq in range(1, 301)]
OTHER = status(5, dossier="H26.00070-250701-0099")


def test_blocks_that_came_twice_are_settled_once_merges_have_been_there(store: Store) -> None:
    store.command("SYSTEM STOP MERGES events")
    try:
        for offset in (0, 1_000):
            load(store, EVENTS, offset)
        found = [(WARD, 0, 254), (WARD, 1, 256), (WARD, 2, 90)]
        assert full(store) == found
        assert settle.settle(store) == 3
        later(store)
        assert settle.settle(store) == 3, "every row is there twice"
        assert full(store) == found
    finally:
        store.command("SYSTEM START MERGES events")
    merge(store)
    assert settle.settle(store) == 0
    assert full(store) == []
    assert store.query("SELECT count() FROM r_full_spans").rows == [(0,)]


def test_what_was_delivered_twice_has_no_later_content(store: Store) -> None:
    store.command("SYSTEM STOP MERGES events")
    try:
        for _ in range(3):
            load(store, EVENTS)  # from the same offsets: rows of the same rank
        load(store, [OTHER])
        assert full(store) == [(WARD, 0, 382), (WARD, 1, 384), (WARD, 2, 135)]
    finally:
        store.command("SYSTEM START MERGES events")


def test_what_was_inserted_a_moment_ago_is_not_believed(store: Store) -> None:
    for offset in (0, 1_000):
        load(store, EVENTS, offset)
    merge(store)
    assert [settle.settle(store) for _ in range(2)] == [3, 3]
    later(store)
    load(store, EVENTS[:1], 2_000)  # the first block is another since
    merge(store)
    assert settle.settle(store) == 1
    assert full(store) == [(WARD, 0, 255)]
    later(store)
    assert settle.settle(store) == 0
    assert full(store) == []


def test_a_seq_of_two_contents_never_settles(store: Store) -> None:
    load(store, EVENTS)
    load(store, [OTHER], 1_000)
    for _ in range(2):
        merge(store)
        settle.settle(store)
        later(store)
    assert settle.settle(store) == 1
    assert full(store) == [(WARD, 0, 128)]


def test_one_more_row_and_a_settled_block_is_looked_at_again(store: Store) -> None:
    for offset in (0, 1_000):
        load(store, EVENTS, offset)
    settle.settle(store)
    later(store)
    merge(store)
    assert settle.settle(store) == 0
    load(store, [OTHER], 2_000)
    assert full(store) == [(WARD, 0, 255)]
    merge(store)
    for _ in range(2):
        later(store)
        assert settle.settle(store) == 1
    load(store, EVENTS[299:], 3_000)
    assert full(store) == [(WARD, 0, 255), (WARD, 2, 91)]


def test_more_blocks_than_one_run_looks_at_are_settled_in_turn(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for offset in (0, 1_000):
        load(store, EVENTS, offset)
    monkeypatch.setattr(settle, "_BLOCKS", settle._BLOCKS.replace(f"LIMIT {settle.BLOCKS_MAX}", "LIMIT 1"))
    context = Context(MonitorConfig(bootstrap="127.0.0.1:1", store=store.address), store, threading.Event())
    job = settle.Settle()
    assert job.run(context) == {"full_blocks": 3}
    later(store)
    merge(store)
    assert [job.run(context)["full_blocks"] for _ in range(3)] == [2, 1, 0]
    assert full(store) == []


# A row of each of so many blocks; a list is made of 4,096 at most.
MANY = """
INSERT INTO events SELECT e.* REPLACE (
    n.number * 128 + 7 AS seq, e.arrived_at + toIntervalSecond({later}) AS arrived_at,
    if(n.number % 1000 = {other}, 'H26.00070-250701-0099', e.dossier) AS dossier)
FROM events AS e CROSS JOIN numbers(4100) AS n WHERE e.seq = 1
"""


def test_more_full_blocks_than_a_list_holds_are_looked_up_as_a_set(store: Store) -> None:
    load(store, EVENTS[:2])
    store.command(MANY.format(later=0, other=-1))
    before = store.query(f"SELECT {CONTENT} FROM r_events ORDER BY ALL").rows
    assert insert_cut(store, CUT) == ARRIVED_MS + 30_000
    for _ in range(2):
        store.command(MANY.format(later=60, other=3))
        assert len(full(store)) == 4_100
    past = f"r_events_at(as_of = '{CUT}')"
    assert store.query(f"SELECT {CONTENT} FROM {past} WHERE counted ORDER BY ALL").rows == before
    both = ["H26.00070-250701-0001", "H26.00070-250701-0099"]
    losers = "SELECT seq, arraySort(dossiers) FROM r_losers ORDER BY seq"
    assert store.query(losers).rows == [((number * 1_000 + 3) * 128 + 7, both) for number in range(5)]
    assert store.query("SELECT count(), countIf(counted) FROM v_conflicts").rows == [(10, 5)]


SPAN = 128 * 128


def doubtful(store: Store) -> list[tuple[int, int]]:
    """The spans whose bitmaps are read."""
    return store.query("SELECT span, inserted FROM r_doubtful_spans ORDER BY ALL").rows


def test_spans_of_which_nothing_came_twice_are_not_looked_into_any_more(store: Store) -> None:
    events = [status(first + seq) for first in (0, SPAN, 2 * SPAN) for seq in (1, 2)]
    load(store, events)
    settle.settle(store)
    assert doubtful(store) == [(0, 2), (1, 2), (2, 2)], "seen just now"
    later(store)
    settle.settle(store)
    assert doubtful(store) == [(2, 2)], "the newest goes on growing"
    load(store, [events[2]], 1_000)
    assert doubtful(store) == [(1, 3), (2, 2)]
    assert full(store) == [(WARD, 128, 3)]
    merge(store)
    for _ in range(2):
        settle.settle(store)
        later(store)
    assert doubtful(store) == [(2, 2)]
    assert full(store) == []
    load(store, [status(SPAN + 1, dossier="H26.00070-250701-0099")], 2_000)
    assert full(store) == [(WARD, 128, 4)]


def test_what_waits_for_a_second_look_is_forgotten_after_a_week(store: Store) -> None:
    names = ("ward", "epoch", "size", "number", "inserted", "seen_at", "settled")
    kinds = ("String", "String", "UInt16", "UInt64", "UInt64", "DateTime", "UInt8")
    week = datetime.now(UTC) - timedelta(days=7, minutes=1)
    rows = [(WARD, "e", 128, 1, 2, week, 0), (WARD, "e", 128, 2, 2, week, 1)]
    rows += [(WARD, "e", 128, 3, 2, week + timedelta(hours=1), 0)]
    store.insert("settled_seqs", names, kinds, list(zip(*rows, strict=True)))
    store.command("OPTIMIZE TABLE settled_seqs FINAL")
    assert store.query("SELECT number FROM settled_seqs ORDER BY ALL").rows == [(2,), (3,)]
