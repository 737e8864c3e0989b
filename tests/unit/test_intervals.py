"""Interval sets behave as sets of numbers; the reference is Python's own set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.domain import intervals

NUMBERS = st.lists(st.integers(1, 60), max_size=80)


def _of(numbers: list[int]) -> list[int]:
    made: list[int] = []
    for number in numbers:
        intervals.add(made, number)
    return made


@given(NUMBERS)
def test_add_any_order_equals_a_set(numbers: list[int]) -> None:
    made: list[int] = []
    seen: set[int] = set()
    for number in numbers:
        assert intervals.add(made, number) is (number not in seen)
        seen.add(number)
    assert intervals.size(made) == len(seen)
    assert [n for n in range(62) if intervals.contains(made, n)] == sorted(seen)
    gaps = [(made[i], made[i + 1]) for i in range(1, len(made) - 1, 2)]
    assert all(high > low + 1 for low, high in gaps), "neighbouring intervals must have been joined"


@given(NUMBERS, NUMBERS)
def test_union_of_two_equals_the_set_union(left: list[int], right: list[int]) -> None:
    assert intervals.union(_of(left), _of(right)) == _of(left + right)


@given(NUMBERS)
def test_holes_and_contiguous_tell_what_is_missing(numbers: list[int]) -> None:
    made, seen = _of(numbers), set(numbers)
    missing = {n for low, high in intervals.holes(made) for n in range(low, high + 1)}
    assert missing == set(range(1, max(seen, default=0) + 1)) - seen
    assert intervals.contiguous(made) == next(n for n in range(62) if n + 1 not in seen)


@given(NUMBERS, st.integers(0, 61))
def test_count_upto_counts_members_at_most(numbers: list[int], bound: int) -> None:
    assert intervals.count_upto(_of(numbers), bound) == len({n for n in numbers if n <= bound})
