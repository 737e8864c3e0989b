"""Does ClickHouse answer just now: asked for health by something small, however slow a page's reading is.

Whoever asks while an answer is under way shares it, so that no number of askers makes two queries at once.
"""

from __future__ import annotations

import asyncio
from typing import Final

from dashboards.server.threads import DaemonPool
from dashboards.server.views.city import cuts
from producers.contract.errors import Stop, Unavailable
from streams.warehouse.store import Store

# Shorter than the patience of who asks for health.
PATIENCE_S: Final = 1.5


class Probe:
    """Asks ClickHouse for the newest cut, in a thread of its own."""

    def __init__(self, store: Store) -> None:
        self._store, self._thread = store, DaemonPool(1, "probe")
        self._asked: asyncio.Future[bool] | None = None

    async def answers(self) -> bool:
        """Whether ClickHouse answers, and has the views that a page reads, within `PATIENCE_S`."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.get_running_loop().run_in_executor(self._thread, self._ask)
        done, _ = await asyncio.wait([self._asked], timeout=PATIENCE_S)
        return bool(done) and self._asked.result()

    def close(self) -> None:
        """Start nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _ask(self) -> bool:
        try:
            # Not `cuts.newest`: a database without views is not well.
            self._store.query(cuts.NEWEST)
        except (Unavailable, Stop):
            return False
        return True
