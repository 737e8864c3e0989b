"""The live page's server: one poller reads ClickHouse, every browser gets the same snapshots by SSE.

reader ──▶ snapshot ──▶ poller ──▶ hub ──▶ stream ──▶ browser
(SQL)      (pure)       (thread)   (loop)   (SSE)
"""

from dashboards.server.config import DashboardConfig
from dashboards.server.serve import run_dashboard

__all__ = ["DashboardConfig", "run_dashboard"]
