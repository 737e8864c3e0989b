"""Everything that the monitor is told."""

from __future__ import annotations

from dataclasses import dataclass

from producers.contract.topics import EVENTS_TOPIC, changelog_topic
from streams.monitor.alerts.config import AlertsConfig
from streams.warehouse.store import Address


@dataclass(frozen=True, slots=True)
class MonitorConfig:
    """Where Kafka and ClickHouse are, and how often to look."""

    bootstrap: str
    store: Address
    app_id: str = "dongbo"
    events_topic: str = EVENTS_TOPIC
    wards_every_s: float = 5.0
    # None: no alerts are judged.
    alerts: AlertsConfig | None = None

    @property
    def changelog_topic(self) -> str:
        """The topic of books."""
        return changelog_topic(self.app_id)
