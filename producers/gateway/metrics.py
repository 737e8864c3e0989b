"""The gateway's figures for Prometheus; a registry of their own, so two gateways can live in one process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import generate_latest

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counters that only count; no label carries anything that a client can invent."""

    def __init__(self) -> None:
        # When each label was first seen tells nobody anything, and doubles the lines.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "dongbo_gateway_requests", "Requests answered.", ["path", "status"], registry=self.registry
        )
        self._events = Counter(
            "dongbo_gateway_events", "Events answered.", ["outcome", "code"], registry=self.registry
        )
        self._seconds = Histogram(
            "dongbo_gateway_request_seconds",
            "Seconds from the head of a request to its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=self.registry,
        )

    def gauge(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """A figure that is read when it is asked for."""
        Gauge(f"dongbo_gateway_{name}", help_text, registry=self.registry).set_function(read)

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count one answered request; `path` is a route's, never the client's."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def events(self, outcome: str, count: int, code: str = "") -> None:
        """Count answered events."""
        if count:
            self._events.labels(outcome, code).inc(count)

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self.registry)
