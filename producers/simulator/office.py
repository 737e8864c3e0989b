"""Office hours, working days and due dates.

Working days come from the `holidays` package: weekends and public holidays are closed, swapped Saturdays
are open. Hours are the simulation's own choice: 07:30-11:30 and 13:00-17:00, eight hours a day.

Officers' delays are counted in *work seconds*, which run only while the office is open: working day i of
the calendar covers work seconds i * WORKDAY_S up to (i + 1) * WORKDAY_S.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from holidays import country_holidays

from producers.contract.procedures import Procedure
from producers.simulator.times import DAY_S, day_number, day_of, local_seconds, moment

OPENS_S: Final = 7 * 3600 + 1800
MORNING_S: Final = 4 * 3600
LUNCH_S: Final = 5400
WORKDAY_S: Final = 8 * 3600
CLOSES_S: Final = OPENS_S + LUNCH_S + WORKDAY_S
SAME_DAY_CUTOFF_S: Final = 15 * 3600
# The longest limit is 25 working days; with the longest delay and a Lunar New Year it ends within 100 days.
_DAYS_AFTER: Final = 150
_DAYS_BEFORE: Final = 10


class Office:
    """The calendar of the one-stop desks around a stretch of days."""

    def __init__(self, first: date, last: date) -> None:
        known = country_holidays("VN")
        span = range(day_number(first) - _DAYS_BEFORE, day_number(last) + _DAYS_AFTER)
        self._days = [number for number in span if known.is_working_day(day_of(number))]
        self._working = frozenset(self._days)

    def works_on(self, day: int) -> bool:
        """Whether the office is open on a day number at all."""
        return day in self._working

    def is_open(self, local_s: int) -> bool:
        """Whether the office is open at this second."""
        day, second = divmod(local_s, DAY_S)
        since = second - OPENS_S
        in_hours = 0 <= since < MORNING_S or MORNING_S + LUNCH_S <= since < WORKDAY_S + LUNCH_S
        return in_hours and self.works_on(day)

    def to_work(self, local_s: int) -> int:
        """Work seconds at this instant; while closed, those of the next opening."""
        day, second = divmod(local_s, DAY_S)
        index = self.index(day)
        if self._days[index] != day:
            return index * WORKDAY_S
        since = second - OPENS_S
        if since > MORNING_S:
            since = max(MORNING_S, since - LUNCH_S)
        return index * WORKDAY_S + min(max(0, since), WORKDAY_S)

    def from_work(self, work_s: int) -> int:
        """The instant at which the office has worked so many seconds."""
        index, since = divmod(work_s, WORKDAY_S)
        lunch = 0 if since < MORNING_S else LUNCH_S
        return self._days[index] * DAY_S + OPENS_S + since + lunch

    def index(self, day: int) -> int:
        """Which working day this is; for a day off, the next one's."""
        return bisect_left(self._days, day)

    def next_working(self, day: int) -> int:
        """This day number, or the next on which the office works."""
        return self._days[self.index(day)]

    def due_day(self, procedure: Procedure, received_s: int) -> int:
        """The day number of the appointment.

        `cutoff15h`: the day itself if received on a working day before 15:00, else the next working day.
        `workday`: so many working days after the day of reception, which does not count itself.
        `day`: so many calendar days after it, moved to the next working day if that one is off.
        """
        day, second = divmod(received_s, DAY_S)
        if procedure.unit == "day":
            return self.next_working(day + procedure.limit)
        wait = procedure.limit
        if procedure.unit == "cutoff15h":
            wait = int(self.works_on(day) and second >= SAME_DAY_CUTOFF_S)
            return self._days[self.index(day) + wait]
        next_day = self.index(day + 1)
        return self._days[next_day + wait - 1]

    def due(self, procedure: Procedure, received_s: int) -> int:
        """The appointment: the closing of the due day (timeliness compares days, not hours)."""
        return self.due_day(procedure, received_s) * DAY_S + CLOSES_S


@lru_cache(maxsize=64)
def office_of(first: date, last: date) -> Office:
    """One shared calendar for all wards of a profile."""
    return Office(first, last)


def due_at(procedure: Procedure, received_at: datetime) -> datetime:
    """The appointment of a dossier received at this moment."""
    received_s = local_seconds(received_at)
    day = day_of(received_s // DAY_S)
    return moment(office_of(day, day + timedelta(days=1)).due(procedure, received_s))
