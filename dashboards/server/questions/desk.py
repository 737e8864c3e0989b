"""Who asks what, in turn: threads of its own, so many questions a viewer, one asking for identical questions.

Live figures have another store and other threads: the slowest question cannot hold them up here, and what it
may cost in ClickHouse is bounded there, by the limits of the read-only user.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, TypeVar

from dashboards.server.exports.job import cut_at
from dashboards.server.problem import Problem
from dashboards.server.questions.answer import Answer, Order, asked
from dashboards.server.questions.catalogue import Catalogue
from dashboards.server.source import Source
from dashboards.server.threads import DaemonPool
from dashboards.server.views.city import cuts
from dashboards.server.views.city.cuts import Cut
from producers.contract.errors import Stop, Unavailable
from streams.warehouse.store import Store

T = TypeVar("T")

# Questions asked at once, and those that may wait for their turn: beyond that, the client tries again.
THREADS: Final = 2
WAITING_MAX: Final = 16
VIEWER_MAX: Final = 4
# Answers that are remembered, and how large each may be; as of a cut for ever, of this moment for a moment.
KEPT_MAX: Final = 64
KEPT_ROWS_MAX: Final = 5_000
NOW_S: Final = 5.0
NEWEST_CUT_S: Final = 2.0
CUTS_MAX: Final = 500


class Desk:
    """Answers for everybody. All methods are for the event loop."""

    def __init__(
        self, store: Store, catalogue: Catalogue, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._catalogue, self._clock = store, catalogue, clock
        self._threads = DaemonPool(THREADS, "question")
        # Looking a cut up is short: it does not wait behind questions.
        self._lookups = DaemonPool(1, "question-cut")
        self._waiting = 0
        self._viewers = Counter[str]()
        self._under_way: dict[Order, asyncio.Future[Answer]] = {}
        self._kept: OrderedDict[Order, tuple[float, Answer]] = OrderedDict()
        self._cuts: OrderedDict[int, Cut] = OrderedDict()
        self._newest: tuple[float, Cut | None] = (-NEWEST_CUT_S, None)

    def close(self) -> None:
        """Start nothing more."""
        for pool in (self._threads, self._lookups):
            pool.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def turn(self, viewer: str) -> Iterator[None]:
        """One question of a viewer's. Raises `Problem` if it has as many under way as it may have."""
        if self._viewers[viewer] >= VIEWER_MAX:
            raise Problem("too_many_questions", retry_after_s=1.0)
        self._viewers[viewer] += 1
        try:
            yield
        finally:
            self._viewers[viewer] -= 1
            if not self._viewers[viewer]:
                del self._viewers[viewer]

    async def newest_cut(self) -> Cut | None:
        """The newest cut; None if none was published yet."""
        read_s, cut = self._newest
        if self._clock() - read_s >= NEWEST_CUT_S:
            cut = await self._look_up(lambda source: cuts.newest(source))
            self._newest = self._clock(), cut
        return cut

    async def cut(self, number: int) -> Cut:
        """The cut of a number. Raises `Problem` if there is none."""
        if number not in self._cuts:
            found = await self._look_up(lambda source: cuts.newest(source.at(number)))
            if found is None:
                raise Problem("no_such_cut")
            self._cuts[number] = found
            while len(self._cuts) > CUTS_MAX:
                self._cuts.popitem(last=False)
        return self._cuts[number]

    async def cut_at(self, instant: datetime) -> Cut:
        """The newest cut not after an instant. Raises `Problem` if none has passed it yet."""
        return await self.cut(await self._look_up(lambda source: cut_at(source, instant)))

    async def answer(self, order: Order, cut: Cut | None) -> Answer:
        """The answer, remembered or asked for. Raises `Problem`."""
        until, kept = self._kept.get(order, (0.0, None))
        if kept is not None and self._clock() < until:
            self._kept.move_to_end(order)
            return kept
        if order not in self._under_way:
            future = asyncio.ensure_future(self.work(lambda: asked(self._store, self._catalogue, order, cut)))
            self._under_way[order] = future
            future.add_done_callback(lambda done: self._done(order, done))
        return await asyncio.shield(self._under_way[order])

    async def work(self, run: Callable[[], T]) -> T:
        """Something else that takes long, in the same turn as questions. Raises `Problem`."""
        if self._waiting >= THREADS + WAITING_MAX:
            raise Problem("questions_busy", retry_after_s=2.0)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, run)
        finally:
            self._waiting -= 1

    def _done(self, order: Order, done: asyncio.Future[Answer]) -> None:
        del self._under_way[order]
        if done.cancelled() or done.exception() is not None:
            return
        answer = done.result()
        if len(answer.rows) <= KEPT_ROWS_MAX:
            seconds = NOW_S if order.cut is None else float("inf")
            self._kept[order] = self._clock() + seconds, answer
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)

    async def _look_up(self, read: Callable[[Source], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._lookups, lambda: read(Source(self._store)))
        except Unavailable:
            raise Problem("clickhouse_away") from None
        except Stop:
            raise Problem("internal") from None
