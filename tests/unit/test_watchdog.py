"""Goal: a worker that lives but does not work is ended, and a quiet one is not. Method: a clock we set."""

from __future__ import annotations

import pytest

from streams.watchdog import Limits, Memory, Observation, Partition, judge

LIMITS = Limits()


def look(
    now_s: float, *partitions: Partition, recovering_since_s: float | None = None, answers: bool = True
) -> Observation:
    return Observation(now_s, dict(enumerate(partitions)), recovering_since_s, answers)


def part(
    position: int = 10,
    durable: int = 10,
    end: int | None = 10,
    *,
    moved_s: float = 0.0,
    pending_s: float | None = None,
) -> Partition:
    return Partition(position, durable, end, moved_s, pending_s)


def fault(observation: Observation) -> str | None:
    return judge(observation, LIMITS).fault


@pytest.mark.parametrize(
    ("partition", "now_s", "expected"),
    [
        pytest.param(part(), 10_000.0, None, id="read to its end, quiet for hours"),
        pytest.param(part(end=11), 60.0, None, id="unread for less than the limit"),
        pytest.param(part(end=11), 61.0, "stalled", id="unread and unmoved"),
        pytest.param(part(end=11, moved_s=30.0), 61.0, None, id="moved in between"),
        pytest.param(part(durable=9), 61.0, "stalled", id="handed out and never finished"),
        pytest.param(part(end=None), 10_000.0, None, id="end unknown, nothing in work"),
        pytest.param(part(pending_s=0.0), 60.0, None, id="uncommitted for less than the limit"),
        pytest.param(part(pending_s=0.0), 61.0, "commit_overdue", id="finished and never committed"),
    ],
)
def test_judge_of_one_partition(partition: Partition, now_s: float, expected: str | None) -> None:
    assert fault(look(now_s, partition)) == expected


def test_judge_one_stalled_partition_among_busy_ones_is_found() -> None:
    verdict = judge(look(100.0, part(moved_s=99.0), part(end=12), part(moved_s=99.0)), LIMITS)
    assert verdict.fault == "stalled"
    assert "partition 1: end 12, read 10" in verdict.detail


def test_judge_recovery_has_its_own_limit() -> None:
    stuck = part(end=11)
    assert fault(look(119.0, stuck, recovering_since_s=0.0)) is None
    assert fault(look(121.0, stuck, recovering_since_s=0.0)) == "recovery_overdue"


def test_judge_while_the_broker_is_away_ends_nothing() -> None:
    assert fault(look(10_000.0, part(end=11, pending_s=0.0), recovering_since_s=0.0, answers=False)) is None


def test_memory_partition_that_moves_is_never_still() -> None:
    memory = Memory()
    for second in range(0, 300, 5):
        seen = memory.update(second, {0: (second, second, second)}, {0: 1000})
        assert fault(look(second, seen[0])) is None


def test_memory_partition_that_stops_is_stalled_after_the_limit_only() -> None:
    memory = Memory()
    faults = {
        second: fault(look(second, memory.update(second, {0: (7, 7, 7)}, {0: 9})[0]))
        for second in range(0, 71, 5)
    }
    assert faults[60] is None
    assert faults[65] == "stalled"


def test_memory_first_event_after_a_quiet_night_is_not_a_stall() -> None:
    memory = Memory()
    for second in range(0, 36_000, 5):
        memory.update(second, {0: (7, 7, 7)}, {0: 7})
    seen = memory.update(36_000, {0: (7, 7, 7)}, {0: 8})
    assert fault(look(36_000, seen[0])) is None


def test_memory_commit_that_follows_is_never_overdue() -> None:
    memory = Memory()
    for second in range(0, 300, 5):
        seen = memory.update(second, {0: (second + 5, second + 5, second)}, {0: 1000})
        assert fault(look(second, seen[0])) is None


def test_memory_commit_that_stays_is_overdue() -> None:
    memory = Memory()
    faults = [
        fault(look(second, memory.update(second, {0: (second, second, 0)}, {0: second})[0]))
        for second in range(5, 80, 5)
    ]
    assert faults[-1] == "commit_overdue"
    assert faults[0] is None


def test_memory_partition_that_left_and_came_back_starts_anew() -> None:
    memory = Memory()
    memory.update(0, {0: (7, 7, 7)}, {0: 9})
    memory.update(5, {}, {})
    seen = memory.update(100, {0: (7, 7, 7)}, {0: 9})
    assert fault(look(100, seen[0])) is None
