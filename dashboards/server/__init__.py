"""The live page's server: one poller reads ClickHouse, every browser gets the same frames by SSE.

source ──▶ views ──▶ poller ──▶ hub ──▶ stream ──▶ browser
(SQL)      (pure)    (thread)   (loop)  (SSE)

Past cuts go beside it, `past`: their answers never change, so they are plain JSON, remembered.
"""

from dashboards.server.config import DashboardConfig
from dashboards.server.serve import run_dashboard

__all__ = ["DashboardConfig", "run_dashboard"]
