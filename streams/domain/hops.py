"""Conservation: what enters a hop leaves it or is on its way, and what is on its way for too long is broken.

Four hops, each per partition. Something that the far side lacks is a `Lack` with a name of its own; how long
that name has been seen without a break decides. A lack is broken once it is older than its grace while the
process that should close it says that it has nothing left to do; until then it is in flight.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from enum import StrEnum
from typing import Final, NamedTuple

_SHOWN_MAX: Final = 3


class Hop(StrEnum):
    """The way of an event, cut where it can be counted."""

    OUTBOX_KAFKA = "outbox_kafka"
    KAFKA_LOADER = "kafka_loader"
    LOADER_ROWS = "loader_rows"
    EVENTS_BOOKS = "events_books"


class Lack(NamedTuple):
    """`amount` things that a hop's far side has not; `claimed`: who should bring them says it is done.

    `known_s` is how old it is by another witness than who has looked at it here.
    """

    key: Hashable
    amount: int
    claimed: bool
    grace_s: float
    vi: str
    en: str
    known_s: float = 0.0


class Side(NamedTuple):
    """One hop in one partition: how many the near side has, and what the far side lacks of them."""

    hop: Hop
    partition: int
    expected: int
    lacks: tuple[Lack, ...] = ()
    vi: str = ""
    en: str = ""


class Judgement(NamedTuple):
    """expected = found + in_flight + broken."""

    hop: Hop
    partition: int
    expected: int
    found: int
    in_flight: int
    broken: int
    vi: str
    en: str


class Ages:
    """Since when each name has been seen without a break."""

    def __init__(self) -> None:
        self._since: dict[Hashable, float] = {}

    def look(self, keys: Iterable[Hashable], now_s: float) -> None:
        """Note which names are there now; the others are forgotten."""
        known = self._since
        self._since = {key: known.get(key, now_s) for key in keys}

    def age_s(self, key: Hashable, now_s: float) -> float:
        """How long a name has been there."""
        return now_s - self._since.get(key, now_s)


def judge(sides: Iterable[Side], ages: Ages, now_s: float) -> list[Judgement]:
    """Judge all hops for one instant; call it with every look, since ages are told apart by it."""
    found = list(sides)
    ages.look(((side.hop, lack.key) for side in found for lack in side.lacks), now_s)
    return [_judged(side, ages, now_s) for side in found]


def _judged(side: Side, ages: Ages, now_s: float) -> Judgement:
    old = [lack for lack in side.lacks if _is_broken(side.hop, lack, ages, now_s)]
    broken = sum(lack.amount for lack in old)
    in_flight = sum(lack.amount for lack in side.lacks) - broken
    told = old or side.lacks
    return Judgement(
        side.hop,
        side.partition,
        side.expected,
        max(0, side.expected - in_flight - broken),
        in_flight,
        broken,
        _words([lack.vi for lack in told]) or side.vi,
        _words([lack.en for lack in told]) or side.en,
    )


def _is_broken(hop: Hop, lack: Lack, ages: Ages, now_s: float) -> bool:
    age_s = max(lack.known_s, ages.age_s((hop, lack.key), now_s))
    return lack.claimed and age_s >= lack.grace_s


def _words(found: list[str]) -> str:
    shown = "; ".join(found[:_SHOWN_MAX])
    return f"{shown}; … +{len(found) - _SHOWN_MAX}" if len(found) > _SHOWN_MAX else shown
