"""Goal: the harness itself is seeded, complete and honest: the same seed gives the same campaign."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from ops.settings import REPOSITORY
from tests.faults.catalogue import ALWAYS, FAULTS, NOT_HERE, SHORT
from tests.faults.events import BLOCK, make
from tests.faults.oracle import cells_of
from tests.faults.report import figures, table
from tests.faults.schedule import rounds
from tests.faults.soak import slope

WARD = "00070"


def test_every_fault_of_the_list_is_injected_or_named_with_its_reason() -> None:
    known = [fault.id for fault in FAULTS.values()] + [one.id for one in (*ALWAYS, *NOT_HERE)]
    numbers = {int(found[1]) for one in known if (found := re.match(r"F(\d+)", one))}
    assert set(range(1, 57)) - numbers == set()
    assert all((REPOSITORY / one.shown_by).is_file() for one in NOT_HERE if one.shown_by)
    assert len(FAULTS) >= 40
    assert len(set(SHORT)) >= 20
    assert set(SHORT) <= FAULTS.keys()


def test_rounds_of_a_seed_are_the_same_and_hold_every_kind_and_enough_kills() -> None:
    planned = rounds(7, list(FAULTS), kills=200)
    assert planned == rounds(7, list(FAULTS), kills=200)
    assert planned != rounds(8, list(FAULTS), kills=200)
    shots = [shot.fault for one in planned for shot in one]
    assert {fault.name for fault in shots} == FAULTS.keys()
    assert (
        sum(fault.kill for fault in shots) + sum(fault.name == "all-workers-killed" for fault in shots) >= 200
    )
    assert all(len(one) == 1 for one in planned if one[0].fault.alone)


def test_events_are_a_function_of_seed_ward_and_seq_and_add_up_to_what_a_closing_declares() -> None:
    made = [make(5, "e", WARD, seq) for seq in range(1, BLOCK + 1)]
    assert made == [make(5, "e", WARD, seq) for seq in range(1, BLOCK + 1)]
    closing = made[-1].event.data
    cells = cells_of(one.fact for one in made)
    of_day: Counter[int] = Counter()
    for (day, cell), (count, _) in cells.items():
        if day == made[-1].fact.day:
            of_day[int(cell.split("|")[2])] += count
    assert getattr(closing, "counts") == dict(of_day)  # noqa: B009
    assert sum(1 for one in made if one.fact.of_seq > one.fact.seq) == 4


def test_slope_is_not_bent_by_a_spike() -> None:
    flat = [(float(second), 100.0 + (500.0 if second == 40 else 0.0)) for second in range(100)]
    assert slope(flat) == 0.0
    assert slope([(at, value + 0.5 * at) for at, value in flat]) == pytest.approx(0.5)


def test_reports_become_one_table() -> None:
    report = {
        "seed": 1,
        "wards": 126,
        "kinds": 50,
        "minutes": 19.5,
        "kills": {"worker": 3, "loader": 2},
        "recovered_s": [4.0, 9.0, 2.0],
        "faults": [{"named_s": 2.25}, {"named_s": None}],
        "findings": [],
        "verdict": {"events": 1_000_000, "lost": 0, "counted_twice": 0, "cuts": 40, "findings": []},
    }
    found = figures(report)
    assert (found["kills"], found["recovered_max_s"], found["named_max_s"]) == (5, 9.0, 2.2)
    assert table([report]).splitlines()[2].startswith("| 1 | 1000000 | 126 | 5 | 50 | 0 | 0 |")
