"""What travels over the gateway besides events; `openapi.py` publishes these."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from producers.contract.events import Epoch, Moment, Seq
from producers.contract.receipt import SeqRange
from producers.contract.vocabulary import Status
from producers.gateway.intake import EventAnswer


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a batch, event by event. With 422 it is also an error: code, vi, en, remedies."""

    accepted: int
    duplicate: int
    rejected: int
    events: list[EventAnswer]
    code: str | None = None
    vi: str | None = None
    en: str | None = None
    remedy_vi: str | None = None
    remedy_en: str | None = None


class HeartbeatBody(msgspec.Struct, frozen=True, kw_only=True):
    """Alive. An empty body will do for a system whose events the gateway numbers."""

    epoch: Epoch | None = None
    last_seq: Annotated[int, Meta(ge=0)] = 0
    outbox_pending: Annotated[int, Meta(ge=0)] = 0
    clock: Moment | None = None


class DayTotals(msgspec.Struct, frozen=True, kw_only=True):
    """The ward's control totals of a day: status events per status. `epoch` and `seq` both or neither."""

    day: date
    counts: Annotated[
        dict[Status, Annotated[int, Meta(ge=0)]],
        Meta(extra_json_schema={"propertyNames": {"pattern": "^([1-9]|10)$"}}),
    ]
    epoch: Epoch | None = None
    seq: Seq | None = None
    first_seq: Annotated[int, Meta(ge=0)] = 0
    last_seq: Annotated[int, Meta(ge=0)] = 0
    time: Moment | None = None


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    """The seqs that the city asks the ward to send again; an empty list: nothing is missing."""

    ward: str
    requests: list[SeqRange]


class PortalBody(msgspec.Struct, frozen=True, kw_only=True, rename={"is_updating": "isUpdating"}):
    """The envelope of the national portal's payloads; `data` are its records."""

    data: list[dict[str, Any]]
    service: str | None = None
    is_updating: str | None = None
    madonvi: str | None = None
    session: str | None = None
