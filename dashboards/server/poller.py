"""The one reader of ClickHouse, in a thread of its own: no client ever causes a query of its own.

It reads once in `refresh_s` while somebody watches, and rests otherwise. While news comes all the time, what
is read before a page may be shown more would only grow old: then a reading ends when it may. The thread is a
daemon, because a query that hangs must not hold up the end of the process.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from dashboards.server.hub import Hub
from dashboards.server.snapshot import Members, Snapshot
from dashboards.server.source import Source
from dashboards.server.topic import Topic
from dashboards.server.views import View
from producers.contract.errors import Unavailable
from streams.warehouse.store import Store

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ReadingsDone:
    """What the poller has done since it started."""

    reads: int = 0
    failures: int = 0
    read_s_sum: float = 0.0
    last_s: float = 0.0


class Poller(threading.Thread):
    """Reads all topics that the hub's clients watch and hands the snapshots to the hub."""

    def __init__(self, hub: Hub, store: Store, views: Mapping[str, View], refresh_s: float) -> None:
        super().__init__(name="poller", daemon=True)
        self._hub, self._store, self._views, self._refresh_s = hub, store, views, refresh_s
        self._loop = asyncio.get_running_loop()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._last: dict[Topic, Members] = {}
        # Ids of an earlier life of the server must not be mistaken for ours.
        self._life, self._count = uuid.uuid4().hex[:8], 0
        self._errors: dict[str, str] = {}
        self._done = ReadingsDone()
        self._takes_s = 0.0

    def report(self) -> dict[str, Any]:
        """How the reading goes, for health and metrics. Any thread may ask."""
        done, errors = self._done, dict(self._errors)
        return {
            "ok": not any(errors.values()),
            "clients": self._hub.clients,
            "reads": done.reads,
            "failures": done.failures,
            "read_s_sum": round(done.read_s_sum, 6),
            "read_age_s": round(time.monotonic() - done.last_s, 3) if done.last_s else None,
            "errors": {name: text for name, text in errors.items() if text},
        }

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
            wanted = sorted(self._hub.wanted, key=lambda topic: topic.view)
            for name, topics in groupby(wanted, key=lambda topic: topic.view):
                self._read(name, list(topics))
            self._forget(wanted)
            self._rest(started) if wanted else self._wake.wait()

    def _rest(self, started: float) -> None:
        """Until the next reading. By the end of the first rest the hub knows whether there was news."""
        took = time.monotonic() - started
        self._takes_s += (took - self._takes_s) / 4
        if not self._wake.wait(max(0.0, self._refresh_s - took)):
            self._wake.wait(max(0.0, self._hub.due_s - self._takes_s - time.monotonic()))

    def _read(self, name: str, topics: Sequence[Topic]) -> None:
        started = time.monotonic()
        self._count += 1
        self._done.reads += 1
        try:
            found = self._views[name].read(Source(self._store), topics)
        except Exception as error:
            self._done.failures += 1
            # Whatever it is: the page says that its figures are old, and the next read may succeed.
            self._note(name, error)
            code = "clickhouse_away" if isinstance(error, Unavailable) else "internal"
            self._publish({topic: self._snapshot(self._last.get(topic, {}), code) for topic in topics}, None)
        else:
            self._note(name, None)
            self._last |= found
            self._done.last_s = time.monotonic()
            self._done.read_s_sum += self._done.last_s - started
            self._publish({topic: self._snapshot(each) for topic, each in found.items()}, started)

    def _snapshot(self, members: Members, error: str | None = None) -> Snapshot:
        cut = (members.get("cut") or {}).get("number", 0)
        return Snapshot(f"{cut}.{self._count}-{self._life}", members, error)

    def _forget(self, wanted: Sequence[Topic]) -> None:
        """Keep last members only of what is watched, and of the first page for who comes next."""
        self._last = {
            topic: each for topic, each in self._last.items() if topic in wanted or topic.day is None
        }

    def _publish(self, found: dict[Topic, Snapshot], read_s: float | None) -> None:
        # The loop may have ended while we were reading.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._hub.publish, found, read_s)

    def _note(self, name: str, error: Exception | None) -> None:
        """Log when the reading fails in a new way, and when it works again; not every second."""
        text, before = "" if error is None else str(error), self._errors.get(name, "")
        if error is not None and text != before:
            log.warning("reading %s failed: %s", name, text, exc_info=not isinstance(error, Unavailable))
        elif before and error is None:
            log.warning("reading %s works again", name)
        self._errors[name] = text
