"""Events flow, a page is open, and a crowd of analysts asks without end: who is held up by it, and how long.

First a quiet span, then one of the same flow under the crowd, in one run on one city. Meanwhile an analyst
like any other asks something small again and again.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final, NamedTuple

import pytest

from ops.settings import Settings
from ops.stack.clickhouse.analysts import Analysts
from producers.contract.errors import Unavailable
from streams.warehouse.store import Address, Store
from tests.conftest import eventually
from tests.pipeline.crowd import Crowd
from tests.pipeline.flowing import RATE, Flow

ANALYSTS: Final = 20
WARM_UP_S: Final = 5
_SMALL: Final = "SELECT sum(received) FROM v_ward_day"
_ASK_EVERY_S: Final = 1.0
_READY_S: Final = 180.0


class Asked(NamedTuple):
    """A small question: when, how many seconds it took, and what it failed of."""

    at: float
    seconds: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a siege found: seconds from outbox to page, quiet and under the crowd; the small questions."""

    quiet: list[float]
    under: list[float]
    small: list[Asked]
    crowd: Crowd
    counted: dict[str, int]

    @property
    def answered_s(self) -> list[float]:
        """How long the answers to small questions took."""
        return [each.seconds for each in self.small if not each.error]


def besiege(settings: Settings, quiet_s: float, under_s: float, rate: float = RATE) -> Found:
    """Run both spans with `rate` events a second; ends when every event is on the page."""
    flow, crowd, small = Flow(settings, rate), Crowd(settings, ANALYSTS), Small(settings)
    with flow.flowing(), small.asking():
        eventually(lambda: len(flow.page.seen) >= WARM_UP_S * rate, _READY_S, 0.1)
        begin = time.monotonic()
        time.sleep(quiet_s)
        with crowd.asking():
            middle = time.monotonic()
            time.sleep(under_s)
            end = time.monotonic()
    with suppress(pytest.fail.Exception):  # raw rows may come a moment later; the caller judges the counts
        eventually(lambda: len(set(flow.counted().values())) == 1, 30.0, 0.5)
    asked = [each for each in small.asked if middle <= each.at < end]
    quiet, under = flow.delays(begin, middle), flow.delays(middle, end)
    return Found(quiet, under, asked, crowd, flow.counted())


class Small:
    """An analyst with a small question, asked every second by a client as people use it."""

    def __init__(self, settings: Settings) -> None:
        _, password = Analysts(settings.analysts_file()).add("small")
        host, port = settings.clickhouse_host, settings.clickhouse_port
        self._store = Store(Address(host, port, settings.clickhouse_database, "small", password))
        self._stop = threading.Event()
        self.asked: list[Asked] = []

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask until the block ends."""
        thread = threading.Thread(target=self._ask_without_end)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
            self._store.close()

    def _ask_without_end(self) -> None:
        while not self._stop.wait(_ASK_EVERY_S):
            begun = time.monotonic()
            try:
                self._store.value(_SMALL)
                error = ""
            except Unavailable as failed:
                error = failed.detail
            self.asked.append(Asked(begun, time.monotonic() - begun, error))


def share(values: list[float], part: float) -> float:
    """The value that a part of all stays below: 0.5 is the median."""
    return statistics.quantiles(values, n=1000, method="inclusive")[int(part * 1000) - 1]


__all__ = ["ANALYSTS", "RATE", "Found", "besiege", "share"]
