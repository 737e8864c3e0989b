"""The tables that the loader fills: their columns, in the order of the rows that `rows` makes.

A test compares them with what the migrations made, so the two cannot drift apart. Columns that ClickHouse
computes by itself (`day`, `content_hash`, `rank`) are not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_TIME: Final = "DateTime64(3, 'Asia/Ho_Chi_Minh')"
_WORD: Final = "LowCardinality(String)"


@dataclass(frozen=True, slots=True)
class Table:
    """Name, and names and types of the columns that an insert gives."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]


def _table(name: str, *columns: tuple[str, str]) -> Table:
    return Table(name, tuple(column for column, _ in columns), tuple(kind for _, kind in columns))


EVENTS: Final = _table(
    "events",
    ("ward", _WORD),
    ("epoch", _WORD),
    ("seq", "UInt64"),
    ("type", _WORD),
    ("occurred_at", _TIME),
    ("book_day", "Date32"),
    ("arrived_at", _TIME),
    ("dossier", "String"),
    ("procedure", _WORD),
    ("field", _WORD),
    ("channel", _WORD),
    ("status", "UInt8"),
    ("received_at", f"Nullable({_TIME})"),
    ("due_at", f"Nullable({_TIME})"),
    ("finished_at", f"Nullable({_TIME})"),
    ("applicant", _WORD),
    ("service_level", "UInt8"),
    ("paid_online", "Int8"),
    ("digitised", "Int8"),
    ("timeliness", _WORD),
    ("minutes", "UInt32"),
    ("of_epoch", _WORD),
    ("of_seq", "UInt64"),
    ("body", "String"),
    ("topic_id", _WORD),
    ("partition", "UInt16"),
    ("offset", "UInt64"),
)

HEARTBEATS: Final = _table(
    "heartbeats",
    ("ward", _WORD),
    ("epoch", _WORD),
    ("clock_at", _TIME),
    ("arrived_at", _TIME),
    ("last_seq", "UInt64"),
    ("outbox_pending", "UInt64"),
    ("topic_id", _WORD),
    ("partition", "UInt16"),
    ("offset", "UInt64"),
)

REJECTS: Final = _table(
    "rejects",
    ("topic_id", _WORD),
    ("topic", _WORD),
    ("partition", "UInt16"),
    ("offset", "UInt64"),
    ("arrived_at", _TIME),
    ("ward", _WORD),
    ("reason", _WORD),
    ("detail", "String"),
    ("member", "String"),
    ("key", "String"),
    ("value", "String"),
    ("has_key", "Bool"),
    ("has_value", "Bool"),
    ("bytes", "UInt64"),
)

BOOK: Final = _table(
    "book",
    ("day", "Date32"),
    ("ward", _WORD),
    ("version", "UInt64"),
    ("generation", "UInt32"),
    ("revision", "UInt64"),
    ("arrived_at", _TIME),
    ("events", "UInt64"),
    ("epochs", "Array(String)"),
    ("epoch_events", "Array(UInt64)"),
    ("retracted", "UInt64"),
    ("field", "Array(LowCardinality(String))"),
    ("channel", "Array(LowCardinality(String))"),
    ("status", "Array(UInt8)"),
    ("timeliness", "Array(LowCardinality(String))"),
    ("count", "Array(Int64)"),
    ("minutes", "Array(Int64)"),
    ("declared", "Bool"),
    ("declared_at", f"Nullable({_TIME})"),
    ("declared_epoch", "String"),
    ("declared_first_seq", "UInt64"),
    ("declared_last_seq", "UInt64"),
    ("declared_status", "Array(UInt8)"),
    ("declared_count", "Array(UInt64)"),
)

WARD_SYNC: Final = _table(
    "ward_sync",
    ("ward", _WORD),
    ("version", "UInt64"),
    ("known_at", _TIME),
    ("epochs", "Array(String)"),
    ("intervals", "Array(Array(UInt64))"),
    ("counted", "Array(UInt64)"),
    ("contiguous", "Array(UInt64)"),
    ("highest", "Array(UInt64)"),
    ("events", "UInt64"),
    ("missing", "UInt64"),
    ("hole_epoch", "Array(String)"),
    ("hole_first", "Array(UInt64)"),
    ("hole_last", "Array(UInt64)"),
    ("last_event_at", f"Nullable({_TIME})"),
    ("arrived_at", f"Nullable({_TIME})"),
    ("heartbeat_at", f"Nullable({_TIME})"),
    ("heartbeat_arrived_at", f"Nullable({_TIME})"),
    ("heartbeat_epoch", "String"),
    ("heartbeat_last_seq", "UInt64"),
    ("outbox_pending", "UInt64"),
    ("rejected", "UInt64"),
    ("proven_at", f"Nullable({_TIME})"),
    ("doubted_at", f"Nullable({_TIME})"),
)

COVERAGE: Final = _table(
    "coverage",
    ("topic_id", _WORD),
    ("topic", _WORD),
    ("partition", "UInt16"),
    ("first_offset", "UInt64"),
    ("last_offset", "UInt64"),
    ("events", "UInt64"),
    ("rejects", "UInt64"),
    ("heartbeats", "UInt64"),
    ("stored_at", _TIME),
)

INCIDENTS: Final = _table(
    "incidents",
    ("topic_id", _WORD),
    ("topic", _WORD),
    ("partition", "UInt16"),
    ("kind", _WORD),
    ("first_offset", "UInt64"),
    ("last_offset", "UInt64"),
    ("wards", "Array(String)"),
    ("detail_vi", "String"),
    ("detail_en", "String"),
    ("seen_at", _TIME),
)

LOADS: Final = _table(
    "loads",
    ("stored_at", _TIME),
    ("kind", _WORD),
    ("messages", "UInt64"),
    ("first_arrived_at", _TIME),
    ("last_arrived_at", _TIME),
    ("insert_ms", "UInt32"),
)

LOADED: Final = (EVENTS, HEARTBEATS, REJECTS, BOOK, WARD_SYNC, COVERAGE, INCIDENTS, LOADS)
