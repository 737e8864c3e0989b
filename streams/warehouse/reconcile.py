"""Double entry: what the stream processor counted against what the raw rows add up to.

All of it is computed by ClickHouse (`comparison`): nothing is fetched but the differences. Only first
arrivals count, less what was taken back; the ward's own control totals are another matter
(`v_control_totals`).

The loader stores events and books side by side, so for a moment after an arrival the two may differ now,
though not as of a cut. `settled` looks twice before it believes a difference.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from streams.warehouse.comparison import (
    FIRST_DAY,
    LAST_DAY,
    Difference,
    Scope,
    compare,
    still,
)
from streams.warehouse.store import Store

COLUMNS: Final = Difference._fields
SECOND_LOOK_S: Final = 3.0


class Hole(NamedTuple):
    """Offsets of a partition, inclusive, that were never loaded."""

    topic: str
    topic_id: str
    partition: int
    first_offset: int
    last_offset: int


class Conflict(NamedTuple):
    """A seq that was used for more than one content; the first arrival counts."""

    ward: str
    epoch: str
    seq: int
    contents: int


class Summary(NamedTuple):
    """A run of the city in figures. `events_stored` and `events_counted` are equal when nothing was lost.

    `differences` is -1 while the two are not equal: events are on their way, so a comparison says nothing.
    """

    dossiers_received: int
    wards: int
    days: int
    events_stored: int
    events_counted: int
    rejected: int
    differences: int


def differences(
    store: Store, ward: str | None = None, first: date | None = None, last: date | None = None
) -> list[Difference]:
    """Cells that differ, of one ward or all, from the first to the last day; at most 10,000."""
    return compare(store, scope_of(ward, first, last))


def settled(
    store: Store, scope: Scope, pause: Callable[[float], object] = time.sleep, look_s: float = SECOND_LOOK_S
) -> list[Difference]:
    """The same, less what is only on its way: after a pause it must still be there, in the same figures."""
    found = compare(store, scope)
    if not found:
        return []
    pause(look_s)
    return still(found, compare(store, scope))


def scope_of(ward: str | None, first: date | None, last: date | None) -> Scope:
    """A ward or all, a period or all days."""
    return Scope((ward,) if ward else (), first or FIRST_DAY, last or LAST_DAY)


def holes(store: Store) -> list[Hole]:
    """Stretches of Kafka that were never loaded."""
    rows = store.query(
        "SELECT topic, topic_id, partition, first_offset, last_offset FROM v_coverage_holes"
        " ORDER BY topic, topic_id, partition, first_offset"
    ).rows
    return [Hole(*row) for row in rows]


def conflicts(store: Store) -> list[Conflict]:
    """Seqs that were used again with other content."""
    rows = store.query(
        "SELECT ward, epoch, seq, count() FROM v_conflicts"
        " GROUP BY ward, epoch, seq ORDER BY ward, epoch, seq"
    ).rows
    return [Conflict(*row) for row in rows]


def summary(store: Store, epoch: str, first: date, last: date) -> Summary:
    """The figures of one epoch: received and days from `first` to `last`, events wherever they belong."""
    bounds = {"epoch": epoch, **_bounds(None, first, last)}
    stored: Mapping[str, Any] = store.query(_STORED, bounds).dicts()[0]
    counted: Mapping[str, Any] = store.query(_COUNTED, bounds).dicts()[0]
    return Summary(
        dossiers_received=int(counted["received"]),
        wards=int(stored["wards"]),
        days=int(counted["days"]),
        events_stored=int(stored["events"]),
        events_counted=int(counted["events"]),
        rejected=int(store.value("SELECT count() FROM v_rejects")),
        differences=len(differences(store, None, first, last))
        if counted["events"] == stored["events"]
        else -1,
    )


def _bounds(ward: str | None, first: date | None, last: date | None) -> dict[str, Any]:
    return {"ward": ward or "", "first": first or FIRST_DAY, "last": last or LAST_DAY}


_STORED: Final = """
SELECT uniqExact(ward, seq) AS events, uniqExact(ward) AS wards FROM events WHERE epoch = {epoch:String}
"""
_COUNTED: Final = """
SELECT
    sum(arraySum((e, n) -> if(e = {epoch:String}, n, 0), b.epochs, b.epoch_events)) AS events,
    sumIf(arraySum((s, c) -> if(s = 2, c, 0), b.status, b.count), inside) AS received,
    uniqExactIf(b.day, inside AND b.events > 0) AS days
FROM
(
    SELECT *, day BETWEEN {first:Date32} AND {last:Date32} AS inside
    FROM book FINAL
    WHERE has(epochs, {epoch:String})
) AS b
"""
