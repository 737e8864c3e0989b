"""CloudEvents 1.0 in structured JSON around the payloads; `type` decides which payload it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

import msgspec

from producers.contract.events import (
    DayClosed,
    Difficulty,
    Heartbeat,
    Moment,
    Retracted,
    StatusChanged,
)

TYPE_PREFIX: Final = "dongbo."


class _Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """CloudEvents attributes. `id` is `{ward}/{epoch}/{seq}`, `source` is `/wards/{ward}`."""

    id: str
    source: str
    time: Moment
    specversion: Literal["1.0"]
    subject: str | None = None
    dataschema: str | None = None
    datacontenttype: str | None = None


class StatusChangedEvent(_Envelope, frozen=True, tag="dongbo.dossier.status-changed.v1"):
    """Envelope of `StatusChanged`; `subject` is the dossier's code."""

    data: StatusChanged


class RetractedEvent(_Envelope, frozen=True, tag="dongbo.dossier.retracted.v1"):
    """Envelope of `Retracted`."""

    data: Retracted


class DayClosedEvent(_Envelope, frozen=True, tag="dongbo.ward.day-closed.v1"):
    """Envelope of `DayClosed`."""

    data: DayClosed


class HeartbeatEvent(_Envelope, frozen=True, tag="dongbo.ward.heartbeat.v1"):
    """Envelope of `Heartbeat`; `id` is `{ward}/{epoch}/hb/{clock}`."""

    data: Heartbeat


class DifficultyReportedEvent(_Envelope, frozen=True, tag="dongbo.difficulty.reported.v1"):
    """A ward reports a difficulty."""

    data: Difficulty


class DifficultyAssignedEvent(_Envelope, frozen=True, tag="dongbo.difficulty.assigned.v1"):
    """The city gives a difficulty an owner and a due time."""

    data: Difficulty


class DifficultyResolvedEvent(_Envelope, frozen=True, tag="dongbo.difficulty.resolved.v1"):
    """The owner has resolved a difficulty."""

    data: Difficulty


DifficultyEvent = DifficultyReportedEvent | DifficultyAssignedEvent | DifficultyResolvedEvent
SequencedEvent = StatusChangedEvent | RetractedEvent | DayClosedEvent | DifficultyEvent
Event = SequencedEvent | HeartbeatEvent
Payload = StatusChanged | Retracted | DayClosed | Difficulty

EVENT_TYPES: Final[dict[str, type[Event]]] = {
    str(cls.__struct_config__.tag): cls
    for cls in (
        StatusChangedEvent,
        RetractedEvent,
        DayClosedEvent,
        HeartbeatEvent,
        DifficultyReportedEvent,
        DifficultyAssignedEvent,
        DifficultyResolvedEvent,
    )
}


def type_of(event: Event) -> str:
    """The CloudEvents `type` of an event."""
    return str(event.__struct_config__.tag)


def event_id(ward: str, epoch: str, seq: int) -> str:
    """Identity of an event: counted once for ever, wherever and however often it arrives."""
    return f"{ward}/{epoch}/{seq}"


def wrap(cls: type[SequencedEvent], data: Payload, time: datetime) -> SequencedEvent:
    """Put a payload that has its seq into its envelope; the caller pairs type and payload."""
    build: Callable[..., SequencedEvent] = cls
    return build(
        id=event_id(data.ward, data.epoch, data.seq),
        source=f"/wards/{data.ward}",
        time=time,
        specversion="1.0",
        subject=getattr(data, "dossier", None),
        data=data,
    )


def wrap_heartbeat(data: Heartbeat) -> HeartbeatEvent:
    """Put a heartbeat into its envelope."""
    return HeartbeatEvent(
        id=f"{data.ward}/{data.epoch}/hb/{data.clock.isoformat()}",
        source=f"/wards/{data.ward}",
        time=data.clock,
        specversion="1.0",
        data=data,
    )
