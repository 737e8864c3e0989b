"""One or more correct events of every type, as a ward would send them; published with the contract."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any, Final, NamedTuple

from producers.contract.codec import encode
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
from producers.contract.topics import PARTITION_OF_WARD, PARTITIONS, VALUE_BYTES_MAX
from producers.contract.vocabulary import Applicant, Channel, Status

_WARD: Final = "00070"
_EPOCH: Final = "20250701T000000Z-5f3a9c1e"
_HANOI: Final = timezone(timedelta(hours=7))


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 7, day, hour, minute, tzinfo=_HANOI)


_ENDED: Final = frozenset({Status.WITHDRAWN, Status.STOPPED, Status.DONE, Status.RETURNED})


def _step(status: Status) -> StatusChanged:
    """One step of an example's life; each status has its own seq, so that all ten can be sent together."""
    return StatusChanged(
        ward=_WARD,
        epoch=_EPOCH,
        seq=int(status),
        dossier=f"H26.00070-250701-{int(status):04d}",
        procedure="2.000815",
        field="chung-thuc",
        channel=Channel.ONLINE if status in (Status.REGISTERED, Status.NOT_ACCEPTED) else Channel.COUNTER,
        status=status,
        received_at=_at(1, 8, 5),
        due_at=None if status in (Status.REGISTERED, Status.NOT_ACCEPTED) else _at(1, 17),
        finished_at=_at(1, 9, 30) if status in _ENDED else None,
        applicant=Applicant.CITIZEN,
        service_level=2,
        paid_online=False,
        digitised=True,
    )


_STEPS: Final = tuple(map(_step, Status))
_DONE: Final = _step(Status.DONE)
_RETRACTED: Final = Retracted(
    ward=_WARD, epoch=_EPOCH, seq=11, of=_DONE, of_time=_at(1, 9, 30), reason="wrong-dossier"
)
_CLOSED: Final = DayClosed(
    ward=_WARD,
    epoch=_EPOCH,
    seq=12,
    day=date(2025, 7, 1),
    counts=dict.fromkeys([status for status in Status if status != Status.DONE], 1),
    first_seq=1,
    last_seq=11,
)
_HEARTBEAT: Final = Heartbeat(ward=_WARD, epoch=_EPOCH, last_seq=12, outbox_pending=0, clock=_at(1, 17, 31))


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
    *(wrap(StatusChangedEvent, step, _at(1, 9, 30)) for step in _STEPS),
    wrap(RetractedEvent, _RETRACTED, _at(1, 10)),
    wrap(DayClosedEvent, _CLOSED, _at(1, 17, 30)),
    wrap_heartbeat(_HEARTBEAT),
    wrap(DifficultyReportedEvent, _difficulty(13), _at(2, 8)),
    wrap(DifficultyAssignedEvent, _difficulty(14, "so-khcn", _at(9, 17)), _at(2, 10)),
    wrap(DifficultyResolvedEvent, _difficulty(15, "so-khcn", _at(9, 17)), _at(7, 15)),
)


class Wrong(NamedTuple):
    """A message that is rejected with `code`; `shown` is what the page prints of it."""

    code: str
    value: bytes | None
    shown: str
    key: bytes = _WARD.encode()
    partition: int = PARTITION_OF_WARD[_WARD]


def _wrong(code: str, old: str, new: str, **members: Any) -> Wrong:
    """The example of status 2 with one thing changed."""
    good = encode(EXAMPLES[1]).decode()
    value = good.replace(old, new)
    return Wrong(code, value.encode(), f"{old} -> {new}" if old else new, **members)


# One for each reason, so that an integrator can see the difference between right and wrong.
REJECTED: Final[tuple[Wrong, ...]] = (
    Wrong("not_json", b"{'specversion': '1.0'}", "{'specversion': '1.0'}"),
    _wrong("bad_shape", '"status":2', '"status":11'),
    _wrong("unknown_type", "status-changed.v1", "status-changed.v9"),
    _wrong("unknown_ward", '"ward":"00070"', '"ward":"99999"'),
    _wrong("identity_mismatch", f'"id":"{_WARD}/{_EPOCH}/2"', f'"id":"{_WARD}/{_EPOCH}/3"'),
    Wrong(
        "misrouted",
        encode(EXAMPLES[1]),
        f"partition {PARTITION_OF_WARD[_WARD]} -> another",
        partition=(PARTITION_OF_WARD[_WARD] + 1) % PARTITIONS,
    ),
    _wrong("time_out_of_range", '"time":"2025-07-01T09:30:00+07:00"', '"time":"1970-01-01T09:30:00+07:00"'),
    Wrong("too_large", b" " * (VALUE_BYTES_MAX + 1), f"{VALUE_BYTES_MAX + 1} bytes"),
    Wrong("null_value", None, "null"),
)
