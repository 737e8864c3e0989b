"""What the processor was spent on meanwhile: where the time of a slow recovery went."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Protocol

from tests.bench.timing import cpu_ms

_TICK_S: Final = 1.0 / os.sysconf("SC_CLK_TCK")
_LEAST_S: Final = 0.5
# Fields of the first line of /proc/stat, after its name (man proc_stat).
_IDLE, _IOWAIT, _STEAL = 3, 4, 7


class Members(Protocol):
    """Whoever knows the processes of a city."""

    def pids(self) -> dict[str, int]:
        """Those that run, by name."""


class Spent:
    """From its making on: seconds of processor time, of each process and of the machine."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self._before = _times(members)
        self._machine = _machine()

    def by_process(self) -> dict[str, float]:
        """Seconds by name, the most first. One that began meanwhile: all of it; that ended: nothing."""
        spent = {
            name: seconds - self._before.get((name, pid), 0.0)
            for (name, pid), seconds in _times(self._members).items()
        }
        return dict(sorted(spent.items(), key=lambda one: -one[1]))

    def words(self) -> str:
        """One line for a report: processes of half a second or more, and what the whole machine did."""
        parts = [f"{name} {s:.1f} s" for name, s in self.by_process().items() if s >= _LEAST_S]
        busy, stolen = (now - then for now, then in zip(_machine(), self._machine, strict=True))
        return f"processor: {', '.join(parts)}; the machine {busy:.1f} s, taken by others {stolen:.1f} s"


def _times(members: Members) -> dict[tuple[str, int], float]:
    found = {(name, pid): _seconds(pid) for name, pid in members.pids().items()}
    return {key: seconds for key, seconds in found.items() if seconds is not None}


def _seconds(pid: int) -> float | None:
    """None if it is gone."""
    try:
        return cpu_ms(pid) / 1000
    except OSError:
        return None


def _machine() -> tuple[float, float]:
    """Seconds of all processors: busy with anything, and taken by other guests of the same host."""
    line = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    ticks = [int(one) for one in line]
    busy = sum(ticks) - ticks[_IDLE] - ticks[_IOWAIT] - ticks[_STEAL]
    return busy * _TICK_S, ticks[_STEAL] * _TICK_S
