"""When ClickHouse is read for the page: a real poller and hub, a view that says what a test wants."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

import pytest

from dashboards.server.hub import Hub
from dashboards.server.poller import Poller
from dashboards.server.routes import FIRST_PAGE
from dashboards.server.snapshot import Members
from dashboards.server.source import Source
from dashboards.server.topic import Topic
from streams.warehouse.store import Address, Store

NOWHERE = Store(Address("127.0.0.1", 1, "d", "u", "p"))
GAP_S = 0.4
TAKES_S = 0.05
WATCHED_S = 3.0


class Telling:
    """A view whose figures change at each reading, or never."""

    def __init__(self, *, news: bool) -> None:
        self._news, self.reads = news, list[float]()

    def read(self, source: Source, topics: Collection[Topic]) -> dict[Topic, Members]:
        time.sleep(TAKES_S)
        self.reads.append(time.monotonic())
        total = len(self.reads) if self._news else 0
        return {topic: {"totals": total, "day": None} for topic in topics}


async def watched(view: Telling) -> list[float]:
    """How old each of the figures was when it was shown, in seconds since its reading ended."""
    hub = Hub(1, FIRST_PAGE, GAP_S)
    poller = Poller(hub, NOWHERE, {FIRST_PAGE.view: view}, GAP_S / 2)
    hub.on_wanted = poller.wake
    poller.start()
    ages, until = [], time.monotonic() + WATCHED_S
    with hub.watch(FIRST_PAGE) as channel:
        sent = None
        while time.monotonic() < until:
            latest = await channel.wait(sent, 0.1)
            if latest is not None and latest is not sent:
                sent = latest
                ages.append(time.monotonic() - view.reads[max(0, latest.members["totals"] - 1)])
    poller.stop()
    await asyncio.to_thread(poller.join, 5.0)
    return ages


async def test_reading_ends_when_the_page_may_be_shown_more_while_news_comes_all_the_time() -> None:
    view = Telling(news=True)
    ages = await watched(view)
    shown = WATCHED_S / GAP_S
    assert shown / 2 <= len(ages) <= shown + 1
    assert len(view.reads) <= len(ages) + 1, "figures are read that nobody is shown"
    # Half a gap is how old they were on average when they were read by a clock of their own.
    assert sorted(ages)[len(ages) // 2] < GAP_S / 4


async def test_without_news_it_is_read_twice_in_a_gap() -> None:
    view = Telling(news=False)
    ages = await watched(view)
    assert len(ages) == 1
    assert len(view.reads) == pytest.approx(2 * WATCHED_S / GAP_S, rel=0.4)
