"""Working days as rows for SQL: what `streams.domain.calendar` says, with the names of the holidays."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import holidays

from streams.domain.calendar import office_calendar

FIRST_YEAR: Final = 2019
LAST_YEAR: Final = 2040
COLUMNS: Final = (("day", "Date32"), ("working", "Bool"), ("name_vi", "String"), ("name_en", "String"))


def office_days() -> list[tuple[date, bool, str, str]]:
    """Every day of the calendar: whether the offices work, and the holiday's name in both languages."""
    vi, en = _names("vi"), _names("en_US")
    calendar, first = office_calendar(), date(FIRST_YEAR, 1, 1)
    days = (first + timedelta(days=n) for n in range((date(LAST_YEAR, 12, 31) - first).days + 1))
    return [(day, calendar.is_working_day(day), vi.get(day, ""), en.get(day, "")) for day in days]


def _names(language: str) -> dict[date, str]:
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    return dict(holidays.country_holidays("VN", years=years, language=language))
