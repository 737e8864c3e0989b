"""Sets of whole numbers as sorted, disjoint, inclusive intervals in one flat list: [1, 16, 20, 31].

A ward's seqs arrive nearly in order, so a set of a million is two numbers. Adding to the end is the fast
path; anything else costs O(log n) to find and O(n) to insert in a list of n intervals.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping

Intervals = list[int]


def add(intervals: Intervals, number: int) -> bool:
    """Put one number into the set, in place; False if it was there already."""
    if not intervals or number > intervals[-1] + 1:
        intervals += (number, number)
        return True
    if number == intervals[-1] + 1:
        intervals[-1] = number
        return True
    return _insert(intervals, number)


def _insert(intervals: Intervals, number: int) -> bool:
    # The number of bounds below `number` is odd inside an interval, even in a gap. An interval's end
    # equal to `number` is not below it, so being an end counts as inside, and a start is tested apart.
    at = bisect_left(intervals, number)
    if at % 2 or intervals[at] == number:
        return False
    joins_left = at > 0 and intervals[at - 1] == number - 1
    joins_right = intervals[at] == number + 1
    if joins_left and joins_right:
        del intervals[at - 1 : at + 1]
    elif joins_left:
        intervals[at - 1] = number
    elif joins_right:
        intervals[at] = number
    else:
        intervals[at:at] = (number, number)
    return True


def contains(intervals: Intervals, number: int) -> bool:
    """Whether the number is in the set."""
    at = bisect_left(intervals, number)
    return at < len(intervals) and (at % 2 == 1 or intervals[at] == number)


def size(intervals: Intervals) -> int:
    """How many numbers the set has."""
    return sum(intervals[1::2]) - sum(intervals[::2]) + len(intervals) // 2


def contiguous(intervals: Intervals) -> int:
    """The highest n such that 1..n are all in the set; 0 if 1 is missing."""
    return intervals[1] if intervals and intervals[0] == 1 else 0


def highest(intervals: Intervals) -> int:
    """The highest number in the set; 0 if it is empty."""
    return intervals[-1] if intervals else 0


def holes(intervals: Intervals) -> list[tuple[int, int]]:
    """The inclusive gaps between 1 and the highest number."""
    bounds = [0, *intervals]
    return [
        (low + 1, high - 1) for low, high in zip(bounds[::2], bounds[1::2], strict=False) if high > low + 1
    ]


def union(target: Intervals, other: Intervals) -> Intervals:
    """A new set with the numbers of both."""
    pairs = sorted([*_pairs(target), *_pairs(other)])
    merged: Intervals = []
    for start, end in pairs:
        if merged and start <= merged[-1] + 1:
            merged[-1] = max(merged[-1], end)
        else:
            merged += (start, end)
    return merged


def merge_all(sets: Iterable[Intervals]) -> Intervals:
    """The union of many sets, sorting once."""
    flat: Intervals = []
    for bounds in sets:
        flat += bounds
    return union(flat, [])


def _pairs(intervals: Intervals) -> Iterable[tuple[int, int]]:
    return zip(intervals[::2], intervals[1::2], strict=True)


def count_upto(intervals: Intervals, number: int) -> int:
    """How many numbers of the set are at most `number`."""
    at = bisect_right(intervals, number)
    whole = size(intervals[: at - at % 2])
    return whole + (number - intervals[at - 1] + 1 if at % 2 else 0)


def within(sets: Mapping[str, Intervals], others: Mapping[str, Intervals]) -> bool:
    """Whether every number of each set is in the other of the same name."""
    return all(union(others.get(name, []), numbers) == others.get(name, []) for name, numbers in sets.items())
