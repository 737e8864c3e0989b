"""Working minutes and timeliness against days that a person counted on the wall calendar."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from producers.contract.vocabulary import Status
from streams.domain.calendar import office_calendar
from streams.domain.lifecycle import entry_of
from tests.builders import HANOI, status


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HANOI)


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2025-07-01T08:00", "2025-07-01T12:00", 240),
        ("2025-07-01T11:30", "2025-07-01T14:00", 60),  # the lunch break does not count
        ("2025-07-01T17:00", "2025-07-02T08:30", 60),
        ("2025-07-04T17:00", "2025-07-07T08:15", 45),  # over a weekend
        ("2025-08-29T08:00", "2025-09-03T17:30", 960),  # 1 and 2 September are off
        ("2025-04-26T08:00", "2025-04-26T17:30", 480),  # a Saturday worked for 2 May
        ("2025-05-02T08:00", "2025-05-02T17:30", 0),
        ("2025-07-02T08:00", "2025-07-01T08:00", 0),  # never negative
        ("1999-01-01T08:00", "2018-01-01T08:00", 0),  # outside the table
    ],
)
def test_minutes_between_counts_office_hours_only(start: str, end: str, minutes: int) -> None:
    assert office_calendar().minutes_between(_at(start), _at(end)) == minutes


def test_is_working_day_knows_swapped_days() -> None:
    calendar = office_calendar()
    assert calendar.is_working_day(date(2025, 4, 26))
    assert not calendar.is_working_day(date(2025, 5, 2))
    assert not calendar.is_working_day(date(2025, 9, 2))


@pytest.mark.parametrize(
    ("finished", "due", "word"),
    [
        (None, "2025-07-03T17:00", "open"),
        ("2025-07-02T23:59", "2025-07-03T08:00", "early"),
        ("2025-07-03T16:59", "2025-07-03T08:00", "on_time"),  # dates are compared, not times
        ("2025-07-04T00:00", "2025-07-03T23:59", "overdue"),
        ("2025-07-04T08:00", None, "on_time"),
    ],
)
def test_entry_of_compares_days(finished: str | None, due: str | None, word: str) -> None:
    event = status(
        1,
        status=Status.DONE,
        finished_at=_at(finished) if finished else None,
        due_at=_at(due) if due else None,
    )
    assert entry_of(event.data).cell == f"chung-thuc|counter|9|{word}"
