"""Goal: analysts take turns fairly, nobody waits for ever, and no place is lost whoever goes away when.

Method: the turns themselves on a clock that the test moves; statements are coroutines that end when told.
"""

from __future__ import annotations

import asyncio

import pytest

from ops.stack.clickhouse.faults import Fault
from ops.stack.clickhouse.turns import Bounds, Turn, Turns


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def made(
    places: int = 2, running: int = 2, waiting: int = 20, wait_s: float = 60.0, quick: int = 0
) -> tuple[Turns, Clock]:
    clock = Clock()
    return Turns(Bounds(places, running, waiting, wait_s, quick), clock), clock


async def asked(turns: Turns, *names: str) -> list[asyncio.Task[Turn]]:
    """One statement of each, in this order; whose turn has come is done."""
    tasks = [asyncio.create_task(turns.turn(name)) for name in names]
    await settled()
    return tasks


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def come(tasks: list[asyncio.Task[Turn]]) -> list[int]:
    return [place for place, task in enumerate(tasks) if task.done()]


async def end(task: asyncio.Task[Turn]) -> None:
    task.result().ran()
    task.result().answered()
    await settled()


@pytest.mark.parametrize(
    ("places", "running", "most"), [(1, 2, 1), (2, 2, 1), (3, 2, 2), (8, 2, 2), (4, 9, 3)]
)
async def test_one_analyst_never_has_every_place(places: int, running: int, most: int) -> None:
    turns, _ = made(places, running)
    assert come(await asked(turns, *["greedy"] * 10)) == list(range(most))
    assert come(await asked(turns, "other")) == ([0] if places > 1 else [])


async def test_a_free_place_goes_to_whoever_used_least_lately() -> None:
    turns, clock = made()
    first = await asked(turns, "a", "b", "a", "b", "c")
    assert come(first) == [0, 1]
    clock.now = 30.0
    await end(first[0])
    assert come(first) == [0, 1, 4], "c has used nothing yet, though a asked before"
    clock.now = 31.0
    await end(first[4])
    assert come(first) == [0, 1, 2, 4], "a again: b still runs"
    small = await asked(turns, "c")
    await end(first[1])
    assert come(small) == [0], "c used 1 s, b 31 s"


async def next_ends(crowd: list[asyncio.Task[Turn]], clock: Clock) -> None:
    """One of those that run ends after 30 s."""
    clock.now += 30.0
    running = next(task for task in crowd if task.done())
    crowd.remove(running)
    await end(running)


async def test_who_asks_little_waits_for_one_statement_only_however_many_ask_without_end() -> None:
    turns, clock = made()
    crowd = await asked(turns, *[f"crowd{number}" for number in range(20)] * 3)
    for _ in range(20):
        await next_ends(crowd, clock)
    for _ in range(5):
        small = await asked(turns, "small")
        assert come(small) == []
        await next_ends(crowd, clock)
        assert come(small) == [0]
        await end(small[0])


async def test_who_is_known_for_small_questions_goes_before_a_crowd_that_nobody_knows() -> None:
    turns, clock = made()
    for _ in range(20):
        (known,) = await asked(turns, "known")
        clock.now += 0.05
        await end(known)
    clock.now += 5.0
    crowd = await asked(turns, *[f"crowd{number}" for number in range(20)])
    small = await asked(turns, "known", "new")
    await next_ends(crowd, clock)
    assert come(small) == [0]
    await end(small[0])
    assert come(small) == [0], "somebody new comes after those who were there before"


async def took(turns: Turns, clock: Clock, name: str, seconds: float) -> None:
    """A statement whose turn comes at once, and which takes that long."""
    (task,) = await asked(turns, name)
    clock.now += seconds
    await end(task)


async def test_who_is_known_for_quick_statements_does_not_wait_for_what_others_run_to_its_limit() -> None:
    turns, clock = made(quick=1)
    await took(turns, clock, "known", 0.05)
    crowd = await asked(turns, *[f"crowd{number}" for number in range(20)])
    assert come(crowd) == [0, 1], "nobody knows them"
    first = await asked(turns, "known", "known", "new")
    assert come(first) == [0], "one at a time"
    await end(first[0])
    assert come(first) == [0, 1]
    await end(first[1])
    for _ in range(5):
        await took(turns, clock, "known", 0.05)
    slow = await asked(turns, "known")
    assert come(slow) == [0]
    clock.now += 30.0
    await end(slow[0])
    assert come(await asked(turns, "known")) == [], "known for slow ones now"
    assert come(crowd) == [0, 1]


async def test_places_for_quick_statements_are_as_many_as_before_however_a_client_goes() -> None:
    turns, clock = made(quick=1)
    for name in ("a", "b"):
        await took(turns, clock, name, 0.05)
    await asked(turns, "crowd1", "crowd2")
    for _ in range(3):
        tasks = await asked(turns, "a", "b")
        assert come(tasks) == [0]
        tasks[0].result().ran()  # gives it to b, who has not woken yet
        tasks[1].cancel()
        await settled()
        tasks[0].result().answered()


async def test_everybody_of_a_crowd_has_a_turn_before_anybody_has_a_second() -> None:
    turns, clock = made()
    names = [f"crowd{number}" for number in range(6)]
    crowd = await asked(turns, *names, *names)
    served: list[int] = []
    while len(served) < 6:
        running = next(place for place, task in enumerate(crowd) if task.done() and place not in served)
        served.append(running)
        clock.now += 10.0
        await end(crowd[running])
    assert sorted(served) == list(range(6))


async def test_what_was_used_is_forgotten() -> None:
    turns, clock = made()
    (old,) = await asked(turns, "old")
    clock.now = 300.0
    await end(old)
    clock.now = 3_600.0
    new = await asked(turns, "new", "other")
    clock.now = 3_630.0
    waiting = await asked(turns, "new", "old")
    await end(new[0])
    assert come(waiting) == [1], "an hour ago does not count any more"


async def test_a_wait_ends_with_202_in_both_languages_and_leaves_nothing_behind() -> None:
    turns, _ = made(places=1, wait_s=0.05)
    (running,) = await asked(turns, "a")
    with pytest.raises(Fault, match="Quá nhiều câu lệnh cùng lúc") as late:
        await turns.turn("b")
    assert late.value.code == 202
    assert "Too many simultaneous queries: no turn came within 0.05 s" in late.value.text
    await end(running)
    assert come(await asked(turns, "c")) == [0]


async def test_a_client_that_goes_while_it_waits_takes_no_place_along() -> None:
    turns, _ = made(places=1)
    (running,) = await asked(turns, "a")
    waiting = await asked(turns, "b", "c")
    waiting[0].cancel()
    await end(running)
    assert waiting[0].cancelled()
    assert come(waiting) == [0, 1]


async def test_a_client_that_goes_in_the_moment_its_turn_comes_gives_it_back() -> None:
    turns, _ = made(places=1)
    (running,) = await asked(turns, "a")
    waiting = await asked(turns, "b", "c")
    running.result().ran()  # gives it to b, who has not woken yet
    waiting[0].cancel()
    await settled()
    assert waiting[0].cancelled()
    assert come(waiting) == [0, 1], "c has it now"


async def test_too_many_in_hand_are_refused_at_once() -> None:
    turns, _ = made(waiting=1)
    with turns.in_hand("a"), turns.in_hand("a"):
        with pytest.raises(Fault, match="you have 1 running and 1 waiting") as refused, turns.in_hand("a"):
            pass
        assert refused.value.code == 202
        with turns.in_hand("b"):
            pass
    with turns.in_hand("a"):
        pass


async def test_a_place_is_free_when_the_engine_is_done_and_the_turn_over_when_the_client_is_too() -> None:
    turns, _ = made()
    a = await asked(turns, "a", "a")
    a[0].result().ran()
    b = await asked(turns, "b", "c")
    assert come(b) == [0, 1], "two places are free while a's answer is on its way"
    assert come(a) == [0]
    for task in b:
        await end(task)
    assert come(a) == [0], "a still takes its first answer"
    a[0].result().answered()
    a[0].result().answered()
    await settled()
    assert come(a) == [0, 1]
