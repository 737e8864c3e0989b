"""The SQL of the city's figures, over views only. Columns are named here, so that a view may grow unnoticed.

Sums over all days are read once in `HISTORY_S`; in between only the days that still move are read again,
once in `NEW_DAYS_S`: those from the newest on, and the weeks that are looked at. The day that is shown is the
sum of its wards, which are read each time. So an old day's correction reaches the sums within `HISTORY_S`. As
of a cut everything is read once and kept by who asked.

The backlog is received less ended, from the books: the same figure as `v_backlog` gives, which goes through
every dossier ever: seconds for a year of them, so not for each second.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final

from dashboards.server.background import Background
from dashboards.server.source import HANOI, Source
from dashboards.server.views.city.figures import Figures, figures_of, week_of
from dashboards.server.views.city.rows import Standing, standing_of

HISTORY_S: Final = 60.0
NEW_DAYS_S: Final = 2.0

CITY: Final = """
SELECT day, received, online, resolved, returned, early, on_time, overdue, withdrawn, stopped FROM v_city_day
"""
CITY_NEW: Final = CITY + "WHERE day >= {since:Date32} OR day IN {days:Array(Date32)}"
WARDS: Final = """
SELECT ward, received, online, resolved, returned, early, on_time, overdue, withdrawn, stopped
FROM v_ward_day WHERE day = {day:Date32}
"""
OPEN_BEFORE: Final = """
SELECT ward, sum(received) - sum(resolved) - sum(withdrawn) - sum(stopped) AS opened
FROM v_ward_day WHERE day < {day:Date32} GROUP BY ward
"""
STANDINGS: Final = """
SELECT
    v.ward AS ward, v.reason AS reason, v.alive AS alive, v.complete AS complete, v.reconciled AS reconciled,
    -- A ward that nobody has judged yet is not "waiting": nothing is known of it.
    if(toUnixTimestamp(v.at) = 0, 'unknown', v.status) AS status,
    v.since AS since, v.covered AS covered, v.missing AS missing, v.pending AS pending,
    v.rejected AS rejected, v.event_at AS event_at, v.heard_at AS heard_at,
    v.delay_ms_p50 AS delay_ms_p50, v.delay_ms_p99 AS delay_ms_p99
FROM v_ward_status AS v
"""


class CityReader:
    """Reads days and wards; remembers the sums of the days that rest.

    Only the wards of a day are read when they are asked for. All else is read aside, so that it never holds
    up the figures that people wait for, and is renewed as one value: whoever has it may keep it.
    """

    def __init__(self) -> None:
        self._aside = Background()
        self._city: Mapping[date, Figures] = {}
        self._since: date | None = None
        self._history_due_s = 0.0

    def city(self, source: Source, days: Collection[date | None]) -> Mapping[date, Figures]:
        """Every day's figures; those of `days` (None: the newest) and their weeks are some 2 s old."""
        if source.as_of is not None:
            return _by_day(source.rows(CITY))
        looked_at = {each for each in (day or self._since for day in days) if each is not None}
        weeks = tuple(sorted({each for day in looked_at for each in week_of(day)}))
        self._aside.known(("city", weeks), NEW_DAYS_S, lambda: self._renew(source, weeks))
        return self._city

    def _renew(self, source: Source, weeks: Collection[date]) -> None:
        if time.monotonic() >= self._history_due_s or self._since is None:
            self._city = _by_day(source.rows(CITY))
            self._since = newest_day(self._city, source.now)
            self._history_due_s = time.monotonic() + HISTORY_S
        else:
            asked = {"since": self._since, "days": list(weeks)}
            self._city = {**self._city, **_by_day(source.rows(CITY_NEW, asked))}

    def wards(self, source: Source, day: date) -> dict[str, Figures]:
        """Every ward's figures of a day."""
        return {row["ward"]: figures_of(row) for row in source.rows(WARDS, {"day": day})}

    def open_before(self, source: Source, day: date) -> Mapping[str, int]:
        """Every ward's backlog when a day began."""

        def read() -> dict[str, int]:
            return {row["ward"]: row["opened"] for row in source.rows(OPEN_BEFORE, {"day": day})}

        if source.as_of is not None:
            return read()
        known: dict[str, int] = self._aside.known(("open", day), HISTORY_S, read)
        return known


def standings(source: Source) -> dict[str, Standing] | None:
    """How every ward stands; None while nothing judges them."""
    rows = source.optional(STANDINGS)
    return None if rows is None else {row["ward"]: standing_of(row) for row in rows}


def newest_day(days: Collection[date] | Mapping[date, Any], now: datetime) -> date | None:
    """The newest day with data, not after today: one ward's fast clock must not move the whole page."""
    today = now.astimezone(HANOI).date()
    return max((day for day in days if day <= today), default=max(days, default=None))


def _by_day(rows: Iterable[Mapping[str, Any]]) -> dict[date, Figures]:
    return {row["day"]: figures_of(row) for row in rows}
