"""The gateway's limits, each a setting; whoever composes the processes fills them in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from producers.contract.topics import EVENTS_TOPIC


@dataclass(frozen=True, kw_only=True)
class GatewayConfig:
    """What the gateway needs to know. Every bound is there so that no client can make memory grow."""

    bootstrap: str
    data_dir: Path
    topic: str = EVENTS_TOPIC
    host: str = "127.0.0.1"
    port: int = 8820

    body_bytes_max: int = 4 * 1024 * 1024  # as sent, and again unpacked
    batch_events_max: int = 2_000
    json_depth_max: int = 16
    in_flight_bytes_max: int = 128 * 1024 * 1024
    connections_max: int = 1_000
    rate_events_s: float = 500.0  # per ward, lasting
    burst_events: int = 20_000  # per ward, at once: a day's queue after a broken line

    idle_timeout_s: float = 15.0  # a connection that has sent no complete head in this time is closed
    body_timeout_s: float = 30.0
    send_timeout_s: float = 10.0  # Kafka's delivery reports
    linger_ms: float = 2.0
    city_threads: int = 2
    acks_every_s: float = 10.0  # how often what Kafka acknowledged is written down
