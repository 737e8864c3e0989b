"""How fast the wards speak: so that they have something to say until the last fault is over.

A campaign does not know how long its rounds will last. So what is left decays with a time constant, which is
set anew at each round from the rounds to come and what rounds have lasted: the flow is about even, becomes
thinner when rounds take longer, and never ends by itself. `hurry` ends it.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Final

import msgspec

_LOOK_EVERY_S: Final = 0.25


class Pace(msgspec.Struct, frozen=True):
    """Of what is `left` at `since_s` (a share of all) how much is due when.

    `tau_s`: all but 1/e of it so much later. Else `over_s`: evenly, all of it so much later; 0: at once.
    """

    since_s: float
    left: float
    tau_s: float = 0.0
    over_s: float = 0.0

    def due(self, now_s: float) -> float:
        """The share of all that is due at a moment."""
        passed = max(0.0, now_s - self.since_s)
        if self.tau_s > 0:
            return 1.0 - self.left * math.exp(-passed / self.tau_s)
        waiting = max(0.0, 1.0 - passed / self.over_s) if self.over_s > 0 else 0.0
        return 1.0 - self.left * waiting


def _file(folder: Path) -> Path:
    return folder / "pace.json"


def write(folder: Path, pace: Pace) -> None:
    """For every sender of the folder."""
    path = _file(folder)
    path.with_suffix(".new").write_bytes(msgspec.json.encode(pace))
    path.with_suffix(".new").replace(path)


def read(folder: Path) -> Pace:
    """The present one."""
    return msgspec.json.decode(_file(folder).read_bytes(), type=Pace)


def hurry(folder: Path) -> None:
    """Everything is due."""
    write(folder, Pace(time.time(), 0.0))


class Share:
    """A sender's view of it, looked up now and then."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._pace, self._looked_s = folder, read(folder), time.monotonic()

    def now(self) -> float:
        """The share of its events that are due."""
        if time.monotonic() - self._looked_s > _LOOK_EVERY_S:
            self._pace, self._looked_s = read(self._folder), time.monotonic()
        return self._pace.due(time.time())
