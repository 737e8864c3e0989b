"""Where a view's SQL is asked: views of the database as they are now, or as they were at a cut."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from producers.contract.errors import Stop, Unavailable
from streams.warehouse import as_of as cuts
from streams.warehouse.store import Store

log = logging.getLogger(__name__)

HANOI: Final = timezone(timedelta(hours=7), "+07")
Row = dict[str, Any]

# Operational logs are not about the city's data: they have no form as of a cut, or the page wants the newest.
_ALWAYS_NOW: Final = frozenset(
    {
        "v_loads",
        "v_incidents",
        "v_coverage_holes",
        "v_city_cut",
        "v_repairs",
    }
)


def millis(instant: datetime) -> int:
    """An instant as ClickHouse is told it: a text would be written in one zone and read in another."""
    return round(instant.timestamp() * 1000)


class Source:
    """Rows of `v_*`, by plain SQL. With `as_of`, every view becomes its twin as of that cut."""

    def __init__(self, store: Store, as_of: int | None = None, now: datetime | None = None) -> None:
        self._store, self.as_of = store, as_of
        self.now = now or datetime.now(UTC)

    def at(self, cut: int) -> Source:
        """The same database as of a cut."""
        return Source(self._store, cut, self.now)

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Raises `Unavailable` when ClickHouse is away, `Stop` when it refuses."""
        return self._store.query(*self._asked(sql, parameters)).dicts()

    def blocks(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Iterator[Row]:
        """The same row by row, for an answer that should not be in memory at once."""
        for block in self._store.blocks(*self._asked(sql, parameters)):
            yield from block.dicts()

    def _asked(self, sql: str, parameters: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
        bound = dict(parameters or {})
        if self.as_of is None:
            return sql, bound
        names = frozenset(cuts.names_in(sql) - _ALWAYS_NOW)
        return cuts.rewrite(sql, names), {**bound, **cuts.bound(str(self.as_of))}

    def optional(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row] | None:
        """Rows, or None while the database has no such view (an older one, or one that is being migrated).

        Raises `Unavailable` when ClickHouse is away.
        """
        try:
            return self.rows(sql, parameters)
        except Unavailable as error:
            if "UNKNOWN_TABLE" not in error.detail:
                raise
            return None
        except Stop as error:
            log.debug("not available: %s", error)
            return None
