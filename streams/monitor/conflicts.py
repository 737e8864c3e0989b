"""Seqs that were used again with other content, in the last days: asked for once, then only what is new."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Final, NamedTuple

from streams.monitor import inputs
from streams.warehouse.store import Store

_DAY_MS: Final = 86_400_000
_LOOK_S: Final = 15.0
# While nothing is settled, what arrived an hour ago is looked at again, not the whole week.
_LATE_MS: Final = 3_600_000


class Conflicts:
    """Shared by the jobs. What had arrived by a settled instant never changes, so it is remembered."""

    def __init__(self, recent_days: int) -> None:
        self._recent_ms = recent_days * _DAY_MS
        self._lock = threading.Lock()
        self._found: set[inputs.Conflict] = set()
        self._settled_ms = 0
        self._seen = _Seen(set(), 0, float("-inf"))

    def count(self, store: Store, at_ms: int, *, settled: bool) -> dict[str, int]:
        """How many seqs of each ward; `settled` if all that arrived by the instant is loaded."""
        found = self._settle(store, at_ms) if settled else self._look(store, at_ms)
        return Counter(ward for ward, _, _ in {one[:3] for one in found})

    def _settle(self, store: Store, at_ms: int) -> set[inputs.Conflict]:
        begin_ms = at_ms - self._recent_ms
        with self._lock:
            settled_ms, known = self._settled_ms, self._found
        found = {one for one in known if begin_ms < one.arrived_ms <= at_ms}
        if at_ms > settled_ms:
            found |= inputs.conflicts(store, max(begin_ms, settled_ms), at_ms)
            with self._lock:
                self._found, self._settled_ms = found, at_ms
        return found

    def _look(self, store: Store, at_ms: int) -> set[inputs.Conflict]:
        """What is known, and once in a while what came since: a loader that was behind may bring it late."""
        with self._lock:
            settled_ms, known, seen = self._settled_ms, self._found, self._seen
        if time.monotonic() - seen.looked_s > _LOOK_S:
            after_ms = max(settled_ms, seen.at_ms - _LATE_MS, at_ms - self._recent_ms)
            late = {one for one in seen.found if one.arrived_ms <= after_ms}
            found = late | inputs.conflicts(store, after_ms, at_ms)
            seen = self._seen = _Seen(found, at_ms, time.monotonic())
        return {one for one in known | seen.found if one.arrived_ms > at_ms - self._recent_ms}


class _Seen(NamedTuple):
    found: set[inputs.Conflict]
    at_ms: int
    looked_s: float
