"""Goal: what is rebuilt from a row takes away exactly what the event itself has added to a book.

Method: events with times of any fineness become rows as the loader makes them, and come back.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from producers.contract.envelope import StatusChangedEvent
from producers.contract.vocabulary import Applicant, Channel, Status
from streams.domain.book import day_of
from streams.domain.days import HANOI
from streams.domain.lifecycle import entry_of
from streams.warehouse.originals import rebuilt
from streams.warehouse.rows import event_row
from streams.warehouse.tables import EVENTS
from tests.builders import START, status

# Around the edges of minutes and days, to the microsecond.
edges = st.builds(
    lambda minutes, micros: START + timedelta(minutes=minutes, microseconds=micros),
    st.integers(-3_000, 3_000),
    st.one_of(st.integers(-2_000, 2_000), st.integers(0, 60_000_000)),
)


@given(
    received=edges,
    due=st.none() | edges,
    finished=st.none() | edges,
    at=edges,
    members=st.fixed_dictionaries(
        {
            "status": st.sampled_from(Status),
            "channel": st.sampled_from(Channel),
            "applicant": st.none() | st.sampled_from(Applicant),
            "service_level": st.none() | st.integers(2, 4),
            "paid_online": st.none() | st.booleans(),
            "digitised": st.none() | st.booleans(),
        }
    ),
)
def test_rebuilt_event_counts_where_the_original_counted(
    received: datetime, due: datetime | None, finished: datetime | None, at: datetime, members: dict[str, Any]
) -> None:
    event = status(7, at=at, received_at=received, due_at=due, finished_at=finished, **members)
    payload, time = rebuilt(_as_selected(event))
    assert entry_of(payload) == entry_of(event.data)
    assert day_of(status(7, at=time), time.timestamp()) == day_of(event, at.timestamp())
    assert {name: getattr(payload, name) for name in members} == members
    assert abs(payload.received_at - received) <= timedelta(milliseconds=2)


def _as_selected(event: StatusChangedEvent) -> dict[str, Any]:
    """The row of an event as ClickHouse gives it back."""
    made = event_row(event, event.time.timestamp(), 0, ("id", 0, 0))
    row: dict[str, Any] = dict(zip(EVENTS.columns, made, strict=True))
    for name in ("occurred_at", "received_at", "due_at", "finished_at"):
        if row[name] is not None:
            row[name] = datetime.fromtimestamp(row[name] / 1000, UTC).astimezone(HANOI)
    row["book_day"] = date.fromordinal(date(1970, 1, 1).toordinal() + row["book_day"])
    return row
