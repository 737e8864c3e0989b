"""Office hours, working days and due dates, against days counted by hand on a wall calendar."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from producers.contract.procedures import PROCEDURES
from producers.simulator.office import Office, due_at
from producers.simulator.times import DAY_S, VN, day_number, day_of, local_seconds, moment, start_of

COPY = "2.000815"  # certified copy: the same day if before 15:00
RESIDENCE = "1.004222"  # 7 working days
TEMPORARY = "1.004194"  # 3 working days
BUILDING = "1.013225"  # 15 calendar days


@pytest.mark.parametrize(
    ("procedure", "received", "due"),
    [
        pytest.param(COPY, "2025-07-01T14:59:59", "2025-07-01", id="before 15:00"),
        pytest.param(COPY, "2025-07-01T15:00:00", "2025-07-02", id="at 15:00"),
        pytest.param(COPY, "2025-07-04T16:10:00", "2025-07-07", id="Friday after 15:00"),
        pytest.param(COPY, "2025-07-05T09:00:00", "2025-07-07", id="Saturday"),
        pytest.param(COPY, "2025-08-29T15:30:00", "2025-09-03", id="before 02/09"),
        pytest.param(COPY, "2025-09-02T09:00:00", "2025-09-03", id="on 02/09"),
        pytest.param(COPY, "2025-04-25T16:00:00", "2025-04-26", id="before a swapped Saturday"),
        pytest.param(COPY, "2025-04-26T10:00:00", "2025-04-26", id="on a swapped Saturday"),
        # 25 Aug is a Monday: 26 27 28 29, then 3 4 5 September.
        pytest.param(RESIDENCE, "2025-08-25T09:00:00", "2025-09-05", id="7 working days over 02/09"),
        # 24 Apr is a Thursday: Friday 25, the swapped Saturday 26, Monday 28.
        pytest.param(TEMPORARY, "2025-04-24T09:00:00", "2025-04-28", id="3 over a swapped Saturday"),
        # 29 Apr is a Tuesday: off from 30 April to the swapped 2 May, then 5 6 7 May.
        pytest.param(TEMPORARY, "2025-04-29T09:00:00", "2025-05-07", id="3 over a swapped Friday"),
        pytest.param(TEMPORARY, "2025-07-05T09:00:00", "2025-07-09", id="3 from a Saturday"),
        pytest.param(BUILDING, "2025-07-01T09:00:00", "2025-07-16", id="15 days"),
        pytest.param(BUILDING, "2025-07-04T09:00:00", "2025-07-21", id="15 days end on a Saturday"),
        pytest.param(BUILDING, "2025-08-18T09:00:00", "2025-09-03", id="15 days end on 02/09"),
    ],
)
def test_due_at_examples(procedure: str, received: str, due: str) -> None:
    received_at = datetime.fromisoformat(received).replace(tzinfo=VN)
    assert due_at(PROCEDURES[procedure], received_at) == datetime.fromisoformat(f"{due}T17:00:00+07:00")


def test_due_at_other_zone_counts_the_day_in_viet_nam() -> None:
    received_at = datetime.fromisoformat("2025-07-01T23:30:00+00:00")
    assert due_at(PROCEDURES[COPY], received_at).date() == date(2025, 7, 2)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2025-07-01T07:29:59", False),
        ("2025-07-01T07:30:00", True),
        ("2025-07-01T11:29:59", True),
        ("2025-07-01T11:30:00", False),
        ("2025-07-01T13:00:00", True),
        ("2025-07-01T16:59:59", True),
        ("2025-07-01T17:00:00", False),
        ("2025-07-05T09:00:00", False),
    ],
)
def test_is_open_office_hours(at: str, is_open: bool) -> None:
    office = Office(date(2025, 7, 1), date(2025, 7, 21))
    assert office.is_open(local_seconds(datetime.fromisoformat(at).replace(tzinfo=VN))) is is_open


def test_from_work_is_the_inverse_of_to_work_while_open_and_the_next_opening_else() -> None:
    office = Office(date(2025, 7, 1), date(2025, 7, 9))
    start = start_of(date(2025, 7, 1))
    for at in range(start, start + 8 * DAY_S, 601):
        there = office.from_work(office.to_work(at))
        assert office.is_open(there)
        assert there == at if office.is_open(at) else there > at


def test_local_seconds_round_trip() -> None:
    at = datetime(2025, 7, 1, 8, 30, 15, tzinfo=VN)
    assert moment(local_seconds(at)) == at
    assert day_of(day_number(at.date())) == at.date()
    assert local_seconds(at) // DAY_S == day_number(at.date())
