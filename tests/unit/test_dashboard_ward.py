"""The ward view's pure parts: reading in the background, and which wards lie beside each other."""

from __future__ import annotations

import threading

import pytest

from dashboards.server.background import FORGOTTEN_S, Background
from dashboards.server.tables import TABLES
from dashboards.server.views.ward.neighbours import before_and_after, neighbours
from dashboards.server.views.ward.parts import PARTS
from producers.contract.wards import WARDS
from tests.conftest import eventually


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_background_answers_at_once_and_later_with_what_was_read() -> None:
    background, gate = Background(), threading.Event()
    background.ask("a", 1, lambda: gate.wait(10) and "read")
    assert background.get("a", "not yet") == "not yet"
    gate.set()
    background.settle(10)
    assert background.get("a", "not yet") == "read"
    background.close()


def test_background_reads_again_only_when_it_is_due_and_one_at_a_time() -> None:
    clock, reads, gate = Hands(), [], threading.Event()

    def read() -> int:
        reads.append(1)
        gate.wait(10)
        return len(reads)

    background = Background(threads=2, clock=clock)
    for _ in range(3):
        background.ask("a", 5, read)
    gate.set()
    background.settle(10)
    assert (background.get("a", 0), len(reads)) == (1, 1)
    clock.now += 4
    background.ask("a", 5, read)
    assert len(reads) == 1
    clock.now += 2
    background.ask("a", 5, read)
    assert eventually(lambda: background.get("a", 0) == 2)
    background.close()


def test_background_raises_what_the_newest_reading_raised_until_one_succeeds() -> None:
    clock, background_of = Hands(), {"fails": True}

    def read() -> str:
        if background_of["fails"]:
            raise ValueError("away")
        return "here"

    background = Background(clock=clock)
    background.ask("a", 60, read)
    background.settle(10)
    with pytest.raises(ValueError, match="away"):
        background.get("a", None)
    background_of["fails"] = False
    clock.now += 3
    background.ask("a", 60, read)
    background.settle(10)
    assert background.get("a", None) == "here"
    background.close()


def test_background_shows_nothing_that_nobody_asked_for_long_before_it_is_read_again() -> None:
    clock, answers = Hands(), iter(["old", "new"])
    background = Background(clock=clock)
    for wait in (0.0, FORGOTTEN_S - 1, FORGOTTEN_S - 1):
        clock.now += wait
        background.ask("a", 3600, lambda: next(answers))
        background.settle(10)
        assert background.get("a", "not yet") == "old"
    clock.now += FORGOTTEN_S
    background.ask("a", 3600, lambda: next(answers))
    background.settle(10)
    assert background.get("a", "not yet") == "new"
    background.close()


def test_neighbours_are_mutual_and_every_ward_has_some() -> None:
    beside = neighbours()
    assert beside.keys() == WARDS.keys()
    assert all(beside.values())
    assert all(code in beside[other] for code, others in beside.items() for other in others)
    assert {WARDS[code].name for code in beside["00070"]} == {"Ba Đình", "Cửa Nam", "Hồng Hà"}


def test_before_and_after_go_round_all_wards() -> None:
    seen, code = [], next(iter(WARDS))
    for _ in WARDS:
        seen.append(code)
        code = before_and_after(code)[1]
        assert before_and_after(code)[0] == seen[-1]
    assert (sorted(seen), code) == (sorted(WARDS), seen[0])


def test_every_part_of_the_page_can_be_taken_away_and_asks_for_several_wards_at_once() -> None:
    for part in PARTS:
        assert TABLES[part.table.name] is part.table
        assert part.table.scope == "ward"
        assert "{wards:Array(String)}" in part.table.sql
        assert "{ward:String}" not in part.table.sql
