"""What the city view counts, as small frozen types. Counts are of dossiers; a share is 0 to 1, or None."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final

import msgspec

SERIES_DAYS: Final = 14


class Figures(msgspec.Struct, frozen=True):
    """What happened to dossiers in one ward or the city, in one day or a longer time."""

    received: int = 0
    online: int = 0
    resolved: int = 0
    returned: int = 0
    early: int = 0
    on_time: int = 0
    overdue: int = 0
    withdrawn: int = 0
    stopped: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))

    @property
    def opened(self) -> int:
        """What this adds to the backlog: received less ended."""
        return self.received - self.resolved - self.withdrawn - self.stopped

    @property
    def in_time(self) -> int:
        """Finished before or on the due day."""
        return self.early + self.on_time

    @property
    def on_time_share(self) -> float | None:
        """Finished before or on the due day, of all that finished."""
        return share(self.in_time, self.in_time + self.overdue)

    @property
    def online_share(self) -> float | None:
        """Received online, of all that were received."""
        return share(self.online, self.received)


class Totals(msgspec.Struct, frozen=True):
    """The city's figures of a day, a week or since the start; `backlog` at the end of that time."""

    received: int
    resolved: int
    returned: int
    in_time: int
    overdue: int
    on_time_share: float | None
    online: int
    online_share: float | None
    backlog: int | None = None


class Before(msgspec.Struct, frozen=True):
    """What the totals are compared with, and why that is fair; None where nothing fair is known.

    `kind` is `cut` (the same time a day ago, as it was known then, at `at`), `day` (the whole day before, for
    a day that is over) or `none`, for which `reason` is a code.
    """

    kind: str
    at: Any = None
    reason: str = ""
    day: Totals | None = None
    week: Totals | None = None
    all: Totals | None = None


def figures_of(row: Mapping[str, Any]) -> Figures:
    """The figures in a row of a view."""
    return Figures(**{name: row[name] for name in Figures.__struct_fields__})


def total(figures: Iterable[Figures]) -> Figures:
    """The sum, member by member."""
    return sum(figures, Figures())


def totals(figures: Figures, backlog: int | None = None) -> Totals:
    """Figures as they are shown."""
    return Totals(
        received=figures.received,
        resolved=figures.resolved,
        returned=figures.returned,
        in_time=figures.in_time,
        overdue=figures.overdue,
        on_time_share=figures.on_time_share,
        online=figures.online,
        online_share=figures.online_share,
        backlog=backlog,
    )


def week_of(day: date) -> tuple[date, ...]:
    """Monday to Sunday around a day."""
    monday = day - timedelta(days=day.weekday())
    return tuple(monday + timedelta(days=i) for i in range(7))


def backlog_at_end(city: Mapping[date, Figures], day: date) -> int:
    """Received and not ended by the end of a day."""
    return sum(figures.opened for each, figures in city.items() if each <= day)


def spans(city: Mapping[date, Figures], day: date) -> dict[str, Totals]:
    """Totals of the day, its week up to it, and of all days up to it."""
    until = {each: figures for each, figures in city.items() if each <= day}
    week = [until[each] for each in week_of(day) if each in until]
    backlog = backlog_at_end(city, day)
    return {
        "day": totals(until.get(day, Figures()), backlog),
        "week": totals(total(week), backlog),
        "all": totals(total(until.values()), backlog),
    }


# Figures that grow through a day: half a day of them is no point of a series of days.
GROWING: Final = frozenset({"received", "resolved", "returned", "in_time", "overdue", "online"})


def series(city: Mapping[date, Figures], day: date, *, running: bool = False) -> dict[str, list[Any]]:
    """The last two weeks up to a day, day by day; a day without figures is a gap, not a zero.

    While the day is `running` it has no point in what grows through a day.
    """
    days = [day - timedelta(days=back) for back in range(SERIES_DAYS - 1, -1, -1)]
    each = [totals(city[one], backlog_at_end(city, one)) if one in city else None for one in days]
    found = {name: [getattr(one, name) if one else None for one in each] for name in Totals.__struct_fields__}
    for name in GROWING if running else ():
        found[name][-1] = None
    return {"days": days} | found


def share(part: int, whole: int) -> float | None:
    """A part of a whole."""
    return round(part / whole, 4) if whole > 0 else None
