"""Reads that may take long, in threads of their own: whoever asks gets what is known, and never waits long.

The poller must not be held up by one ward's list of overdue dossiers. So a view asks here, shows what was
read last, and finds the newer answer at its next turn. Each key is read by one thread at a time.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, Final

from dashboards.server.threads import DaemonPool

# Values that are remembered; the one that nobody asked for longest goes first.
KEPT_MAX: Final = 2000
# What failed is tried again so soon, however long its values are good for.
RETRY_S: Final = 2.0
# What nobody asked for so long is not shown again before it was read: it may be hours old.
FORGOTTEN_S: Final = 30.0


@dataclass(slots=True)
class _Entry:
    value: Any = None
    known: bool = False
    error: BaseException | None = None
    read_s: float = 0.0
    asked_s: float = 0.0
    under_way: Future[Any] | None = None


class Background:
    """Values by key. All methods are for one thread; the reading is done by another."""

    def __init__(self, threads: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._threads = DaemonPool(threads, "background")
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._clock = clock

    def ask(self, key: Hashable, seconds: float, read: Callable[[], Any]) -> None:
        """See to it that the value of a key is not older than `seconds` soon."""
        entry = self._entries.setdefault(key, _Entry())
        self._entries.move_to_end(key)
        self._take(entry)
        now = self._clock()
        if now - entry.asked_s >= FORGOTTEN_S:
            entry.known, entry.read_s = False, 0.0
        entry.asked_s = now
        patience = seconds if entry.error is None else min(seconds, RETRY_S)
        due = not entry.read_s or now - entry.read_s >= patience
        if due and entry.under_way is None:
            entry.under_way = self._threads.submit(read)
        while len(self._entries) > KEPT_MAX:
            self._entries.popitem(last=False)

    def known(self, key: Hashable, seconds: float, read: Callable[[], Any]) -> Any:
        """The newest value, renewed as by `ask`; waits if there is none. Raises what reading raised."""
        self.ask(key, seconds, read)
        self.settle(None)
        return self.get(key, None)

    def settle(self, seconds: float | None) -> None:
        """Wait for values that are not known at all yet, so that a first page is not empty.

        None: however long they take; what reads must have limits of its own.
        """
        missing = [e.under_way for e in self._entries.values() if e.under_way and not e.known]
        wait(missing, timeout=seconds)

    def get(self, key: Hashable, default: Any) -> Any:
        """The newest known value, or `default` while there is none. Raises what the newest reading raised."""
        entry = self._entries.get(key)
        if entry is None:
            return default
        self._take(entry)
        if entry.error is not None:
            raise entry.error
        return entry.value if entry.known else default

    def close(self) -> None:
        """Start nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _take(self, entry: _Entry) -> None:
        """Take over a reading that has ended."""
        future = entry.under_way
        if future is None or not future.done():
            return
        entry.under_way, entry.read_s = None, self._clock()
        entry.error = future.exception()
        if entry.error is None:
            entry.value, entry.known = future.result(), True
