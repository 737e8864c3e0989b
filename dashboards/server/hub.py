"""Snapshots on the event loop: one channel for each topic that somebody watches, the latest wins.

A client holds no queue, only the id of the snapshot that it was sent last; what it gets next is the
difference between that one and the newest, encoded once for all who stand at the same place. So a slow client
costs one reference, and a thousand clients cost one encoding.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from dashboards.server.problem import words_of
from dashboards.server.snapshot import Frame, Members, Snapshot, diff, frame, whole
from dashboards.server.topic import Topic
from dashboards.server.words import page_words

# Two minutes of snapshots at one a second: who comes back within them is sent the difference only.
RECENT_MAX: Final = 120
RETRY_MS: Final = 1000
# A page is sent one update in a gap. What an event leads to a second later (how its ward stands, the
# pipeline's own figures) must not take the gap in which the next event is to be seen: news without these
# waits for so many gaps.
FIRST: Final = ("totals", "day")
PATIENCE_GAPS: Final = 3.0


class TooManyClients(Exception):
    """`clients_max` pages are open. The client tries again later."""


class Channel:
    """The snapshots of one topic."""

    def __init__(self, gap_s: float = 0.0) -> None:
        self.clients = 0
        self.latest: Snapshot | None = None
        self._gap_s, self._news_s = gap_s, -math.inf
        self._held: Snapshot | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._read_s = -math.inf
        self._put_s = -math.inf
        self._recent: deque[Snapshot] = deque(maxlen=RECENT_MAX)
        self._frames: dict[str, Frame] = {}
        self._changed, self._put = asyncio.Event(), asyncio.Event()

    def due_s(self, gaps: float = 1.0) -> float:
        """From when on people may be shown more, so many gaps after the last (monotonic). For any thread."""
        return self._news_s + gaps * self._gap_s

    def put(self, snapshot: Snapshot, read_s: float | None) -> None:
        """Take what was read at `read_s`, monotonic (None: it failed); wake all if it is news."""
        self._put_s = time.monotonic()
        self._read_s = self._read_s if read_s is None else read_s
        self._put.set()
        self._put = asyncio.Event()
        before = self.latest
        if before and before.error == snapshot.error and not diff(before, snapshot):
            self._held = None
            return
        gaps = 1.0 if before is None or _urgent(before, snapshot) else PATIENCE_GAPS
        rest = self.due_s(gaps) - time.monotonic()
        if rest <= 0:
            self._show(snapshot)
        else:
            self._hold(snapshot, rest)

    def _hold(self, snapshot: Snapshot, rest: float) -> None:
        """At most one update in `gap_s`, and the newest wins: what comes sooner is held until then."""
        self._held = snapshot
        loop = asyncio.get_running_loop()
        if self._timer is None or self._timer.when() > loop.time() + rest:
            self._stop_timer()
            self._timer = loop.call_later(rest, self._show_held)

    def _show_held(self) -> None:
        self._timer = None
        if self._held is not None:
            self._show(self._held)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _show(self, snapshot: Snapshot) -> None:
        self._stop_timer()
        self.latest, self._held = snapshot, None
        self._news_s = time.monotonic()
        self._frames.clear()
        self._recent.append(snapshot)
        self.wake()

    def wake(self) -> None:
        """Wake who waits."""
        self._changed.set()
        self._changed = asyncio.Event()

    def find(self, identity: str | None) -> Snapshot | None:
        """A recent snapshot by its id."""
        return next((each for each in self._recent if each.id == identity), None)

    def age_s(self) -> float | None:
        """Seconds since ClickHouse was read; None if it never was."""
        age = time.monotonic() - self._read_s
        return None if math.isinf(age) else round(age, 2)

    def put_age_s(self) -> float:
        """Seconds since a reading, successful or not, was put; infinite if there was none."""
        return time.monotonic() - self._put_s

    async def wait(self, sent: Snapshot | None, timeout_s: float) -> Snapshot | None:
        """The latest as soon as it is not `sent`, or whatever it is after `timeout_s`."""
        if self.latest is sent:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), timeout_s)
        return self.latest

    async def read_once(self, timeout_s: float) -> None:
        """Wait for the next reading, be it news or not, but not longer than `timeout_s`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._put.wait(), timeout_s)

    def frame_from(self, sent: Snapshot | None) -> Frame:
        """What brings a client from `sent` to the latest; encoded once for all who stand there."""
        latest = self.latest or Snapshot("0", {})
        key = "" if sent is None else sent.id
        if key not in self._frames:
            self._frames[key] = self._encode(sent, latest)
        return self._frames[key]

    def tick(self) -> Frame:
        """Nothing new, and how old that is."""
        return frame("tick", {"age_s": self.age_s()})

    def body(self) -> Members:
        """All of the latest, as it travels."""
        latest = self.latest or Snapshot("0", {})
        return whole(latest) | self._state(latest) | {"id": latest.id, "words": page_words()}

    def _encode(self, sent: Snapshot | None, latest: Snapshot) -> Frame:
        if sent is None or not sent.members:
            return frame("snapshot", self.body(), latest.id, RETRY_MS)
        return frame("delta", diff(sent, latest) | self._state(latest), latest.id)

    def _state(self, latest: Snapshot) -> dict[str, Any]:
        return {"age_s": self.age_s(), "error": words_of(latest.error) if latest.error else None}


def _urgent(old: Snapshot, new: Snapshot) -> bool:
    """Whether people wait for this difference."""
    if old.error != new.error or FIRST[0] not in new.members:
        return True
    return any(old.members.get(name) != new.members.get(name) for name in FIRST)


class Hub:
    """All channels. Only the event loop may call it; `wanted` and `due_s` may be read anywhere.

    `on_wanted` is called when a topic is wanted that was not: whoever reads may be resting.
    """

    def __init__(self, clients_max: int, kept: Topic, gap_s: float = 0.0) -> None:
        self._clients_max, self._kept, self._gap_s = clients_max, kept, gap_s
        self._channels: dict[Topic, Channel] = {kept: Channel(gap_s)}
        self.clients = 0
        # Replaced as a whole, never changed: other threads read it.
        self._watched: Mapping[Topic, Channel] = {}
        self.on_wanted: Callable[[], None] = lambda: None
        self.closed = False

    @property
    def kept(self) -> Channel:
        """The first page's channel, watched or not."""
        return self._channels[self._kept]

    @property
    def wanted(self) -> tuple[Topic, ...]:
        """The topics that somebody watches."""
        return tuple(self._watched)

    @property
    def due_s(self) -> float:
        """From when on the first of the watched channels may show more (monotonic)."""
        return min((channel.due_s() for channel in self._watched.values()), default=-math.inf)

    def close(self) -> None:
        """End all streams: whoever waits wakes and finds `closed`."""
        self.closed = True
        for channel in self._channels.values():
            channel.wake()

    @contextmanager
    def watch(self, topic: Topic) -> Iterator[Channel]:
        """Watch a topic. Raises `TooManyClients`."""
        if self.clients >= self._clients_max:
            raise TooManyClients
        channel = self._channels.setdefault(topic, Channel(self._gap_s))
        self._count(channel, 1)
        try:
            yield channel
        finally:
            self._count(channel, -1)
            # The first page's channel stays: its last snapshot is what the next visitor sees at once.
            if not channel.clients and topic != self._kept:
                del self._channels[topic]
                self._note_wanted()

    def publish(self, snapshots: Mapping[Topic, Snapshot], read_s: float | None) -> None:
        """Give every channel what was read for it."""
        for topic, snapshot in snapshots.items():
            if topic in self._channels:
                self._channels[topic].put(snapshot, read_s)

    def _count(self, channel: Channel, change: int) -> None:
        self.clients += change
        channel.clients += change
        if channel.clients in (0, change):
            self._note_wanted()

    def _note_wanted(self) -> None:
        before = set(self.wanted)
        self._watched = {topic: channel for topic, channel in self._channels.items() if channel.clients}
        if not before.issuperset(self.wanted):
            self.on_wanted()
