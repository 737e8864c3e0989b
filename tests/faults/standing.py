"""Where a city stands: what its wards were promised, what the books count, what ClickHouse has."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from ops.settings import Settings
from producers.contract.errors import DongBoError
from streams.warehouse.store import Store
from tests.faults import pace
from tests.faults.ledger import marks
from tests.faults.plan import Extra, Plan
from tests.faults.sender import Config

T = TypeVar("T")


def tolerant(check: Callable[[], T]) -> T | None:
    """The answer, or None while a service is away."""
    try:
        return check()
    except DongBoError:
        return None


class Standing:
    """The looking half of a city."""

    plan: Plan
    extra: Extra
    settings: Settings
    store: Store

    @property
    def ledgers(self) -> Path:
        """The senders' folder."""
        raise NotImplementedError

    def configs(self) -> Iterable[Config]:
        """Every sender's."""
        raise NotImplementedError

    def sleep(self, seconds: float) -> None:
        """Let time pass, keeping the senders alive."""
        raise NotImplementedError

    def marks(self) -> dict[str, int]:
        """What each ward was promised so far."""
        return marks(self.ledgers)

    def counted(self) -> dict[str, int]:
        """How far each ward's books are without a hole, of the harness's epochs."""
        rows = self.store.query("SELECT ward, epochs, contiguous FROM ward_sync FINAL").rows
        own = {ward: config.epoch for config in self.configs() for ward in config.wards}
        return {
            ward: contiguous[epochs.index(own[ward])]
            for ward, epochs, contiguous in rows
            if ward in own and own[ward] in epochs
        }

    def loaded(self) -> dict[str, int]:
        """How many different seqs of each ward are in `events`."""
        rows = self.store.query("SELECT ward, uniqExact(epoch, seq) FROM events GROUP BY ward").rows
        return {str(ward): int(count) for ward, count in rows}

    def behind(self, promised: dict[str, int]) -> dict[str, tuple[int, int, int]]:
        """Wards that lack something that was promised: (promised, counted, loaded)."""
        counted = self.counted()
        late = {ward: seq for ward, seq in promised.items() if counted.get(ward, 0) < seq}
        loaded = {} if late else self.loaded()
        return {
            ward: (seq, counted.get(ward, 0), loaded.get(ward, 0))
            for ward, seq in promised.items()
            if ward in late or loaded.get(ward, 0) < seq
        }

    def settle(self, timeout_s: float) -> dict[str, tuple[int, int, int]]:
        """Wait until what was promised up to now is counted and loaded; what is not, after that time."""
        promised, deadline = self.marks(), time.monotonic() + timeout_s
        while True:
            late = tolerant(lambda: self.behind(promised))
            poison = tolerant(self.poison_loaded)
            if late == {} and poison:
                return {}
            if time.monotonic() > deadline:
                return late or {"?": (0, 0, 0)}
            self.sleep(0.3)

    def poison_loaded(self) -> bool:
        """Whether every bad message that was sent is in `rejects`."""
        count = self.store.value("SELECT count() FROM rejects FINAL")
        return int(count or 0) >= len(self.extra.poison)

    def share(self) -> float:
        """How much of all events was promised so far."""
        return sum(self.marks().values()) / self.plan.events

    def pace(self, tau_s: float) -> None:
        """From now on what is left decays with this constant."""
        pace.write(self.ledgers, pace.Pace(time.time(), max(0.0, 1.0 - self.share()), tau_s))

    def hurry(self) -> None:
        """Every ward says the rest of what it has to say at once."""
        pace.hurry(self.ledgers)

    def conserved(self) -> bool:
        """Nothing in flight any more, and nothing broken; whoever cannot say so says no."""
        sql = "SELECT count(), sum(in_flight), sum(broken) FROM v_conservation"
        rows = tolerant(lambda: self.store.query(sql).rows)
        return rows is not None and rows[0][0] > 0 and rows[0][1] == 0 and rows[0][2] == 0
