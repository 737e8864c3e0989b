"""The payloads of contract v1: what a ward says happened. No member has room for personal data.

A member is only ever added, optional, with a default; a breaking change is a new `.vN` type. Members that
the contract does not know are dropped while decoding.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from producers.contract.vocabulary import Applicant, Channel, Status

# Patterns stand in the published schema and are checked by `codec`, which remembers what it has seen:
# a regular expression on each member of each event would double the time of decoding.
WardCode = Annotated[
    str,
    Meta(max_length=5, extra_json_schema={"pattern": r"^[0-9]{5}$"}, description="5-digit ward code"),
]
# Epochs of the city's own outboxes (corrections, the desk): they say nothing of whether the ward is alive.
CITY_EPOCHS: Final = "city-"
Epoch = Annotated[
    str,
    Meta(
        max_length=40,
        extra_json_schema={"pattern": r"^(?!.*[0-9]{9})[0-9A-Za-z_-]{1,40}$"},
        description="names one life of the ward's outbox",
    ),
]
Seq = Annotated[int, Meta(ge=1, le=2**53, description="contiguous from 1 within (ward, epoch)")]
# Bounded as well: JSON knows no largest number, every store does.
Count = Annotated[int, Meta(ge=0, le=2**53)]
# Tolerant on purpose: agency codes of several forms stand in public code, the communes' are not public.
DOSSIER_PATTERN: Final = (
    r"([0-9]{3}(\.[0-9]{2}){2}\.)?[A-Z][0-9]{2}(\.[0-9]{1,5}){0,3}-([0-9]{6}|[0-9]{8})-[0-9]{4,7}"
)
DossierCode = Annotated[
    str,
    Meta(
        max_length=40,
        pattern=f"^{DOSSIER_PATTERN}$",
        description="dossier code; no other text fits, so that no name can stand here",
    ),
]
ProcedureCode = Annotated[
    str,
    Meta(
        max_length=24,
        extra_json_schema={"pattern": r"^[0-9]\.[0-9]{6}(\.[0-9A-Z]{2,3}){0,4}$"},
        description="national procedure code",
    ),
]
FieldSlug = Annotated[
    str,
    Meta(
        max_length=40,
        extra_json_schema={"pattern": r"^[a-z][a-z-]{0,39}$"},
        description="field of the procedure",
    ),
]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with offset")]
# No run of nine digits: identity and telephone numbers have more, codes of ours never do.
TextCode = Annotated[str, Meta(max_length=40, pattern=r"^(?!.*[0-9]{9})[A-Za-z0-9._-]{1,40}$")]


class _Payload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Identity that every payload with a place in the outbox carries."""

    ward: WardCode
    epoch: Epoch
    seq: Seq


class StatusChanged(_Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A dossier reached one of the portal's ten statuses.

    `received_at`: when the one-stop desk took it (for status 1, when it was submitted).
    `due_at`: the appointment (NgayHenTra). `finished_at`: the end of processing (NgayKetThucXuLy).
    """

    dossier: DossierCode
    procedure: ProcedureCode
    field: FieldSlug
    channel: Channel
    status: Status
    received_at: Moment
    due_at: Moment | None = None
    finished_at: Moment | None = None
    applicant: Applicant | None = None
    service_level: Annotated[int, Meta(ge=2, le=4)] | None = None
    paid_online: bool | None = None
    digitised: bool | None = None


class Retracted(_Payload, frozen=True, kw_only=True, omit_defaults=True):
    """An earlier event was wrong. `of` and `of_time` repeat it, so that it is subtracted with no look-up."""

    of: StatusChanged
    of_time: Moment
    reason: TextCode


class DayClosed(_Payload, frozen=True, kw_only=True, omit_defaults=True):
    """The ward's control totals: status events of `day` per status, and the seqs they lie between."""

    day: date
    counts: Annotated[
        dict[Status, Count],
        Meta(extra_json_schema={"propertyNames": {"pattern": "^([1-9]|10)$"}}),
    ]
    first_seq: Count
    last_seq: Count


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """Alive: everything up to `last_seq` has been sent. Takes no seq of its own."""

    ward: WardCode
    epoch: Epoch
    last_seq: Count
    outbox_pending: Count
    clock: Moment


class Difficulty(_Payload, frozen=True, kw_only=True, omit_defaults=True):
    """A difficulty under one of the city's 25 groups; which step it is, the event's type says."""

    difficulty: TextCode
    group: Annotated[int, Meta(ge=1, le=25)]
    owner: TextCode | None = None
    due: Moment | None = None
    code: TextCode | None = None
