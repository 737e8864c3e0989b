"""The monitor's job: one engine for as long as the monitor runs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Protocol

from streams.monitor.alerts.config import AlertsConfig
from streams.monitor.alerts.engine import Engine
from streams.monitor.alerts.sender import now_ms
from streams.warehouse.store import Store


class Around(Protocol):
    """What of the monitor's context is needed."""

    @property
    def store(self) -> Store:
        """ClickHouse, as the user who writes."""

    @property
    def stop(self) -> threading.Event:
        """Set when the monitor ends."""


class AlertsJob:
    """`run` is called every few seconds by one thread."""

    def __init__(self, config: AlertsConfig) -> None:
        self._config = config
        self._engine: Engine | None = None

    def run(self, context: Around) -> Mapping[str, Any]:
        """One evaluation.

        :raises Unavailable: ClickHouse is away
        """
        if self._engine is None:
            self._engine = Engine(self._config, context.stop)
        return self._engine.tick(context.store, now_ms())
