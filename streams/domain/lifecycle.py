"""What one status event means for the book: its cell, its timeliness, its working minutes.

Timeliness compares dates, not times, as the one-stop systems do (read in a provincial system's report
builder): finished on a day before, on, or after the due day; finished without a due day is on time.
"""

from __future__ import annotations

from typing import NamedTuple

from producers.contract.codec import seconds_of
from producers.contract.events import StatusChanged
from producers.contract.vocabulary import Timeliness
from streams.domain.calendar import office_calendar
from streams.domain.days import DAY_S, OFFSET_S

_minutes_between = office_calendar().minutes_between_s
_EARLY, _ON_TIME = Timeliness.EARLY.value, Timeliness.ON_TIME.value
_OVERDUE = Timeliness.OVERDUE.value


class Entry(NamedTuple):
    """Where an event counts: `cell` is `field|channel|status|timeliness`, `minutes` are working minutes."""

    cell: str
    minutes: int


def entry_of(data: StatusChanged) -> Entry:
    """The cell and the minutes that a status event adds to its day's book."""
    # `_value_`: an enum's public `value` is a descriptor and costs three times as much on the hot path.
    words = f"{data.field}|{data.channel._value_}|{data.status._value_}"
    if data.finished_at is None:
        return Entry(f"{words}|open", 0)
    due_s = None if data.due_at is None else seconds_of(data.due_at)
    return entry(words, seconds_of(data.received_at), due_s, seconds_of(data.finished_at))


def entry(words: str, received_s: float, due_s: float | None, finished_s: float | None) -> Entry:
    """The same of `field|channel|status` and moments in seconds since 1970: what a stored row still has."""
    if finished_s is None:
        return Entry(f"{words}|open", 0)
    return Entry(f"{words}|{timeliness(finished_s, due_s)}", _minutes_between(received_s, finished_s))


def timeliness(finished_s: float, due_s: float | None) -> str:
    """Early, on_time or overdue, by the dates of two moments in seconds since 1970."""
    if due_s is None:
        return _ON_TIME
    # `days.day_number`, without its call: this is the hot path of worker and loader.
    finished, due = int(finished_s + OFFSET_S) // DAY_S, int(due_s + OFFSET_S) // DAY_S
    if finished < due:
        return _EARLY
    return _ON_TIME if finished == due else _OVERDUE
