"""What a fault is: a small class that does something to a city, takes it back, and says what must hold."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from tests.faults.city import City


class Fault:
    """One kind.

    `hold_s`: how long it lasts before `heal`. `names`: lines of `dongbo status` that should tell of it.

    `alone`: nothing else may be wrong when it begins, because it destroys what the city would need.
    `told`: it destroys messages, so an incident or a ward's hole must say so in a minute.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    group: ClassVar[str]
    expectation: ClassVar[str]
    hold_s: ClassVar[tuple[float, float]] = (0.0, 0.0)
    names: ClassVar[tuple[str, ...]] = ()
    alone: ClassVar[bool] = False
    told: ClassVar[bool] = False
    kill: ClassVar[bool] = False

    def __init__(self, city: City, rng: Random) -> None:
        self.city, self.rng = city, rng

    def inject(self) -> str:
        """Do it; what was done, in words."""
        raise NotImplementedError

    def heal(self) -> None:
        """Take it back. What a supervisor or a ward does by itself is not taken back here."""

    def seconds(self) -> float:
        """How long this one lasts."""
        return self.rng.uniform(*self.hold_s)

    def worker(self) -> str:
        """One of the workers."""
        return f"worker-{self.rng.randrange(self.city.plan.workers)}"

    def sender(self, kind: str) -> str:
        """One of the senders of a kind."""
        return self.rng.choice([name for name in self.city.senders if self.city.config_of(name).kind == kind])
