"""What the city can certify of a ward at an instant: which seqs it has, which it lacks and since when.

All times are milliseconds since 1970, Kafka's clock unless said otherwise; 0 stands for "not yet".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


class Epoch(NamedTuple):
    """One life of the ward's outbox: complete from 1 up to `contiguous`."""

    name: str
    events: int
    contiguous: int
    highest: int


class Hole(NamedTuple):
    """Seqs that are missing, inclusive; `since_ms`: when something later, or a heartbeat, revealed them."""

    epoch: str
    first: int
    last: int
    since_ms: int

    @property
    def size(self) -> int:
        """How many seqs."""
        return self.last - self.first + 1

    def overlaps(self, epoch: str, first: int, last: int) -> bool:
        """Whether it shares a seq with that range."""
        return self.epoch == epoch and self.first <= last and first <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A ward as the city has it. `event_ms`: when the newest event happened, `arrived_ms`: when one came.

    `skew_ms` is how far the ward's clock is ahead of Kafka's; None without a recent heartbeat. `proven_ms`
    and `doubt_ms` are `WardSync`'s.
    """

    ward: str
    epochs: tuple[Epoch, ...] = ()
    epoch: str = ""
    events: int = 0
    missing: int = 0
    holes: tuple[Hole, ...] = ()
    pending: int = 0
    event_ms: int = 0
    arrived_ms: int = 0
    beat_ms: int = 0
    beat_clock_ms: int = 0
    rejected: int = 0
    proven_ms: int = 0
    doubt_ms: int = 0
    skew_ms: int | None = None
    delay_ms_p50: int | None = None
    delay_ms_p99: int | None = None

    @property
    def heard_ms(self) -> int:
        """When Kafka had the newest event or heartbeat."""
        return max(self.arrived_ms, self.beat_ms)

    @property
    def known(self) -> bool:
        """Whether anything was ever heard of the ward."""
        return self.heard_ms > 0

    @property
    def present(self) -> Epoch:
        """The present epoch: of the newest heartbeat, else the one with most events."""
        named = [one for one in self.epochs if one.name == self.epoch]
        return named[0] if named else Epoch(self.epoch, 0, 0, 0)

    @property
    def oldest_hole(self) -> Hole | None:
        """The hole that is known for longest."""
        return min(self.holes, key=lambda hole: hole.since_ms, default=None)


class Mismatch(NamedTuple):
    """A day whose control totals do not match, and the status in which they differ most."""

    day: date
    status: int
    declared: int
    counted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What other checks found about a ward in the last days; `first_ms`: when Kafka had its first message."""

    conflicts: int = 0
    mismatches: tuple[Mismatch, ...] = ()
    differences: int = 0
    declared: frozenset[date] = frozenset()
    first_ms: int = 0


def present_epoch(beat_epoch: str, epochs: Iterable[Epoch]) -> str:
    """The present epoch's name; empty if there is none."""
    if beat_epoch:
        return beat_epoch
    return max(epochs, key=lambda one: one.events, default=Epoch("", 0, 0, 0)).name


def inherited(hole: tuple[str, int, int], known: Iterable[Hole]) -> int:
    """Since when a hole is known, if it is (a part of) one that was known before; else 0.

    Holes only shrink, split, or grow at their end, so whatever overlaps was revealed at the same time.
    """
    since = [old.since_ms for old in known if old.since_ms and old.overlaps(*hole)]
    return min(since, default=0)
