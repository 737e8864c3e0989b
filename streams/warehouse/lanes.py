"""The inserts of one block, side by side: raw rows and books do not wait for each other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Final

from producers.contract import crash
from producers.contract.errors import Unavailable
from streams.warehouse.tables import Table

# ClickHouse spends a small insert on planning and on files, for each table anew. More than two at a time
# would only take processors from Kafka and the worker.
LANES: Final = 2
Insert = tuple[Table, list[Any]]


class Lanes:
    """Threads that insert. `run` is for one thread at a time."""

    def __init__(self, insert: Callable[[Table, list[Any]], None]) -> None:
        self._insert = insert
        self._pool = ThreadPoolExecutor(LANES, "loader-lane")

    def run(self, inserts: list[Insert]) -> None:
        """Insert all, in this order as far as there are lanes, and return when the last one has ended.

        What is stored is taken out of `inserts`, so that trying again leaves it out.

        :raises Unavailable: ClickHouse is away; the rest may be tried again
        :raises Stop: ClickHouse refuses rows
        """
        tried = {self._pool.submit(self._one, each, len(inserts)): each for each in inserts}
        wait(tried)
        failed = {future: error for future in tried if (error := future.exception()) is not None}
        inserts[:] = [each for future, each in tried.items() if future in failed]
        if failed:
            # What can only stop is not tried again for the sake of what can wait.
            raise min(failed.values(), key=lambda error: isinstance(error, Unavailable))

    def close(self) -> None:
        """Take nothing more; what runs is not waited for."""
        self._pool.shutdown(wait=False)

    def _one(self, each: Insert, of: int) -> None:
        self._insert(*each)
        if crash.ARMED and of > 1:
            crash.at("loader.inserted")
