"""Goal: the harness itself is seeded, complete and honest: the same seed gives the same campaign."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from ops.settings import REPOSITORY
from producers.contract.topics import PARTITION_OF_WARD
from tests.faults.catalogue import ALWAYS, FAULTS, NOT_HERE, SHORT
from tests.faults.catalogue.base import Wanted
from tests.faults.events import BLOCK, make
from tests.faults.oracle import cells_of
from tests.faults.pace import Pace
from tests.faults.plan import Extra, Poison
from tests.faults.report import figures, table
from tests.faults.schedule import again, rounds
from tests.faults.soak import Sample, judged, leaks, slope, victims
from tests.faults.spent import Spent
from tests.faults.watch import Facts, Incident, Look, named

WARD, OTHER = "00070", "00004"
LOST = Incident("t", "lost_range", PARTITION_OF_WARD[WARD], 100, 120)


def look(at: float, unwell: dict[str, str] | None = None, facts: Facts | None = None) -> Look:
    """A look of a second."""
    return Look(at, at + 1.0, {} if unwell is None else unwell, facts)


def told(*incidents: Incident, holes: str = "", silent: str = "") -> Facts:
    """What ClickHouse tells."""
    return Facts(frozenset(incidents), frozenset(holes.split()), frozenset(), frozenset(silent.split()), 0)


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
    alone = [{shot.fault for shot in one} for one in planned if any(shot.fault.alone for shot in one)]
    assert all(len(group) == 1 or len({fault.company for fault in group}) == 1 for group in alone)
    assert all(fault.alone for group in alone for fault in group)


def test_kinds_without_effect_and_kills_that_are_missing_come_again() -> None:
    more = again(7, 1, ["duplicates", "poison"], 12)
    names = Counter(shot.fault.name for one in more for shot in one)
    assert (names["duplicates"], names["poison"]) == (1, 1)
    assert sum(shot.fault.kill for one in more for shot in one) + names["all-workers-killed"] >= 12
    assert again(7, 1, [], 0) == []


def test_pace_never_ends_by_itself_and_gives_all_when_it_is_told_to() -> None:
    share, rounds_left = 0.0, 40
    for number in range(rounds_left):
        pace = Pace(0.0, 1 - share, tau_s=30.0 * (rounds_left - number + 3))
        said = pace.due(30.0) - share
        share = pace.due(30.0)
        assert 0.015 < said < 0.03
    assert 0.8 < share < 0.98
    assert Pace(0.0, 1 - share).due(0.0) == 1.0
    assert Pace(0.0, 1.0, over_s=100.0).due(25.0) == 0.25


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


def test_naming_wants_the_very_line_partition_range_or_wards() -> None:
    line, ranges = Wanted(lines=("loader",)), Wanted(ranges={LOST.partition: (110, 115)})
    assert named([look(1, {"worker-0": "away"}), look(5, {"loader": "away"})], line, 0, 60) == 6.0
    assert named([look(1, {"worker-0": "away"}), look(61, {"loader": "away"})], line, 0, 60) is None
    assert named([look(-2, facts=told()), look(3, facts=told(LOST))], ranges, 0, 60) == 4.0
    for other in (
        LOST._replace(partition=LOST.partition + 1),
        LOST._replace(first=116),
        LOST._replace(last=109),
    ):
        assert named([look(3, facts=told(other))], ranges, 0, 60) is None
    hole = Wanted(partitions=frozenset({PARTITION_OF_WARD[WARD]}))
    assert named([look(3, facts=told(holes=WARD))], hole, 0, 60) == 4.0
    assert named([look(3, facts=told(holes=OTHER))], hole, 0, 60) is None
    wards = Wanted(silent=frozenset({WARD}))
    assert named([look(3, facts=told(silent=f"{WARD} {OTHER}"))], wards, 0, 60) is None
    assert named([look(3, facts=told(silent=WARD))], wards, 0, 60) == 4.0


def test_incident_of_before_names_nothing_also_after_looks_that_failed() -> None:
    ranges = Wanted(ranges={LOST.partition: (100, 120)})
    looks = [
        look(-9, facts=told(LOST)),
        Look(-4, -3, None, None),
        Look(2, 3, None, None),
        look(5, facts=told(LOST)),
    ]
    assert named(looks, ranges, 0, 60) is None
    assert not looks[1].well
    assert not look(1).well, "a look that saw no ClickHouse"
    assert look(1, facts=told()).well


def test_line_is_told_when_it_stands_there_however_long_clickhouse_lets_wait_for_the_rest() -> None:
    hung = Wanted(lines=("clickhouse",))
    late = {"clickhouse": "does not answer"}
    assert named([Look(3, 78, late, None, 12)], hung, 0, 60) == 12
    assert named([Look(3, 78, late, None, 61)], hung, 0, 60) is None
    assert (
        named([Look(3, 78, None, told(LOST), 12)], Wanted(ranges={LOST.partition: (100, 120)}), 0, 60) is None
    )


def test_every_part_must_be_told() -> None:
    both = Wanted(kinds={"topic_recreated": frozenset({1, 2})})
    one, other = Incident("old", "topic_recreated", 1, 9, 9), Incident("old", "topic_recreated", 2, 7, 7)
    assert named([look(1, facts=told(one))], both, 0, 60) is None
    assert named([look(1, facts=told(one)), look(4, facts=told(one, other))], both, 0, 60) == 5.0


def test_soak_finds_what_leaks_and_nothing_that_warms_up() -> None:
    def life(grow_mb_s: float, files_s: float) -> list[str]:
        warming = [min(at, 120) * 2.0 for at in range(0, 1200, 5)]
        samples = [
            Sample(float(at), 7, 100 + warm + at * grow_mb_s, int(30 + at * files_s))
            for at, warm in zip(range(0, 1200, 5), warming, strict=True)
        ]
        return leaks("loader", judged(samples), 3600.0)

    assert life(0.0, 0.0) == []
    assert life(0.001, 0.01) == []
    assert [one.split(":")[1].split()[0] for one in life(0.05, 0.1)] == ["memory", "open"]
    assert (
        "no life longer"
        in leaks("loader", judged([Sample(0.0, 1, 9.0, 5), Sample(60.0, 1, 9.0, 5)]), 3600)[0]
    )


def test_soak_spares_each_process_for_a_third() -> None:
    kinds = {name for share in (0.1, 0.5, 0.9) for name in victims(share)}
    assert all(any(name not in victims(share) for share in (0.1, 0.5, 0.9)) for name in kinds)
    assert {"worker-0", "worker-1", "loader", "gateway", "monitor", "direct", "outbox-0"} <= kinds


def test_reports_become_one_table() -> None:
    report = {
        "seed": 1,
        "wards": 126,
        "kinds": 50,
        "attempts": 60,
        "effects": 55,
        "rounds": [{"events": 10}, {"events": 7}],
        "minutes": 19.5,
        "kills": {"worker": 3, "loader": 2},
        "recovered_s": [4.0, 9.0, 2.0],
        "faults": [{"named_s": 2.25}, {"named_s": None}],
        "findings": [],
        "verdict": {"events": 1_000_000, "lost": 0, "counted_twice": 0, "cuts": 40, "findings": []},
    }
    found = figures(report)
    assert (found["kills"], found["recovered_max_s"], found["named_max_s"]) == (5, 9.0, 2.2)
    assert found["least_events_of_a_round"] == 7
    assert table([report]).splitlines()[2].startswith("| 1 | 1000000 | 126 | 5 | 50 | 60 | 55 | 0 | 0 |")


def test_what_is_sent_again_was_rejected_in_the_events_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [Poison("not_json", b"{", b"k", 1), Poison("bad_shape", b"junk", b"k", 1, topic="books")]
    city: Any = SimpleNamespace(extra=Extra(poison=known))
    sent: list[Poison] = []
    fault = FAULTS["dead-letters-replayed-twice"](city, Random(1))
    monkeypatch.setattr(fault, "poison", sent.extend)
    fault.inject()
    assert [one.value for one in sent] == [b"{", b"{"]


def test_a_process_that_works_is_named_with_its_time() -> None:
    lazy = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    busy = subprocess.Popen([sys.executable, "-c", "for _ in range(10**8): pass"])
    members = SimpleNamespace(pids=lambda: {"lazy": lazy.pid, "busy": busy.pid, "gone": 2**22 + 1})
    try:
        spent = Spent(members)
        deadline = time.monotonic() + 60
        while spent.by_process()["busy"] < 0.6 and time.monotonic() < deadline:
            time.sleep(0.05)
        found = spent.by_process()
        assert next(iter(found)) == "busy"
        assert found["busy"] >= 0.6
        assert "gone" not in found
        assert re.fullmatch(
            r"processor: busy [0-9.]+ s.*; the machine [0-9.]+ s, taken by others [0-9.]+ s", spent.words()
        )
    finally:
        for one in (lazy, busy):
            one.kill()
            one.communicate()
