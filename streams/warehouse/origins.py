"""Which member of which event each stored column is made of: the beginning of every lineage.

A member is written `<type>.<path>`: `status-changed.data.status`, `heartbeat.data.clock`; `*.time` stands in
every event.
What no event says has the name of who makes it: `kafka.…` (the broker), or one of `MAKERS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Members = tuple[str, ...]

MAKERS: Final[Mapping[str, tuple[str, str]]] = {
    "worker": ("bộ xử lý đếm", "counted by the worker"),
    "loader": ("bộ nạp ghi", "written by the loader"),
    "gateway": ("cổng nhận sự kiện ghi", "written by the wards' gateway"),
    "monitor": (
        "bộ giám sát xét từ sự kiện, nhịp tim và lịch",
        "judged by the monitor from events, heartbeats, calendar",
    ),
    "operator": ("người vận hành đặt", "set by an operator"),
    "reference": ("bảng tra cứu đi kèm", "reference data that comes with the program"),
    "rebuild": ("lần dựng lại sổ", "a rebuild of the books"),
    "retention": ("lần gỡ dữ liệu quá hạn", "a removal of what is kept no longer"),
}

_WARD: Final = ("*.data.ward",)
_EPOCH: Final = ("*.data.epoch",)
_SEQ: Final = ("*.data.seq",)
_ARRIVAL: Final = ("kafka.timestamp",)
_KAFKA: Final[Mapping[str, Members]] = {
    "topic_id": ("kafka.topic_id",),
    "topic": ("kafka.topic",),
    "partition": ("kafka.partition",),
    "offset": ("kafka.offset",),
    "arrived_at": _ARRIVAL,
}
_TIMELINESS: Final = ("status-changed.data.finished_at", "status-changed.data.due_at")
_MINUTES: Final = ("status-changed.data.received_at", "status-changed.data.finished_at")
_DIFFICULTY: Final = tuple(
    f"difficulty.data.{name}" for name in ("difficulty", "group", "owner", "due", "code")
)
_CLOSING: Final = tuple(f"day-closed.data.{name}" for name in ("day", "counts", "first_seq", "last_seq"))
_BODY: Final = (
    *_CLOSING,
    "retracted.data.of",
    "retracted.data.of_time",
    "retracted.data.reason",
    *_DIFFICULTY,
)


def _step(*names: str) -> dict[str, Members]:
    return {name: (f"status-changed.data.{name}",) for name in names}


_STEP: Final = _step(
    *("dossier", "procedure", "field", "channel", "status", "received_at", "due_at", "finished_at"),
    *("applicant", "service_level", "paid_online", "digitised"),
)
_BOOK_DAY: Final = ("*.time", "retracted.data.of_time", "day-closed.data.day")
_SEQS: Final = (*_EPOCH, *_SEQ)
_BEAT: Final = tuple(f"heartbeat.data.{name}" for name in ("epoch", "last_seq"))

_EVENTS: Final[Mapping[str, Members]] = {
    "*": _SEQS,
    "ward": _WARD,
    "epoch": _EPOCH,
    "seq": _SEQ,
    "type": ("*.type",),
    "occurred_at": ("*.time",),
    "day": ("*.time",),
    "book_day": _BOOK_DAY,
    **_STEP,
    "timeliness": _TIMELINESS,
    "minutes": _MINUTES,
    "of_epoch": ("retracted.data.of",),
    "of_seq": ("retracted.data.of",),
    "body": _BODY,
    "rank": ("kafka.timestamp", "kafka.offset"),
    "content_hash": ("*.type", "*.time", *(one for members in _STEP.values() for one in members), *_BODY),
    **_KAFKA,
}
_TAKES_BACK: Final = ("retracted.data.of",)
# Of a step, and of its taking back under the step's own number.
_STEPS: Final[Mapping[str, Members]] = {
    **_EVENTS,
    "epoch": (*_EPOCH, *_TAKES_BACK),
    "seq": (*_SEQ, *_TAKES_BACK),
    "retracted": _TAKES_BACK,
    "event_epoch": _EPOCH,
    "event_seq": _SEQ,
}

ORIGINS: Final[Mapping[str, Mapping[str, Members]]] = {
    "events": _EVENTS,
    "open_states": {
        **_STEPS,
        "made": ("monitor",),
        "status_at": ("*.time", *_TAKES_BACK),
        "accepted": ("status-changed.data.status", *_TAKES_BACK),
        "steps": (*_SEQS, *_TAKES_BACK),
    },
    "heartbeats": {
        "*": ("heartbeat.data.clock",),
        "ward": _WARD,
        "epoch": ("heartbeat.data.epoch",),
        "clock_at": ("heartbeat.data.clock",),
        "last_seq": ("heartbeat.data.last_seq",),
        "outbox_pending": ("heartbeat.data.outbox_pending",),
        **_KAFKA,
    },
    "gateway_acks": {"ward": _WARD, "epoch": _EPOCH, "seq_max": _SEQ, "at": ("gateway",)},
    "rejects": {
        "*": ("kafka.offset",),
        "ward": ("kafka.key",),
        "key": ("kafka.key",),
        "has_key": ("kafka.key",),
        "value": ("kafka.value",),
        "has_value": ("kafka.value",),
        "bytes": ("kafka.value",),
        "reason": ("kafka.value",),
        "detail": ("kafka.value",),
        "member": ("kafka.value",),
        **_KAFKA,
    },
    "book": {
        "*": (*_WARD, *_BOOK_DAY),
        "day": _BOOK_DAY,
        "ward": _WARD,
        "generation": ("rebuild",),
        "revision": ("worker",),
        "version": ("worker", "rebuild"),
        "arrived_at": _ARRIVAL,
        "events": _SEQS,
        "epochs": _EPOCH,
        "epoch_events": _SEQS,
        "retracted": ("retracted.data.of",),
        "field": ("status-changed.data.field",),
        "channel": ("status-changed.data.channel",),
        "status": ("status-changed.data.status",),
        "timeliness": _TIMELINESS,
        "count": ("status-changed.data.status", "retracted.data.of"),
        "minutes": (*_MINUTES, "retracted.data.of"),
        "declared": ("day-closed.data.day",),
        "declared_at": ("*.time",),
        "declared_epoch": _EPOCH,
        "declared_first_seq": ("day-closed.data.first_seq",),
        "declared_last_seq": ("day-closed.data.last_seq",),
        "declared_status": ("day-closed.data.counts",),
        "declared_count": ("day-closed.data.counts",),
    },
    "ward_sync": {
        "*": _WARD,
        "ward": _WARD,
        "version": ("worker",),
        "known_at": _ARRIVAL,
        **dict.fromkeys(("epochs", "heartbeat_epoch"), _EPOCH),
        **dict.fromkeys(("intervals", "counted", "contiguous", "highest", "events"), _SEQS),
        **dict.fromkeys(("missing", "hole_epoch", "hole_first", "hole_last"), (*_SEQS, *_BEAT)),
        "last_event_at": ("*.time",),
        "arrived_at": _ARRIVAL,
        "heartbeat_arrived_at": _ARRIVAL,
        "heartbeat_at": ("heartbeat.data.clock",),
        "heartbeat_last_seq": ("heartbeat.data.last_seq",),
        "outbox_pending": ("heartbeat.data.outbox_pending",),
        "rejected": ("kafka.value",),
        "proven_at": ("*.time", *_ARRIVAL, *_SEQS, *_BEAT, "heartbeat.data.outbox_pending"),
        "doubted_at": (*_ARRIVAL, "heartbeat.data.outbox_pending"),
    },
}

_REFERENCE: Final = (
    "wards",
    "procedures",
    "words",
    "reasons",
    "difficulty_groups",
    "office_days",
    "policies",
    "index766",
)

# Tables that no event fills: who does. What is fed by a materialized view follows from its SELECT.
MADE_BY: Final[Mapping[str, str]] = {
    **dict.fromkeys(("coverage", "incidents", "loads"), "loader"),
    **dict.fromkeys(
        (
            "ward_state",
            "ward_states",
            "city_cut",
            "alerts",
            "alert_deliveries",
            "double_entry",
            "conservation",
            "open_copies",
            "settled_seqs",
        ),
        "monitor",
    ),
    **dict.fromkeys(("office_overrides", "alert_acks", "repairs"), "operator"),
    **dict.fromkeys(("rebuilds", "rebuild_changes"), "rebuild"),
    **dict.fromkeys(("seals", "removals", "removed_seqs"), "retention"),
    **dict.fromkeys((*_REFERENCE, *(f"{name}_history" for name in _REFERENCE), "view_versions"), "reference"),
}


def of(table: str, column: str) -> Members:
    """What a stored column is made of; empty if neither table above names it."""
    known = ORIGINS.get(table)
    if known is not None:
        return known.get(column, ())
    return (MADE_BY[table],) if table in MADE_BY else ()
