"""The embedded ClickHouse: the real engine (chdb) behind ClickHouse's own HTTP interface, in its own process.

    request -> statement -> guard -> engine -> server

`run(settings)` serves until SIGTERM; `start(settings)` does so in a child. Any ClickHouse client can connect.
"""

from __future__ import annotations

from ops.stack.clickhouse.launch import Endpoint, run, start, wait_ready

__all__ = ["Endpoint", "run", "start", "wait_ready"]
