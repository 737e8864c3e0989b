"""Goal: the open dossiers kept apart are exactly the open ones of all, whatever comes in whatever order.

Method: random histories with retractions, late ones, reused seqs and repetitions go in piece by piece, out
of order, with merges in between that throw away what has ended and copies of what has not; after each piece
`v_open_dossiers` is compared with the open rows of `v_dossiers`, now and as of cuts. The latter looks at
every step and keeps nothing: the oracle.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from random import Random
from typing import Final

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract.envelope import SequencedEvent, StatusChangedEvent
from producers.contract.vocabulary import Status
from producers.contract.wards import WARDS
from streams.monitor import upkeep
from streams.monitor.config import MonitorConfig
from streams.monitor.jobs import Context
from streams.monitor.upkeep import copy, sweep
from streams.warehouse import as_of
from streams.warehouse.store import Row, Store
from tests.builders import START, retraction, status
from tests.pipeline.warehouse import SQL, Arrival, database, empty, insert_cut, land

CUTS: Final = (6_000_000, 6_000_001)
CODES: Final = list(WARDS)[:12]
STEPS: Final = (1, 2, 4, 5, 9, 10, 2, 4, 9, 3, 7)
NAMES: Final = as_of.travelling(SQL)
OPEN: Final = "SELECT * FROM v_open_dossiers ORDER BY ALL"
ORACLE: Final = "SELECT * FROM v_dossiers WHERE open ORDER BY ALL"
# Each row of one of the two, and how many of them have it.
BOTH: Final = """
SELECT count() AS times, * FROM (SELECT * FROM v_open_dossiers UNION ALL SELECT * FROM v_dossiers WHERE open)
GROUP BY ALL ORDER BY ALL"""


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    empty(shared)
    shared.command("TRUNCATE TABLE city_cut")
    return shared


def history(random: Random, ward: str, first_ms: int, events: int = 60) -> list[Arrival]:
    """Events of a few dossiers in the order of their arrival: event, arrival, offset."""
    made: list[Arrival] = []
    seq = 0
    for offset in range(events):
        seq += 1
        changes = [event for event, _, _ in made if isinstance(event, StatusChangedEvent)]
        kind = (
            random.choices(("step", "retract", "reuse", "again"), (70, 14, 10, 6))[0] if changes else "step"
        )
        arrived_ms = first_ms - 9_000 + offset * 20_000 // events
        if kind == "again":
            made.append((random.choice(made)[0], arrived_ms, offset))
            continue
        number = random.choice(changes).data.seq if kind == "reuse" else seq
        if kind == "retract":
            # Of an end rather than of another step: that is what opens a dossier again.
            ends = [event for event in changes if event.data.status in (3, 7, 9, 10)]
            made.append((retraction(number, random.choice(ends or changes)), arrived_ms, offset))
        else:
            made.append((_step(random, ward, number), arrived_ms, offset))
    return made


def _step(random: Random, ward: str, seq: int) -> StatusChangedEvent:
    step = Status(random.choice(STEPS))
    ended = START.replace(minute=30) if step in (9, 10) else None
    dossier = f"H26.{ward}-250701-{random.randint(1, 12):04d}"
    at = START.replace(minute=40, second=random.randint(0, 59))
    return status(seq, ward=ward, status=step, dossier=dossier, at=at, finished_at=ended, due_at=START)


def rows(store: Store, sql: str, cut: int | None = None) -> list[Row]:
    if cut is None:
        return store.query(sql).rows
    return store.query(as_of.rewrite(sql, NAMES), as_of.bound(str(cut))).rows


def _pieces(random: Random, histories: list[list[Arrival]], count: int = 4) -> list[list[Arrival]]:
    """Each history cut into pieces and shuffled; one piece of each comes twice."""
    pieces: list[list[Arrival]] = [[] for _ in range(count + 1)]
    for arrivals in histories:
        own = [arrivals[begin::count] for begin in range(count)]
        random.shuffle(own)
        for piece, part in zip(pieces, [*own, random.choice(own)], strict=True):
            piece.extend(part)
    return pieces


@pytest.mark.parametrize("seed", range(1))
def test_the_open_dossiers_kept_apart_are_those_of_all(store: Store, seed: int) -> None:
    random = Random(seed)
    first_ms, *_ = [insert_cut(store, cut) for cut in CUTS]
    seen = set()
    for number, piece in enumerate(_pieces(random, [history(random, ward, first_ms) for ward in CODES])):
        land(store, random.sample(piece, len(piece)))
        if number % 2:
            tidy(store)
        for cut in (None, *CUTS):
            both = rows(store, BOTH, cut)
            assert [row for row in both if row[0] != 2] == []
            seen.add(len(both))
    assert len(seen) > 2, "always as many open ones: nothing is shown"


def tidy(store: Store) -> None:
    """What merges and the monitor would do within a day."""
    store.command("OPTIMIZE TABLE open_dossiers FINAL")
    sweep(store, rows_min=1)
    later(store)
    copy(store)


def later(store: Store) -> None:
    """As if all that was written until now had been written two hours ago."""
    earlier = "stored_at = stored_at - INTERVAL 2 HOUR"
    store.command(f"ALTER TABLE open_dossiers UPDATE {earlier} WHERE 1 SETTINGS mutations_sync = 1")


def test_what_has_ended_is_thrown_away_and_comes_back_when_its_end_is_taken_back(store: Store) -> None:
    received = status(1, status=Status.RECEIVED, dossier="H26.00070-250701-0001")
    done = status(2, status=Status.DONE, dossier="H26.00070-250701-0001", finished_at=START)
    land(store, [(received, 1_751_331_600_000, 1)])
    assert rows(store, "SELECT dossier FROM v_open_dossiers") == [("H26.00070-250701-0001",)]
    land(store, [(done, 1_751_331_700_000, 2)])
    tidy(store)
    assert store.value("SELECT count() FROM open_dossiers") == 0
    assert rows(store, OPEN) == []
    land(store, [(retraction(4, done), 1_751_331_800_000, 4)])
    assert rows(store, OPEN) == rows(store, ORACLE) != []


def test_an_end_that_comes_before_its_beginning_waits_for_it(store: Store) -> None:
    received = status(1, status=Status.RECEIVED, dossier="H26.00070-250701-0001")
    done = status(2, status=Status.DONE, dossier="H26.00070-250701-0001", finished_at=START)
    land(store, [(done, 1_751_331_600_000, 2)])
    tidy(store)
    land(store, [(received, 1_751_331_700_000, 3)])
    tidy(store)
    assert store.value("SELECT count() FROM open_dossiers") == 0
    assert rows(store, OPEN) == rows(store, ORACLE) == []


RECEIVED: Final = status(1, status=Status.RECEIVED, dossier="H26.00070-250701-0001")
DONE: Final = status(2, status=Status.DONE, dossier="H26.00070-250701-0001", finished_at=START)


@pytest.fixture
def copied(store: Store) -> Store:
    """One open dossier, of which only a copy is left: whatever is answered comes from it."""
    land(store, [(RECEIVED, 1_751_331_600_000, 1)])
    later(store)
    assert copy(store) == 1
    store.command("TRUNCATE TABLE dossiers")
    return store


def test_open_dossiers_are_read_from_the_copy(copied: Store) -> None:
    assert rows(copied, "SELECT dossier, status FROM v_open_dossiers") == [(RECEIVED.data.dossier, 2)]


@pytest.mark.parametrize(
    "again", [RECEIVED, status(3, status=Status.PROCESSING, dossier="H26.00070-250701-0001")]
)
def test_what_was_written_after_the_copy_is_looked_up(copied: Store, again: SequencedEvent) -> None:
    land(copied, [(again, 1_751_331_700_000, 2)])
    ((copied_now,),) = rows(copied, "SELECT copied FROM r_open_keys")
    assert not copied_now
    assert rows(copied, OPEN) != []


def test_an_end_after_the_copy_ends_the_dossier(copied: Store) -> None:
    land(copied, [(DONE, 1_751_331_700_000, 2)])
    assert rows(copied, OPEN) == []


def test_of_a_dossier_whose_steps_were_all_taken_back_after_the_copy_nothing_is_left(store: Store) -> None:
    land(store, [(RECEIVED, 1_751_331_600_000, 1)])
    later(store)
    assert copy(store) == 1
    land(store, [(retraction(2, RECEIVED), 1_751_331_700_000, 2)])
    assert rows(store, OPEN) == rows(store, ORACLE) == []


def test_of_a_dossier_whose_only_step_had_a_used_seq_after_all_nothing_is_left(store: Store) -> None:
    other = status(1, status=Status.RECEIVED, dossier="H26.00070-250701-0002")
    land(store, [(RECEIVED, 1_751_331_600_000, 2)])
    later(store)
    assert copy(store) == 1
    # It was stored later and had come before.
    land(store, [(other, 1_751_331_500_000, 1)])
    assert rows(store, OPEN) == rows(store, ORACLE)
    assert rows(store, "SELECT dossier FROM v_open_dossiers") == [(other.data.dossier,)]
    # No copy says anything of the two, not even one that is made now.
    later(store)
    assert copy(store) == 0
    assert rows(store, OPEN) == rows(store, ORACLE) != []


@pytest.mark.parametrize("hours", [-4, 4])
def test_a_copy_too_old_or_of_the_future_is_not_read(copied: Store, hours: int) -> None:
    other = f"SELECT * REPLACE (made + INTERVAL {hours} HOUR AS made)"
    for table in ("open_states", "open_copies"):
        copied.command(f"INSERT INTO {table} {other} FROM {table}")
        copied.command(f"DELETE FROM {table} WHERE abs(dateDiff('minute', made, now())) < 60")
    assert rows(copied, "SELECT copied FROM r_open_keys") == [(False,)]


def test_half_a_copy_is_not_read_and_one_of_the_future_goes_with_the_next(store: Store) -> None:
    land(store, [(RECEIVED, 1_751_331_600_000, 1)])
    later(store)
    assert copy(store) == 1
    minute_ago = "SELECT * REPLACE (made - INTERVAL 1 MINUTE AS made) FROM open_states"
    store.command(f"INSERT INTO open_states {minute_ago}")
    store.command("DELETE FROM open_states WHERE made > now() - INTERVAL 50 SECOND")
    store.command("TRUNCATE TABLE open_copies")
    assert rows(store, "SELECT copied FROM r_open_keys") == [(False,)]
    store.command("INSERT INTO open_copies VALUES (now() + INTERVAL 1 DAY, 7)")
    assert copy(store) == 1
    assert store.value("SELECT count() FROM open_copies WHERE made > now()") == 0
    assert rows(store, "SELECT copied FROM r_open_keys") == [(True,)]


def test_a_monitor_that_is_started_again_makes_no_other_copy(store: Store) -> None:
    context = Context(MonitorConfig(bootstrap="127.0.0.1:1", store=store.address), store, threading.Event())
    assert upkeep.run(context).keys() == {"ended_dossiers", "copied_dossiers"}
    assert upkeep.run(context).keys() == {"ended_dossiers"}
