"""The grid of the city's cuts: one possible cut every ten seconds of the broker's time.

A cut stands at a grid instant A and holds everything that Kafka had by A (arrived_at <= A). Its number is
how many steps of the grid lie between the grid's beginning and A, so the same instant has the same number in
every process, for ever: a cut that is published twice is published once. A cell of the grid is open at its
beginning and closed at its end: what arrives exactly at A belongs to the cut at A.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from streams.domain.days import HANOI

GRID_MS: Final = 10_000
# 2025-01-01 00:00 in Hanoi, in ms since 1970: a whole number of steps, so numbers are plain divisions.
BEGINNING_MS: Final = int(datetime(2025, 1, 1, tzinfo=HANOI).timestamp()) * 1000
_BEGINNING_CELL: Final = BEGINNING_MS // GRID_MS


def number_of_cut(at_ms: int) -> int:
    """The newest cut that is not after an instant (ms since 1970); negative before the beginning."""
    return at_ms // GRID_MS - _BEGINNING_CELL


def instant_of_cut(number: int) -> int:
    """The instant of a cut, in milliseconds since 1970."""
    return (number + _BEGINNING_CELL) * GRID_MS


def cut_of_arrival(arrived_ms: int) -> int:
    """The first cut that holds a message which the broker had at `arrived_ms`."""
    return -(-arrived_ms // GRID_MS) - _BEGINNING_CELL


def cell_end(arrived_ms: int) -> int:
    """The instant of that cut: the last millisecond of the cell in which a message arrived."""
    return -(-arrived_ms // GRID_MS) * GRID_MS
