"""What Kafka has acknowledged of a ward's events, as the gateway hands it to the city."""

from __future__ import annotations

from typing import NamedTuple


class Acked(NamedTuple):
    """The highest seq of one epoch that Kafka has acknowledged, and when."""

    ward: str
    epoch: str
    seq: int
    at_ms: int
