"""What a city sends, and what faults have added to it: the oracle must know of both."""

from __future__ import annotations

from dataclasses import dataclass, field

from producers.contract.wards import WARDS


@dataclass(frozen=True)
class Plan:
    """What is sent, by whom, in what time. `each`: a ward's events; `own_disk`: ClickHouse's may fill up.

    `seconds`: evenly over so long, until another pace is set; `round_s`: what a round is thought to last.
    `patience`: times every bound of time, on a slow machine.
    """

    seed: int
    each: int
    seconds: float
    wards: int = len(WARDS)
    workers: int = 2
    own_disk: bool = False
    round_s: float = 0.0
    patience: float = 1.0

    @property
    def events(self) -> int:
        return self.each * self.wards


@dataclass
class Poison:
    """A message that must be rejected, and where Kafka put it; `topic`: empty for the events'."""

    reason: str
    value: bytes | None
    key: bytes | None
    partition: int
    offset: int = -1
    topic: str = ""


@dataclass
class Extra:
    """What faults have added: messages that must be rejected, seqs used again with other content."""

    poison: list[Poison] = field(default_factory=list)
    conflicts: set[tuple[str, int]] = field(default_factory=set)
    heartbeats: int = 0
    duplicates: int = 0
