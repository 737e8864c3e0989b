"""The SQL of the page, over views only. Columns are named here, so that a view may grow unnoticed.

Sums over all days are read once in `HISTORY_S`; in between only the days that still move are read again:
those from the newest on, and the weeks that are looked at. So ten years of books for 126 wards cost 65 ms a
second and 0.8 s a minute (measured, embedded engine), and an old day's correction reaches the sums within
`HISTORY_S`.

The backlog is received less ended, from the books: the same figure as `v_backlog` gives, which goes through
every dossier ever: seconds for a year of them, so not for each second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from dashboards.server.figures import Figures, Reading, WardSync
from dashboards.server.snapshot import newest_day, week_of
from streams.warehouse.store import Store

HISTORY_S: Final = 60.0

CITY: Final = "SELECT day, received, online, resolved, early, on_time, overdue FROM v_city_day"
CITY_NEW: Final = f"{CITY} WHERE day >= {{since:Date32}} OR day IN {{days:Array(Date32)}}"
WARDS: Final = """
SELECT day, ward, received, online, resolved, early, on_time, overdue
FROM v_ward_day WHERE day IN {days:Array(Date32)}
"""
_BACKLOG: Final = "sum(received) - sum(resolved) - sum(withdrawn) - sum(stopped) AS backlog FROM v_ward_day"
BACKLOG_OLD: Final = f"SELECT ward, {_BACKLOG} WHERE day < {{since:Date32}} GROUP BY ward"
BACKLOG_NEW: Final = f"SELECT ward, {_BACKLOG} WHERE day >= {{since:Date32}} GROUP BY ward"
# Over all epochs of a ward's outbox: a new epoch starts at 0, and the ward has lost nothing by it.
SYNCS: Final = """
SELECT ward, arraySum(epoch_contiguous) AS contiguous, missing, pending, event_at, heard_at FROM v_ward_sync
"""

Row = Mapping[str, Any]


class Reader:
    """Reads what the watched days need; remembers the sums of the days that rest."""

    def __init__(self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store, self._now = store, now
        self._city: dict[date, Figures] = {}
        # What every ward had open before the day `_since`.
        self._since: date | None = None
        self._open_before: dict[str, int] = {}
        self._history_due_s = 0.0

    def read(self, wanted: Collection[date | None]) -> Reading:
        """One reading for all wanted days (None: the newest). Raises `Unavailable`."""
        read_at = self._now()
        if time.monotonic() >= self._history_due_s or self._since is None:
            self._read_history(read_at)
        else:
            self._read_moving_days(wanted, self._since)
        newest = newest_day(self._city, read_at)
        days = sorted({chosen for day in wanted if (chosen := day or newest)})
        return Reading(
            read_at=read_at,
            city=dict(self._city),
            wards=self._read_wards(days),
            syncs={row["ward"]: _sync(row) for row in self._rows(SYNCS)},
            backlog=self._read_backlog(),
        )

    def _read_history(self, now: datetime) -> None:
        self._city = _by_day(self._rows(CITY))
        self._since = newest_day(self._city, now)
        if self._since is not None:
            self._open_before = _backlog(self._rows(BACKLOG_OLD, {"since": self._since}))
        self._history_due_s = time.monotonic() + HISTORY_S

    def _read_moving_days(self, wanted: Collection[date | None], since: date) -> None:
        weeks = {each for day in wanted for each in week_of(day or since)}
        self._city |= _by_day(self._rows(CITY_NEW, {"since": since, "days": sorted(weeks)}))

    def _read_wards(self, days: Sequence[date]) -> dict[date, dict[str, Figures]]:
        wards: dict[date, dict[str, Figures]] = {day: {} for day in days}
        for row in self._rows(WARDS, {"days": days}) if days else ():
            wards[row["day"]][row["ward"]] = _figures(row)
        return wards

    def _read_backlog(self) -> dict[str, int]:
        if self._since is None:
            return {}
        new = _backlog(self._rows(BACKLOG_NEW, {"since": self._since}))
        wards = self._open_before.keys() | new.keys()
        return {ward: self._open_before.get(ward, 0) + new.get(ward, 0) for ward in wards}

    def _rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        return self._store.query(sql, parameters).dicts()


def _by_day(rows: Iterable[Row]) -> dict[date, Figures]:
    return {row["day"]: _figures(row) for row in rows}


def _figures(row: Row) -> Figures:
    return Figures(**{name: row[name] for name in Figures.__struct_fields__})


def _backlog(rows: Iterable[Row]) -> dict[str, int]:
    return {row["ward"]: row["backlog"] for row in rows}


def _sync(row: Row) -> WardSync:
    return WardSync(**{name: row[name] for name in WardSync.__struct_fields__})
