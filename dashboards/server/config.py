"""What the dashboard's server needs to know; whoever composes the processes fills it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dashboards.server.access.config import AccessConfig
from streams.warehouse.store import Address

SQL: Final = Path(__file__).resolve().parents[2] / "sql"


@dataclass(frozen=True, kw_only=True)
class DashboardConfig:
    """Settings of the live page. `clickhouse` should name a user that can only read."""

    clickhouse: Address
    host: str = "127.0.0.1"
    port: int = 8800
    # A page is sent at most one update in this time; ClickHouse is read twice in it while somebody watches.
    refresh_s: float = 1.0
    clients_max: int = 2000
    # Where the other processes tell how they are: name to port on this machine.
    processes: Mapping[str, int] = field(default_factory=dict)
    # The folder of views and saved questions.
    sql: Path = SQL
    # Who may look; by default there is no log-in, and only this machine may.
    access: AccessConfig = field(default_factory=AccessConfig)
