"""What a fault is: a small class that does something to a city, takes it back, and says what must hold."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

from tests.faults.city import City


class NoEffect(Exception):
    """Nothing was hit: no process ran, no event was there, a point was not reached. Tried again later."""


@dataclass
class Wanted:
    """What must be named, and by which signal. Empty parts ask for nothing.

    `lines`: one of these lines of `dongbo status`. `ranges`: an incident of the partition that meets the
    offsets. `kinds`: an incident of the kind in each of the partitions. `partitions`: an incident, or a hole
    of a ward of it. `silent`: exactly these wards are told to be silent.
    """

    lines: tuple[str, ...] = ()
    ranges: dict[int, tuple[int, int]] = field(default_factory=dict)
    kinds: dict[str, frozenset[int]] = field(default_factory=dict)
    partitions: frozenset[int] = frozenset()
    silent: frozenset[str] = frozenset()


class Fault:
    """One kind.

    `hold_s`: how long it lasts before `heal`. `names`: lines of `dongbo status` that should tell of it.

    `alone`: nothing else may be wrong when it begins, because it destroys what the city would need.
    `company`: those that are alone and name the same have one round together.
    `told`: it destroys messages, so an incident or a ward's hole must say so in a minute.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    group: ClassVar[str]
    expectation: ClassVar[str]
    hold_s: ClassVar[tuple[float, float]] = (0.0, 0.0)
    names: tuple[str, ...] = ()
    alone: ClassVar[bool] = False
    company: ClassVar[str] = ""
    told: ClassVar[bool] = False
    kill: ClassVar[bool] = False

    def __init__(self, city: City, rng: Random) -> None:
        self.city, self.rng = city, rng

    def inject(self) -> str:
        """Do it; what was done, in words.

        :raises NoEffect: there was nothing to do it to
        :raises AssertionError: what must not happen has happened
        """
        raise NotImplementedError

    def heal(self) -> str | None:
        """Take it back; what was seen of it, if `inject` could not know. Raises the same.

        What a supervisor or a ward does by itself is not taken back here.
        """
        return None

    def over(self) -> bool:
        """Whether it has ended before its time."""
        return False

    def wanted(self) -> Wanted:
        """What must tell of it, and of what."""
        return Wanted(lines=self.names)

    def seconds(self) -> float:
        """How long this one lasts."""
        return self.rng.uniform(*self.hold_s)

    def worker(self) -> str:
        """One of the workers."""
        return f"worker-{self.rng.randrange(self.city.plan.workers)}"

    def sender(self, kind: str) -> str:
        """One of the senders of a kind."""
        return self.rng.choice([name for name in self.city.senders if self.city.config_of(name).kind == kind])


class Slow(Fault):
    """One that takes its time: `work` runs in a thread of its own, so that others end in theirs."""

    hold_s = (180.0, 180.0)

    def work(self) -> str:
        """Do all of it; what came of it, in words. It never calls `city.sleep`, which is the campaign's."""
        raise NotImplementedError

    def inject(self) -> str:
        self._came: list[str | Exception] = []
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return "begun"

    def _work(self) -> None:
        try:
            self._came.append(self.work())
        except Exception as error:  # handed to the campaign
            self._came.append(error)

    def seconds(self) -> float:
        return super().seconds() * self.city.plan.patience

    def over(self) -> bool:
        return not self._thread.is_alive()

    def heal(self) -> str:
        self._thread.join()
        (came,) = self._came
        if isinstance(came, Exception):
            raise came
        return came
