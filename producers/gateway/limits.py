"""Bounds on what clients may take of us: events a second for each ward, bytes in hand for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from producers.gateway.problem import Problem


class Buckets:
    """A token bucket for each ward: `rate` events a second, at most `burst` at once.

    A batch larger than `burst` could never pass, so it is charged as `burst`.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, float(burst), clock
        self._filled: dict[str, tuple[float, float]] = {}

    def take(self, ward: str, events: int) -> float:
        """Take so many; 0.0, or, taking nothing, the seconds until they are there."""
        now, wanted = self._clock(), min(float(events), self._burst)
        level, at = self._filled.get(ward, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._rate)
        if level < wanted:
            self._filled[ward] = level, now
            return (wanted - level) / self._rate
        self._filled[ward] = level - wanted, now
        return 0.0


class Room:
    """Bytes of bodies in hand, over all requests."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max, self.taken = bytes_max, 0

    def lease(self) -> Lease:
        """What one request takes; it is given back at the end of the `with`."""
        return Lease(self)


class Lease:
    """One request's share of the room."""

    def __init__(self, room: Room) -> None:
        self._room, self._mine = room, 0

    def grow(self, size: int) -> None:
        """Take so many bytes more.

        :raises Problem: busy
        """
        if self._room.taken + size > self._room.bytes_max:
            raise Problem("busy", retry_after_s=1.0, hang_up=True)
        self._room.taken += size
        self._mine += size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._room.taken -= self._mine
        self._mine = 0
