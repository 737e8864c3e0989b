"""Builders of contract events for tests: only what a test cares about is named."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from producers.contract.envelope import (
    DayClosedEvent,
    RetractedEvent,
    SequencedEvent,
    StatusChangedEvent,
    wrap,
)
from producers.contract.events import DayClosed, Retracted, StatusChanged
from producers.contract.vocabulary import Channel, Status

HANOI = timezone(timedelta(hours=7))
WARD = "00070"
EPOCH = "test"
START = datetime(2025, 7, 1, 8, 0, tzinfo=HANOI)


def status(seq: int, *, at: datetime = START, ward: str = WARD, **members: Any) -> StatusChangedEvent:
    """A status event; `members` override the payload's."""
    known: dict[str, Any] = {
        "ward": ward,
        "epoch": EPOCH,
        "seq": seq,
        "dossier": f"H26.{ward}-250701-{seq:04d}",
        "procedure": "2.000815",
        "field": "chung-thuc",
        "channel": Channel.COUNTER,
        "status": Status.RECEIVED,
        "received_at": START,
    }
    return _typed(wrap(StatusChangedEvent, StatusChanged(**known | members), at))


def retraction(seq: int, of: StatusChangedEvent, *, at: datetime = START) -> RetractedEvent:
    """The event that takes `of` back."""
    data = Retracted(
        ward=of.data.ward, epoch=EPOCH, seq=seq, of=of.data, of_time=of.time, reason="wrong-status"
    )
    event = wrap(RetractedEvent, data, at)
    assert isinstance(event, RetractedEvent)
    return event


def closing(seq: int, counts: dict[Status, int], *, ward: str = WARD, at: datetime = START) -> SequencedEvent:
    """The ward's totals of the day of `at`."""
    data = DayClosed(
        ward=ward, epoch=EPOCH, seq=seq, day=at.date(), counts=counts, first_seq=1, last_seq=max(0, seq - 1)
    )
    return wrap(DayClosedEvent, data, at)


def _typed(event: SequencedEvent) -> StatusChangedEvent:
    assert isinstance(event, StatusChangedEvent)
    return event
