"""The record of what was asked for again, sent again or loaded again: who, when, why, which seqs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from streams.domain.days import number_of
from streams.warehouse.store import Store

REQUEST: Final = "request"
RESEND: Final = "resend"
RELOAD: Final = "reload"


class Repair(NamedTuple):
    """One repair; `actor` is operator, monitor or gateway, `reason` a code such as gap or difference."""

    id: str
    kind: str
    actor: str
    ward: str
    epoch: str
    first_seq: int
    last_seq: int
    reason: str
    day: date | None = None
    differences: int = 0


_COLUMNS: Final = (
    ("at", "DateTime64(3)"),
    ("id", "String"),
    ("kind", "LowCardinality(String)"),
    ("actor", "LowCardinality(String)"),
    ("ward", "LowCardinality(String)"),
    ("epoch", "LowCardinality(String)"),
    ("first_seq", "UInt64"),
    ("last_seq", "UInt64"),
    ("reason", "LowCardinality(String)"),
    ("day", "Nullable(Date32)"),
    ("differences", "UInt64"),
)


def record(store: Store, repairs: Sequence[Repair]) -> None:
    """Write repairs down, before they are done: one that then fails was tried all the same.

    :raises Unavailable: ClickHouse is away
    """
    if not repairs:
        return
    at_ms = time.time_ns() // 1_000_000
    rows = [(at_ms, *one[:8], _day(one.day), one.differences) for one in repairs]
    names, types = zip(*_COLUMNS, strict=True)
    store.insert("repairs", names, types, list(zip(*rows, strict=True)))


def _day(day: date | None) -> int | None:
    return None if day is None else number_of(day)
