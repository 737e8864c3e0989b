"""Whose turn it is among the analysts, so that neither one of them nor twenty at once shut out another.

Rules:
- One analyst never has every place: one is left for whoever comes next (unless there is only one).
- A free place goes to whoever runs least now and, among these, will have used least lately if the statement
  is like their former ones. So whoever asks little waits until one statement ends, however many ask.
- Whoever is known for quick statements and runs none has one place more, for all of them together: they need
  not wait for what others run to its limit. Whoever runs a slow one there is known for it from then on.
- Nobody waits for ever: after so many seconds, or behind so many statements of their own, the answer is 202.

Used in the event loop only.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ops.stack.clickhouse import faults

_HALF_LIFE_S: Final = 60.0
_UNKNOWN_S: Final = 1.0  # what the statement of somebody new is taken for
# A quick one may take that long: on a machine that is busy with the others' statements.
_QUICK_S: Final = 3.0


class Bounds(NamedTuple):
    """Statements that run at once, of all and of one analyst; how many of one may wait, and how long; and how
    many more run at once of those who are known for quick ones.
    """

    places: int
    running: int
    waiting: int
    wait_s: float
    quick: int = 0


@dataclass(slots=True)
class _Places:
    """How many of them are free."""

    free: int


@dataclass(slots=True)
class _Analyst:
    """`used_s` are the seconds of turns so far, of which half is forgotten every minute; `like_s` is how long
    a statement took of late.
    """

    counted_at: float
    in_hand: int = 0
    turns: int = 0
    used_s: float = 0.0
    like_s: float = _UNKNOWN_S
    known: bool = False
    waiting: deque[asyncio.Future[_Places]] = field(default_factory=deque)

    def count(self, now: float) -> None:
        passed = now - self.counted_at
        self.used_s = self.used_s * 0.5 ** (passed / _HALF_LIFE_S) + passed * self.turns
        self.counted_at = now

    @property
    def is_quick(self) -> bool:
        """Whether a statement will be a quick one, as far as anybody knows."""
        return self.known and self.turns == 0 and self.like_s < _QUICK_S

    @property
    def place_in_line(self) -> tuple[int, float]:
        """Whoever has the least is next."""
        return self.turns, self.used_s + self.like_s


class Turn:
    """One statement's turn. It is over when the engine is done with it and the client has its answer."""

    def __init__(self, turns: Turns, analyst: _Analyst, place: _Places, begun: float) -> None:
        self._turns, self._analyst, self._place, self._begun = turns, analyst, place, begun
        self._runs = self._answers = True

    def ran(self) -> None:
        """The engine is done: the place is another's, though the answer may still be on its way."""
        if self._runs:
            self._runs = False
            self._place.free += 1
            self._give_back(is_over=not self._answers)

    def answered(self) -> None:
        """The client has its answer or has gone, though the engine may not have noticed yet."""
        if self._answers:
            self._answers = False
            self._give_back(is_over=not self._runs)

    def _give_back(self, *, is_over: bool) -> None:
        if is_over:
            took = self._turns.clock() - self._begun
            self._analyst.like_s = (self._analyst.like_s + took) / 2
            self._analyst.known = True
        self._turns.give_back(self._analyst, turns=int(is_over))


class Turns:
    """The turns of all analysts of one endpoint."""

    def __init__(self, bounds: Bounds, clock: Callable[[], float] = time.monotonic) -> None:
        self._bounds, self.clock = bounds, clock
        self._places, self._quick = _Places(bounds.places), _Places(bounds.quick)
        self._most = min(bounds.running, max(1, bounds.places - 1))
        self._analysts: dict[str, _Analyst] = {}

    @contextmanager
    def in_hand(self, name: str) -> Iterator[None]:
        """One more request of an analyst.

        :raises Fault: so many are in hand already
        """
        analyst = self._analysts.setdefault(name, _Analyst(self.clock()))
        if analyst.in_hand >= self._most + self._bounds.waiting:
            raise self._too_many_waiting()
        analyst.in_hand += 1
        try:
            yield
        finally:
            analyst.in_hand -= 1

    async def turn(self, name: str) -> Turn:
        """Wait for an analyst's turn.

        :raises Fault: it did not come in time
        """
        analyst = self._analysts.setdefault(name, _Analyst(self.clock()))
        ready = asyncio.get_running_loop().create_future()
        analyst.waiting.append(ready)
        self._hand_out()
        try:
            async with asyncio.timeout(self._bounds.wait_s):
                place = await ready
        except (TimeoutError, asyncio.CancelledError) as error:
            self._gone(analyst, ready)
            raise self._too_late() if isinstance(error, TimeoutError) else error from None
        return Turn(self, analyst, place, self.clock())

    def _gone(self, analyst: _Analyst, ready: asyncio.Future[_Places]) -> None:
        """Whoever waited goes away, perhaps in the moment in which the turn came."""
        if not ready.cancelled():
            ready.result().free += 1
            self.give_back(analyst, turns=1)
            return
        with contextlib.suppress(ValueError):
            analyst.waiting.remove(ready)

    def give_back(self, analyst: _Analyst, *, turns: int) -> None:
        """A place is free, or an analyst's turn is over, or both."""
        analyst.count(self.clock())
        analyst.turns -= turns
        self._hand_out()

    def _hand_out(self) -> None:
        now = self.clock()
        while (found := self._next(now)) is not None:
            following, place = found
            ready = following.waiting.popleft()
            if not ready.done():
                following.turns += 1
                place.free -= 1
                ready.set_result(place)

    def _next(self, now: float) -> tuple[_Analyst, _Places] | None:
        """Whose turn it is, and where."""
        asking = [each for each in self._analysts.values() if each.waiting and each.turns < self._most]
        for each in asking:
            each.count(now)
        for place, who in (
            (self._places, asking),
            (self._quick, [each for each in asking if each.is_quick]),
        ):
            if place.free > 0 and who:
                return min(who, key=lambda each: each.place_in_line), place
        return None

    def _too_many_waiting(self) -> faults.Fault:
        return too_many(
            f"you have {self._most} running and {self._bounds.waiting} waiting; wait for their answers",
            f"bạn đang có {self._most} câu chạy và {self._bounds.waiting} câu chờ; hãy đợi các câu đó",
        )

    def _too_late(self) -> faults.Fault:
        return too_many(
            f"no turn came within {self._bounds.wait_s:g} s, as others ask as well; try again later",
            f"sau {self._bounds.wait_s:g} giây vẫn chưa đến lượt vì nhiều người cùng hỏi; hãy thử lại sau",
        )


def too_many(why: str, vi: str) -> faults.Fault:
    """Nobody is turned away for good. The server's own words come first: clients look for them."""
    return faults.fault(
        faults.TOO_MANY_SIMULTANEOUS_QUERIES,
        f"Too many simultaneous queries: {why} / Quá nhiều câu lệnh cùng lúc: {vi}",
    )
