"""Days of Hanoi. Viet Nam keeps UTC+7 all year and has no summer time, so a day is plain arithmetic."""

from __future__ import annotations

from datetime import date, timedelta, timezone
from functools import lru_cache
from typing import Final

HANOI: Final = timezone(timedelta(hours=7), "+07")
OFFSET_S: Final = 7 * 3600
DAY_S: Final = 86_400
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


def day_number(moment_s: float) -> int:
    """Days since 1970-01-01 of the day in Hanoi of a moment in seconds since 1970."""
    return int(moment_s + OFFSET_S) // DAY_S


@lru_cache(maxsize=4096)
def day_name(number: int) -> str:
    """The day as YYYY-MM-DD."""
    return date.fromordinal(_EPOCH_ORDINAL + number).isoformat()


def number_of(day: date) -> int:
    """Days since 1970-01-01 of a calendar day."""
    return day.toordinal() - _EPOCH_ORDINAL
