"""Which holes are asked for now: each once it is old enough, then ever more seldom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

ASKED_MAX: Final = 200
_AGAIN_MAX: Final = timedelta(days=1)


class Hole(NamedTuple):
    """Seqs, both ends included, that a ward has given and the city has not."""

    ward: str
    epoch: str
    first_seq: int
    last_seq: int
    since: datetime


class Asked(NamedTuple):
    """An earlier request for seqs."""

    ward: str
    epoch: str
    first_seq: int
    last_seq: int
    at: datetime


def due(
    holes: Iterable[Hole], asked: Iterable[Asked], now: datetime, after: timedelta, again: timedelta
) -> list[Hole]:
    """The holes to be asked for now, the oldest first, at most `ASKED_MAX`."""
    earlier: dict[tuple[str, str], list[Asked]] = {}
    for one in asked:
        earlier.setdefault((one.ward, one.epoch), []).append(one)
    found = [
        hole
        for hole in holes
        if now - hole.since >= after and _rested(hole, earlier.get((hole.ward, hole.epoch), []), now, again)
    ]
    return sorted(found, key=lambda hole: hole.since)[:ASKED_MAX]


def _rested(hole: Hole, earlier: list[Asked], now: datetime, again: timedelta) -> bool:
    same = [one.at for one in earlier if one.first_seq <= hole.last_seq and one.last_seq >= hole.first_seq]
    if not same:
        return True
    # The exponent is bounded, so that a hole that is never filled cannot overflow the wait.
    rest = again * float(2 ** min(len(same) - 1, 20))
    return now - max(same) >= min(_AGAIN_MAX, rest)
