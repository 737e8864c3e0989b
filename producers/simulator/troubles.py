"""What stands in the live wards' way: difficulties are reported, assigned, and most of them resolved.

None of the shares is a statistic of a real ward, and the owners' codes are made up. Times are divided by
`compress` like those of dossiers, so that some are past their due time within an hour. Nothing is remembered:
after a restart those that were open stay open.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Final, NamedTuple

from producers.contract.envelope import (
    DifficultyAssignedEvent,
    DifficultyReportedEvent,
    DifficultyResolvedEvent,
    SequencedEvent,
)
from producers.contract.events import Difficulty
from producers.outbox import Draft
from producers.simulator.times import DAY_S, VN

_GROUPS: Final = 25
_OWNERS: Final = tuple(f"don-vi-{number:02d}" for number in range(1, 13))
_ASSIGNED_AFTER_S: Final = 4 * 3600.0
_RESOLVED_AFTER_S: Final = 6.0 * DAY_S
_DUE_AFTER_S: Final = (3.0 * DAY_S, 15.0 * DAY_S)
_RESOLVED_SHARE: Final = 0.85
OPEN_MAX: Final = 1_000


class _Trouble:
    """One difficulty; its code is made of the seq of its report."""

    def __init__(self, ward: str, group: int) -> None:
        self.ward, self.group, self.code = ward, group, ""

    def reported(self, day: str, epoch: str, seq: int) -> Difficulty:
        self.code = f"VM-{self.ward}-{day}-{seq}"
        return self.step(None, None, epoch, seq)

    def step(self, owner: str | None, due: datetime | None, epoch: str, seq: int) -> Difficulty:
        return Difficulty(
            ward=self.ward, epoch=epoch, seq=seq, difficulty=self.code, group=self.group, owner=owner, due=due
        )


class _Due(NamedTuple):
    """A step to come, in the order of time."""

    at_s: float
    number: int
    assign: bool
    trouble: _Trouble


class Troubles:
    """Ask `due` again and again; `per_s` is how many are reported in a second of the whole city."""

    def __init__(
        self, rng: Random, wards: Sequence[str], per_s: float, compress: float, now_s: float
    ) -> None:
        self._rng, self._wards, self._per_s, self._compress = rng, wards, per_s, compress
        self._next_s = now_s + self._gap_s() if per_s > 0 else float("inf")
        self._coming: list[_Due] = []
        self._number = 0

    def due(self, now: datetime) -> Iterator[Draft]:
        """What is said now. A long silence is not made up for: one report at most."""
        now_s = now.timestamp()
        if self._next_s <= now_s:
            self._next_s = now_s + self._gap_s()
            if len(self._coming) < OPEN_MAX:
                yield self._report(now, now_s)
        while self._coming and self._coming[0].at_s <= now_s:
            step = heapq.heappop(self._coming)
            yield self._assign(step.trouble, now, now_s) if step.assign else self._resolve(step.trouble, now)

    def _report(self, now: datetime, now_s: float) -> Draft:
        trouble = _Trouble(self._rng.choice(self._wards), self._rng.randint(1, _GROUPS))
        self._put(now_s, _ASSIGNED_AFTER_S, True, trouble)
        day = f"{now.astimezone(VN):%y%m%d}"
        return _draft(DifficultyReportedEvent, trouble, partial(trouble.reported, day), now)

    def _assign(self, trouble: _Trouble, now: datetime, now_s: float) -> Draft:
        until = timedelta(seconds=round(self._rng.uniform(*_DUE_AFTER_S) / self._compress))
        if self._rng.random() < _RESOLVED_SHARE:
            self._put(now_s, _RESOLVED_AFTER_S, False, trouble)
        said = partial(trouble.step, self._rng.choice(_OWNERS), now + until)
        return _draft(DifficultyAssignedEvent, trouble, said, now)

    @staticmethod
    def _resolve(trouble: _Trouble, now: datetime) -> Draft:
        return _draft(DifficultyResolvedEvent, trouble, partial(trouble.step, None, None), now)

    def _put(self, now_s: float, mean_s: float, assign: bool, trouble: _Trouble) -> None:
        self._number += 1
        at_s = now_s + 1 + self._rng.expovariate(1 / mean_s) / self._compress
        heapq.heappush(self._coming, _Due(at_s, self._number, assign, trouble))

    def _gap_s(self) -> float:
        return self._rng.expovariate(self._per_s)


def _draft(kind: type[SequencedEvent], trouble: _Trouble, said: partial[Difficulty], now: datetime) -> Draft:
    return Draft(kind, said, now, trouble.ward)
