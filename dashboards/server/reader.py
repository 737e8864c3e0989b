"""The SQL of the page, over views only. Columns are named here, so that a view may grow unnoticed.

The city's totals of every day are read once in `HISTORY_S`; in between only the days that can still move are
read again: those from the newest on, and the weeks that somebody looks at. So ten years of books cost each
second no more than a week does, and an old day's correction is in "since the start" within `HISTORY_S`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec

from dashboards.server.figures import Figures, Reading, WardSync
from dashboards.server.snapshot import newest_day, week_of
from streams.warehouse.store import Store

HISTORY_S: Final = 30.0

_FIGURES: Final = "received, online, resolved, early, on_time, overdue"
CITY_ALL: Final = f"SELECT day, {_FIGURES} FROM v_city_day"  # noqa: S608 - no value is put in
CITY_NEW: Final = f"{CITY_ALL} WHERE day >= {{since:Date32}} OR day IN {{days:Array(Date32)}}"
WARDS: Final = f"SELECT day, ward, {_FIGURES} FROM v_ward_day WHERE day IN {{days:Array(Date32)}}"  # noqa: S608
SYNCS: Final = """
SELECT ward, contiguous, missing, pending, event_at, heard_at FROM v_ward_sync
"""
BACKLOG: Final = "SELECT ward, backlog FROM v_backlog"

Row = Mapping[str, Any]


class Reader:
    """Reads what the watched days need; remembers the totals of the days that rest."""

    def __init__(self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store, self._now = store, now
        self._city: dict[date, Figures] = {}
        self._city_due_s = 0.0

    def read(self, wanted: Collection[date | None]) -> Reading:
        """One reading for all wanted days (None: the newest). Raises `Unavailable`."""
        read_at = self._now()
        newest = self._read_city(wanted, read_at)
        days = sorted({chosen for day in wanted if (chosen := day or newest)})
        return Reading(
            read_at=read_at,
            city=dict(self._city),
            wards=self._read_wards(days),
            syncs={row["ward"]: _sync(row) for row in self._rows(SYNCS)},
            backlog={row["ward"]: int(row["backlog"]) for row in self._rows(BACKLOG)},
        )

    def _read_city(self, wanted: Collection[date | None], now: datetime) -> date | None:
        """Bring the days' totals up to date; the newest day."""
        if time.monotonic() >= self._city_due_s:
            self._city = _by_day(self._rows(CITY_ALL))
            self._city_due_s = time.monotonic() + HISTORY_S
        else:
            newest = newest_day(self._city, now)
            since = newest or date(1970, 1, 1)
            weeks = {each for day in wanted if (chosen := day or newest) for each in week_of(chosen)}
            parameters = {"since": since, "days": sorted(weeks)}
            self._city |= _by_day(self._rows(CITY_NEW, parameters))
        return newest_day(self._city, now)

    def _read_wards(self, days: Sequence[date]) -> dict[date, dict[str, Figures]]:
        wards: dict[date, dict[str, Figures]] = {day: {} for day in days}
        for row in self._rows(WARDS, {"days": days}) if days else ():
            wards[row["day"]][row["ward"]] = _figures(row)
        return wards

    def _rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        return self._store.query(sql, parameters).dicts()


def _by_day(rows: Iterable[Row]) -> dict[date, Figures]:
    return {row["day"]: _figures(row) for row in rows}


def _figures(row: Row) -> Figures:
    return Figures(*(int(row[name]) for name in Figures.__struct_fields__))


def _sync(row: Row) -> WardSync:
    return msgspec.convert(dict(row), WardSync, strict=False)
