"""How long blocks took, for people: rows of `loads`, some blocks' at a time.

They prove nothing and nobody waits for them, so they do not stand between one block and the next: an insert
costs as much with one row as with a hundred. What was not written when the process is killed is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from producers.contract.errors import Unavailable
from streams.warehouse import tables
from streams.warehouse.block import Block, columns
from streams.warehouse.tables import Table

EVERY_S: Final = 1.0
# So many are kept while ClickHouse is away.
KEPT_MAX: Final = 1_000


class LoadNotes:
    """Rows that wait to be written. Of one thread."""

    def __init__(
        self, insert: Callable[[Table, list[Any]], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._insert, self._clock = insert, clock
        self._rows: list[tuple[Any, ...]] = []
        self._written_s = -EVERY_S

    def add(self, block: Block, now_ms: int, insert_ms: int) -> None:
        """Note a block whose rows are stored."""
        self._rows += [
            (now_ms, load.kind, load.messages, load.first_ms, load.last_ms, insert_ms)
            for load in block.loads()
        ]
        del self._rows[:-KEPT_MAX]

    def write(self, *, at_once: bool = False) -> None:
        """Write what waits, if the last time was a second ago; later if ClickHouse is away.

        :raises Stop: ClickHouse refuses the rows
        """
        now = self._clock()
        if not self._rows or (not at_once and now - self._written_s < EVERY_S):
            return
        self._written_s = now
        try:
            self._insert(tables.LOADS, columns(self._rows))
        except Unavailable:
            return
        self._rows = []
