"""Views as of a cut: such an answer never changes, so each is read once and remembered."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from dashboards.server.snapshot import Snapshot, whole
from dashboards.server.source import Source
from dashboards.server.threads import DaemonPool
from dashboards.server.topic import Topic
from dashboards.server.views import View
from dashboards.server.words import page_words
from streams.warehouse.store import Store

# A replayed day is some sixty answers of about 60 KB.
KEPT_MAX: Final = 240


class Past:
    """Answers by topic, as JSON. One thread of its own: history never holds up the live figures."""

    def __init__(self, store: Store, views: Mapping[str, View]) -> None:
        self._store, self._views = store, views
        self._kept: OrderedDict[Topic, bytes] = OrderedDict()
        self._thread = DaemonPool(1, "past")
        self._turn = asyncio.Lock()

    async def read(self, topic: Topic) -> bytes:
        """The body of a topic that has a cut. Raises `Unavailable`, and `Stop` if there is no such cut."""
        async with self._turn:
            if topic not in self._kept:
                loop = asyncio.get_running_loop()
                self._kept[topic] = await loop.run_in_executor(self._thread, self._read, topic)
            self._kept.move_to_end(topic)
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
            return self._kept[topic]

    async def ask(self, question: Callable[[Source], Any]) -> Any:
        """Something else about the past, not remembered."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, lambda: question(Source(self._store)))

    def close(self) -> None:
        """Start nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _read(self, topic: Topic) -> bytes:
        members = self._views[topic.view].read(Source(self._store, topic.cut), [topic])[topic]
        snapshot = Snapshot(f"{topic.cut}", dict(members))
        state = {"id": snapshot.id, "age_s": 0, "error": None, "past": topic.cut, "words": page_words()}
        return msgspec.json.encode(whole(snapshot) | state)
