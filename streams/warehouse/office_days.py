"""Working days as rows for SQL: what `streams.domain.calendar` says, with the names of the holidays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import holidays

from streams.domain.calendar import HOURS, office_calendar

FIRST_YEAR: Final = 2019
LAST_YEAR: Final = 2040
COLUMNS: Final = (
    ("day", "Date32"),
    ("working", "Bool"),
    ("workday_number", "UInt32"),
    ("minutes_before", "UInt32"),
    ("opens", "Array(UInt16)"),
    ("closes", "Array(UInt16)"),
    ("name_vi", "String"),
    ("name_en", "String"),
)
Day = tuple[date, bool, int, int, list[int], list[int], str, str]


def office_days() -> list[Day]:
    """Every day of the calendar: whether the offices work, and the holiday's name in both languages.

    With running numbers from the first day of the calendar: working days to the end of the day, working
    minutes to before it. So SQL counts as `OfficeCalendar` does, and finds the n-th working day after one.
    """
    return list(_days(_names("vi"), _names("en_US")))


def _days(vi: dict[date, str], en: dict[date, str]) -> Iterator[Day]:
    calendar, first = office_calendar(), date(FIRST_YEAR, 1, 1)
    minutes_of_day = sum(end - start for start, end in HOURS)
    number = 0
    for n in range((date(LAST_YEAR, 12, 31) - first).days + 1):
        day = first + timedelta(days=n)
        working = calendar.is_working_day(day)
        hours = HOURS if working else ()
        before = number * minutes_of_day
        number += working
        opens, closes = [start for start, _ in hours], [end for _, end in hours]
        yield day, working, number, before, opens, closes, vi.get(day, ""), en.get(day, "")


def _names(language: str) -> dict[date, str]:
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    return dict(holidays.country_holidays("VN", years=years, language=language))
