"""Goal: the grid of cuts is the same everywhere, and its edges are where the design has them. Method: figures
worked out by hand, and neighbours by one millisecond.
"""

from __future__ import annotations

from datetime import datetime

from streams.domain.cut import BEGINNING_MS, GRID_MS, cut_of_arrival, instant_of_cut, number_of_cut


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def test_number_of_cut_counts_tens_of_seconds_since_2025_in_hanoi() -> None:
    assert _ms("2025-01-01T00:00:00+07:00") == BEGINNING_MS
    assert number_of_cut(BEGINNING_MS) == 0
    assert number_of_cut(_ms("2025-01-02T00:00:10+07:00")) == 8_641
    assert instant_of_cut(8_641) == _ms("2025-01-01T17:00:10+00:00")


def test_number_of_cut_between_two_instants_is_the_earlier() -> None:
    at = instant_of_cut(5)
    assert [number_of_cut(at + n) for n in (-1, 0, 1, GRID_MS - 1, GRID_MS)] == [4, 5, 5, 5, 6]


def test_cut_of_arrival_at_the_instant_itself_is_that_cut() -> None:
    at = instant_of_cut(5)
    assert [cut_of_arrival(at + n) for n in (-GRID_MS, -1, 0, 1, GRID_MS)] == [4, 5, 5, 6, 6]
