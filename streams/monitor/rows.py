"""The monitor's tables: columns, and rows of what was judged."""

from __future__ import annotations

from typing import Any, Final

from streams.domain.certificate import Certificate
from streams.domain.status import Judgement
from streams.warehouse.store import Store
from streams.warehouse.tables import Table

_TIME: Final = "DateTime64(3, 'Asia/Ho_Chi_Minh')"
_WORD: Final = "LowCardinality(String)"
_COLUMNS: Final = (
    ("ward", _WORD),
    ("cut", "UInt64"),
    ("at", _TIME),
    ("alive", _WORD),
    ("complete", _WORD),
    ("reconciled", _WORD),
    ("status", _WORD),
    ("reason", _WORD),
    ("reason_vi", "String"),
    ("reason_en", "String"),
    ("since", _TIME),
    ("covered", "Bool"),
    ("complete_at", f"Nullable({_TIME})"),
    ("office_open", "Bool"),
    ("skew_ms", "Nullable(Int64)"),
    ("delay_ms_p50", "Nullable(Int64)"),
    ("delay_ms_p99", "Nullable(Int64)"),
    ("conflicts", "UInt64"),
    ("mismatches", "UInt64"),
    ("differences", "UInt64"),
    ("events", "UInt64"),
    ("missing", "UInt64"),
    ("contiguous", "UInt64"),
    ("highest", "UInt64"),
    ("epoch", "String"),
    ("pending", "UInt64"),
    ("rejected", "UInt64"),
    ("event_at", f"Nullable({_TIME})"),
    ("arrived_at", f"Nullable({_TIME})"),
    ("heartbeat_at", f"Nullable({_TIME})"),
    ("heard_at", f"Nullable({_TIME})"),
    ("epochs", "Array(String)"),
    ("epoch_events", "Array(UInt64)"),
    ("epoch_contiguous", "Array(UInt64)"),
    ("epoch_highest", "Array(UInt64)"),
    ("hole_epoch", "Array(String)"),
    ("hole_first", "Array(UInt64)"),
    ("hole_last", "Array(UInt64)"),
    ("hole_since", f"Array({_TIME})"),
    ("judged_at", _TIME),
)
_NAMES: Final = tuple(name for name, _ in _COLUMNS)
_TYPES: Final = tuple(kind for _, kind in _COLUMNS)
WARD_STATE: Final = Table("ward_state", _NAMES, _TYPES)
WARD_STATES: Final = Table("ward_states", _NAMES, _TYPES)
CITY_CUT: Final = Table(
    "city_cut",
    (
        *("number", "at", "complete_at", "published_at", "generation", "wards_total", "covered"),
        *("left_out", "left_out_reason", "events", "missing", "rejected"),
        *("received", "resolved", "returned", "online", "early", "on_time", "overdue"),
        *("day", "day_received", "day_resolved", "day_returned", "lag_ms"),
    ),
    (
        *("UInt64", _TIME, f"Nullable({_TIME})", _TIME, "UInt32", "UInt16", "UInt16"),
        *("Array(String)", "Array(String)", "UInt64", "UInt64", "UInt64"),
        *("Int64",) * 7,
        *("Date32", "Int64", "Int64", "Int64", "Int64"),
    ),
)


def insert(store: Store, table: Table, found: list[tuple[Any, ...]]) -> None:
    """Insert rows that have the table's columns in their order."""
    if found:
        store.insert(table.name, table.columns, table.types, list(zip(*found, strict=True)))


def state_row(
    known: Certificate,
    judged: Judgement,
    conflicts: int,
    mismatches: int,
    differences: int,
    *,
    cut: int,
    now_ms: int,
) -> tuple[Any, ...]:
    """A row of `ward_state` (cut 0) or `ward_states`."""
    present = known.present
    return (
        known.ward,
        cut,
        judged.at_ms,
        judged.alive.word,
        judged.complete,
        judged.reconciled,
        judged.status,
        judged.reason,
        judged.words.vi,
        judged.words.en,
        judged.since_ms,
        judged.covered,
        judged.complete_ms,
        judged.alive.open,
        known.skew_ms,
        known.delay_ms_p50,
        known.delay_ms_p99,
        conflicts,
        mismatches,
        differences,
        known.events,
        known.missing,
        present.contiguous,
        present.highest,
        known.epoch,
        known.pending,
        known.rejected,
        known.event_ms or None,
        known.arrived_ms or None,
        known.beat_clock_ms or None,
        known.heard_ms or None,
        [one.name for one in known.epochs],
        [one.events for one in known.epochs],
        [one.contiguous for one in known.epochs],
        [one.highest for one in known.epochs],
        [hole.epoch for hole in known.holes],
        [hole.first for hole in known.holes],
        [hole.last for hole in known.holes],
        [hole.since_ms for hole in known.holes],
        now_ms,
    )
