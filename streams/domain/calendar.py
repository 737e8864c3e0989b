"""Working minutes between two moments, by the one-stop offices' calendar.

Working days come from the `holidays` package (public holidays, substitute days and make-up Saturdays as
the ministry announced them). The hours 08:00-12:00 and 13:30-17:30 are Hanoi's as far as we recall, not
read in a source; pass other hours where a ward has them. 480 working minutes are one working day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final

import holidays

from streams.domain.days import DAY_S, OFFSET_S, number_of

# (start, end) in minutes of the day.
HOURS: Final = ((480, 720), (810, 1050))
_FIRST_YEAR: Final = 2019
_LAST_YEAR: Final = 2040


class OfficeCalendar:
    """Working minutes in O(1): minutes before each day are summed up once."""

    def __init__(self, hours: Iterable[tuple[int, int]] = HOURS) -> None:
        spans = tuple(hours)
        self._of_day = [_minutes_worked(spans, minute) for minute in range(1441)]
        self._first = number_of(date(_FIRST_YEAR, 1, 1))
        self._working = _working_days()
        idle = [0] * 1441
        # By day: the minutes before it, and those of it until each minute.
        self._days: list[tuple[int, list[int]]] = []
        self._all = 0
        for working in self._working:
            of_day = self._of_day if working else idle
            self._days.append((self._all, of_day))
            self._all += of_day[1440]

    def minutes_between(self, start: datetime, end: datetime) -> int:
        """Working minutes from `start` to `end`; 0 if `end` is not after `start`."""
        return self.minutes_between_s(start.timestamp(), end.timestamp())

    def minutes_between_s(self, start_s: float, end_s: float) -> int:
        """The same for seconds since 1970."""
        start, end = int(start_s) + OFFSET_S, int(end_s) + OFFSET_S
        if end <= start:
            return 0
        first, last = start // DAY_S - self._first, end // DAY_S - self._first
        if first < 0 or last >= len(self._days):
            return self._until(end) - self._until(start)
        before_start, of_first = self._days[first]
        before_end, of_last = self._days[last]
        return before_end + of_last[end % DAY_S // 60] - before_start - of_first[start % DAY_S // 60]

    def is_working_day(self, day: date) -> bool:
        """Whether the offices are open on that day."""
        return self._working[number_of(day) - self._first]

    def _until(self, local: int) -> int:
        """Working minutes from the first day to local seconds; outside the table they are clamped."""
        day = local // DAY_S - self._first
        if not 0 <= day < len(self._days):
            return 0 if day < 0 else self._all
        before, of_day = self._days[day]
        return before + of_day[local % DAY_S // 60]


def _minutes_worked(hours: tuple[tuple[int, int], ...], minute: int) -> int:
    return sum(max(0, min(minute, end) - start) for start, end in hours)


@cache
def _working_days() -> list[bool]:
    viet_nam = holidays.country_holidays("VN", years=range(_FIRST_YEAR, _LAST_YEAR + 1))
    first, last = date(_FIRST_YEAR, 1, 1), date(_LAST_YEAR, 12, 31)
    return [viet_nam.is_working_day(first + timedelta(days=i)) for i in range((last - first).days + 1)]


@cache
def office_calendar() -> OfficeCalendar:
    """The calendar with the usual hours."""
    return OfficeCalendar()
