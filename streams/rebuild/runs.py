"""The record of rebuilds in ClickHouse: a run is written down before it changes anything."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from producers.contract.wards import WARDS
from streams.domain.days import number_of
from streams.rebuild.compare import MISSING, Found
from streams.rebuild.look import Scope
from streams.warehouse.store import Store

COMPARED: Final = "compared"
WRITING: Final = "writing"
WRITTEN: Final = "written"
DONE: Final = "done"
SUPERSEDED: Final = "superseded"

_RUN: Final = (
    ("run", "String"),
    ("state", "LowCardinality(String)"),
    ("at", "DateTime64(3)"),
    ("began_at", "DateTime64(3)"),
    ("actor", "String"),
    ("logic", "LowCardinality(String)"),
    ("generation", "UInt32"),
    ("wards", "Array(String)"),
    ("first_day", "Date32"),
    ("last_day", "Date32"),
    ("accept_missing", "Bool"),
    ("books", "UInt64"),
    ("events", "UInt64"),
    ("differing", "UInt64"),
    ("kept", "UInt64"),
    ("written", "UInt64"),
    ("took_ms", "UInt64"),
)
_CHANGE: Final = (
    ("run", "String"),
    ("ward", "LowCardinality(String)"),
    ("day", "Nullable(Date32)"),
    ("cause", "LowCardinality(String)"),
    ("field", "LowCardinality(String)"),
    ("channel", "LowCardinality(String)"),
    ("status", "UInt8"),
    ("timeliness", "LowCardinality(String)"),
    ("old_count", "Int64"),
    ("new_count", "Int64"),
    ("old_minutes", "Int64"),
    ("new_minutes", "Int64"),
    ("version", "UInt64"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One rebuild; `at_ms` is set when it is written down."""

    run: str
    state: str
    began_ms: int
    actor: str
    logic: str
    scope: Scope
    generation: int = 0
    books: int = 0
    events: int = 0
    differing: int = 0
    kept: int = 0
    written: int = 0


def note(store: Store, runs: Sequence[Run]) -> None:
    """Write runs down as they are now, together.

    :raises Unavailable: ClickHouse is away
    """
    now_ms = time.time_ns() // 1_000_000
    _insert(store, "rebuilds", _RUN, [_row(run, now_ms) for run in runs])


def changes(store: Store, run: str, found: Iterable[Found], versions: dict[tuple[str, str], int]) -> None:
    """Write down what differs; `versions` of the records that replace them, by ward and day."""
    rows = [
        (
            run,
            line.ward,
            None if line.day is None else number_of(line.day),
            *line[2:],
            versions.get((one.ward, one.day), 0),
        )
        for one in found
        for line in one.differences
    ]
    if rows:
        _insert(store, "rebuild_changes", _CHANGE, rows)


def unfinished(store: Store) -> list[Run]:
    """Runs that began to write and are not done, the oldest first."""
    return [_run(row) for row in store.query(_OPEN).dicts()]


def highest_generation(store: Store) -> int:
    """The highest generation that any run has written, or has meant to write."""
    return int(store.value("SELECT max(generation) FROM rebuilds") or 0)


def superseded(run: Run) -> Run:
    """The same, its work done by a later one."""
    return replace(run, state=SUPERSEDED)


def replaced(found: Iterable[Found], scope: Scope) -> list[Found]:
    """Those that are replaced: all but those that would lose events."""
    return [one for one in found if one.cause != MISSING or scope.accept_missing]


def _row(run: Run, now_ms: int) -> tuple[Any, ...]:
    scope = run.scope
    return (
        run.run,
        run.state,
        now_ms,
        run.began_ms,
        run.actor,
        run.logic,
        run.generation,
        [] if len(scope.wards) == len(WARDS) else list(scope.wards),
        number_of(scope.first),
        number_of(scope.last),
        scope.accept_missing,
        run.books,
        run.events,
        run.differing,
        run.kept,
        run.written,
        max(0, now_ms - run.began_ms),
    )


def _run(row: dict[str, Any]) -> Run:
    wards = tuple(row["wards"]) or tuple(WARDS)
    scope = Scope(wards, row["first_day"], row["last_day"], bool(row["accept_missing"]))
    known = {name: row[name] for name in Run.__slots__ if name != "scope"}
    return Run(scope=scope, **known)


def _insert(store: Store, table: str, columns: Sequence[tuple[str, str]], rows: Sequence[Any]) -> None:
    names, types = zip(*columns, strict=True)
    store.insert(table, names, types, list(zip(*rows, strict=True)))


_OPEN: Final = """
SELECT *, toUnixTimestamp64Milli(began_at) AS began_ms FROM rebuilds FINAL
WHERE state IN ('writing', 'written') ORDER BY began_at, run
"""
