"""Where the live city's time comes from."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from producers.simulator.times import VN


class Clock(Protocol):
    """Shows the time; never goes back."""

    def now(self) -> datetime:
        """An aware moment."""
        ...


class SystemClock:
    """The machine's clock, in Vietnamese time."""

    def now(self) -> datetime:
        """Now."""
        return datetime.now(VN)


class SettableClock:
    """A clock for tests: `at` is what it shows."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """What was set."""
        return self.at
