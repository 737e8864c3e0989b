"""One or more correct events of every type, as a ward would send them; published with the contract."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Final

from producers.contract.envelope import (
    DayClosedEvent,
    DifficultyAssignedEvent,
    DifficultyReportedEvent,
    DifficultyResolvedEvent,
    Event,
    RetractedEvent,
    StatusChangedEvent,
    wrap,
    wrap_heartbeat,
)
from producers.contract.events import DayClosed, Difficulty, Heartbeat, Retracted, StatusChanged
from producers.contract.vocabulary import Applicant, Channel, Status

_WARD: Final = "00070"
_EPOCH: Final = "20250701T000000Z-5f3a9c1e"
_HANOI: Final = timezone(timedelta(hours=7))


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 7, day, hour, minute, tzinfo=_HANOI)


_RECEIVED: Final = StatusChanged(
    ward=_WARD,
    epoch=_EPOCH,
    seq=1,
    dossier="H26.00070-250701-0001",
    procedure="2.000815",
    field="chung-thuc",
    channel=Channel.COUNTER,
    status=Status.RECEIVED,
    received_at=_at(1, 8, 5),
)
_DONE: Final = StatusChanged(
    ward=_WARD,
    epoch=_EPOCH,
    seq=2,
    dossier="H26.00070-250701-0001",
    procedure="2.000815",
    field="chung-thuc",
    channel=Channel.COUNTER,
    status=Status.DONE,
    received_at=_at(1, 8, 5),
    due_at=_at(1, 17),
    finished_at=_at(1, 9, 30),
    applicant=Applicant.CITIZEN,
    service_level=2,
    paid_online=False,
    digitised=True,
)
_RETRACTED: Final = Retracted(
    ward=_WARD, epoch=_EPOCH, seq=3, of=_DONE, of_time=_at(1, 9, 30), reason="wrong-dossier"
)
_CLOSED: Final = DayClosed(
    ward=_WARD,
    epoch=_EPOCH,
    seq=4,
    day=date(2025, 7, 1),
    counts={Status.RECEIVED: 1, Status.DONE: 1},
    first_seq=1,
    last_seq=3,
)
_HEARTBEAT: Final = Heartbeat(ward=_WARD, epoch=_EPOCH, last_seq=4, outbox_pending=0, clock=_at(1, 17, 31))


def _difficulty(seq: int, owner: str | None = None, due: datetime | None = None) -> Difficulty:
    return Difficulty(
        ward=_WARD,
        epoch=_EPOCH,
        seq=seq,
        difficulty="KK-2025-0007",
        group=12,
        owner=owner,
        due=due,
        code="line-unstable",
    )


EXAMPLES: Final[tuple[Event, ...]] = (
    wrap(StatusChangedEvent, _RECEIVED, _at(1, 8, 5)),
    wrap(StatusChangedEvent, _DONE, _at(1, 9, 30)),
    wrap(RetractedEvent, _RETRACTED, _at(1, 10)),
    wrap(DayClosedEvent, _CLOSED, _at(1, 17, 30)),
    wrap_heartbeat(_HEARTBEAT),
    wrap(DifficultyReportedEvent, _difficulty(5), _at(2, 8)),
    wrap(DifficultyAssignedEvent, _difficulty(6, "so-khcn", _at(9, 17)), _at(2, 10)),
    wrap(DifficultyResolvedEvent, _difficulty(7, "so-khcn", _at(9, 17)), _at(7, 15)),
)
