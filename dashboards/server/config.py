"""What the dashboard's server needs to know; whoever composes the processes fills it in."""

from __future__ import annotations

from dataclasses import dataclass

from streams.warehouse.store import Address


@dataclass(frozen=True, kw_only=True)
class DashboardConfig:
    """Settings of the live page. `clickhouse` should name a user that can only read."""

    clickhouse: Address
    host: str = "127.0.0.1"
    port: int = 8800
    # How often ClickHouse is read while somebody watches; a page is sent at most one update in this time.
    refresh_s: float = 1.0
    clients_max: int = 200
