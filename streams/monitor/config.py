"""Everything that the monitor is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from producers.contract.topics import EVENTS_TOPIC, changelog_topic
from streams.domain.alive import Thresholds
from streams.domain.asking import Hole
from streams.monitor.alerts.config import AlertsConfig
from streams.warehouse.retention import Policy
from streams.warehouse.store import Address


@dataclass(frozen=True, slots=True)
class Asking:
    """When wards are asked again for what is missing, and how: `ask` sends requests, each with its id."""

    ask: Callable[[Sequence[tuple[str, Hole]]], None]
    new_id: Callable[[], str]
    after_s: float
    again_s: float


@dataclass(frozen=True, slots=True)
class MonitorConfig:
    """Where Kafka and ClickHouse are, how often to look, when something counts.

    A cut of an instant is begun `cut_settle_s` after it: by then every broker's clock has passed it.
    """

    bootstrap: str
    store: Address
    app_id: str = "dongbo"
    events_topic: str = EVENTS_TOPIC
    wards_every_s: float = 5.0
    cut_every_s: int = 10
    cut_settle_s: float = 2.0
    limits: Thresholds = field(default_factory=Thresholds)
    # None: no alerts are judged.
    alerts: AlertsConfig | None = None
    # None: nobody is asked by itself for what is missing.
    asking: Asking | None = None
    # None: nothing is removed.
    retention: Policy | None = None

    @property
    def changelog_topic(self) -> str:
        """The topic of books."""
        return changelog_topic(self.app_id)

    @property
    def loader_group(self) -> str:
        """The loader's consumer group; the worker's is `app_id`."""
        return f"{self.app_id}-loader"

    def client(self) -> dict[str, Any]:
        """librdkafka's settings."""
        return {
            "bootstrap.servers": self.bootstrap,
            "client.id": f"{self.app_id}-monitor",
            "reconnect.backoff.ms": 100,
            "reconnect.backoff.max.ms": 2_000,
            "log_level": 3,
        }
