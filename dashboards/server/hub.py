"""Snapshots on the event loop: one channel for each day that somebody watches, the latest wins.

A client holds no queue, only the snapshot that it was sent last; what it gets next is the difference between
that one and the newest. So a slow client costs one reference, however slow it is.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from typing import Final

from dashboards.server.snapshot import Snapshot

# Two minutes of snapshots at one a second: who comes back within them is sent the difference only.
RECENT_MAX: Final = 120


class TooManyClients(Exception):
    """`clients_max` pages are open. The client tries again later."""


class Channel:
    """The snapshots of one wanted day (None: the newest day)."""

    def __init__(self) -> None:
        self.clients = 0
        self.latest: Snapshot | None = None
        self._put_s = -math.inf
        self._recent: deque[Snapshot] = deque(maxlen=RECENT_MAX)
        self._changed = asyncio.Event()

    def put(self, snapshot: Snapshot) -> None:
        """Make a snapshot the latest and wake who waits."""
        self.latest = snapshot
        self._put_s = time.monotonic()
        self._recent.append(snapshot)
        self.wake()

    def wake(self) -> None:
        """Wake who waits."""
        self._changed.set()
        self._changed = asyncio.Event()

    def find(self, identity: str | None) -> Snapshot | None:
        """A recent snapshot by its id."""
        return next((each for each in self._recent if each.id == identity), None)

    def age_s(self) -> float:
        """Seconds since the latest snapshot was put; infinite if there is none."""
        return time.monotonic() - self._put_s

    async def wait(self, timeout_s: float) -> Snapshot | None:
        """The next snapshot, or what is the latest after `timeout_s`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout_s)
        return self.latest


class Hub:
    """All channels. Only the event loop may call it, except for `wanted`, which may be read anywhere."""

    def __init__(self, clients_max: int) -> None:
        self._clients_max = clients_max
        self._channels: dict[date | None, Channel] = {None: Channel()}
        self.wanted: tuple[date | None, ...] = ()
        self.closed = False

    def close(self) -> None:
        """End all streams: whoever waits wakes and finds `closed`."""
        self.closed = True
        for channel in self._channels.values():
            channel.wake()

    @property
    def clients(self) -> int:
        """How many are watching now."""
        return sum(channel.clients for channel in self._channels.values())

    @contextmanager
    def watch(self, day: date | None) -> Iterator[Channel]:
        """Watch one day. Raises `TooManyClients`."""
        if self.clients >= self._clients_max:
            raise TooManyClients
        channel = self._channels.setdefault(day, Channel())
        channel.clients += 1
        self._note_wanted()
        try:
            yield channel
        finally:
            channel.clients -= 1
            # The newest day's channel stays: its last snapshot is what the next visitor sees at once.
            if not channel.clients and day is not None:
                del self._channels[day]
            self._note_wanted()

    def publish(self, snapshots: Mapping[date | None, Snapshot]) -> None:
        """Give every channel its newest snapshot."""
        for day, snapshot in snapshots.items():
            if day in self._channels:
                self._channels[day].put(snapshot)

    def _note_wanted(self) -> None:
        self.wanted = tuple(day for day, channel in self._channels.items() if channel.clients)
