"""The one reader of ClickHouse, in a thread of its own: no client ever causes a query of its own.

It reads once in `refresh_s` while somebody watches, and rests otherwise. The thread is a daemon, because a
query that hangs must not hold up the end of the process.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from contextlib import suppress
from datetime import date

from dashboards.server import snapshot
from dashboards.server.hub import Hub
from dashboards.server.reader import Reader
from dashboards.server.snapshot import Snapshot
from producers.contract.errors import Unavailable

log = logging.getLogger(__name__)


class Poller(threading.Thread):
    """Reads for all days that the hub's clients watch and hands the snapshots to the hub."""

    def __init__(self, hub: Hub, reader: Reader, refresh_s: float) -> None:
        super().__init__(name="poller", daemon=True)
        self._hub, self._reader, self._refresh_s = hub, reader, refresh_s
        self._loop = asyncio.get_running_loop()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._last: dict[date | None, Snapshot] = {}
        # Ids of an earlier life of the server must not be mistaken for ours.
        self._life, self._count = uuid.uuid4().hex[:8], 0
        self._error = ""

    def wake(self) -> None:
        """Read now: somebody came."""
        self._wake.set()

    def stop(self) -> None:
        """Stop after the read that is under way; does not wait for it."""
        self._stopping.set()
        self._wake.set()

    def run(self) -> None:
        """Read, hand over, rest; until `stop`."""
        while not self._stopping.is_set():
            started = time.monotonic()
            self._wake.clear()
            wanted = self._hub.wanted
            if wanted:
                self._publish(self._read(wanted))
            rest = self._refresh_s - (time.monotonic() - started)
            self._wake.wait(max(0.0, rest) if wanted else None)

    def _read(self, wanted: tuple[date | None, ...]) -> dict[date | None, Snapshot]:
        self._count += 1
        identity = f"{self._life}-{self._count}"
        try:
            reading = self._reader.read(wanted)
        except Exception as error:
            # Whatever it is: the page says that its figures are old, and the next read may succeed.
            self._note(error)
            code = "clickhouse_away" if isinstance(error, Unavailable) else "internal"
            found = {day: snapshot.failed(identity, self._last.get(day), day, code) for day in wanted}
        else:
            self._note(None)
            found = {day: snapshot.build(identity, reading, day) for day in wanted}
        # The newest day is kept even when nobody watches it: its last figures greet the next visitor.
        kept: dict[date | None, Snapshot] = {None: self._last[None]} if None in self._last else {}
        self._last = kept | found
        return found

    def _publish(self, found: dict[date | None, Snapshot]) -> None:
        # The loop may have ended while we were reading.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._hub.publish, found)

    def _note(self, error: Exception | None) -> None:
        """Log when the reading fails in a new way, and when it works again; not every second."""
        text = "" if error is None else str(error)
        if error is not None and text != self._error:
            log.warning("reading failed: %s", text, exc_info=not isinstance(error, Unavailable))
        elif self._error and error is None:
            log.warning("reading works again")
        self._error = text
