"""Double entry: what the stream processor counted against what the raw rows add up to.

All of it is computed by ClickHouse, set by set: nothing is fetched but the differences. Only first arrivals
count, less what was taken back; the ward's own control totals are another matter (`v_ward_day`).

Known limit: the loader stores events and books side by side, so for a moment after an arrival the two may
differ. Ask again after a second before a difference is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from streams.warehouse.store import Store

DIFFERENCES_MAX: Final = 10_000
_FIRST_DAY: Final = date(1900, 1, 1)
_LAST_DAY: Final = date(2299, 12, 31)


class Difference(NamedTuple):
    """One cell of one book that does not agree."""

    ward: str
    day: date
    field: str
    channel: str
    status: int
    timeliness: str
    book_count: int
    raw_count: int
    book_minutes: int
    raw_minutes: int


COLUMNS: Final = Difference._fields


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
    """Cells that differ, of one ward or all, from the first to the last day; at most `DIFFERENCES_MAX`."""
    rows = store.query(_DIFFERENCES, _bounds(ward, first, last)).rows
    return [Difference(*row) for row in rows]


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
    return {"ward": ward or "", "first": first or _FIRST_DAY, "last": last or _LAST_DAY}


_DIFFERENCES: Final = f"""
SELECT {", ".join(COLUMNS)}
FROM v_reconcile
WHERE ({{ward:String}} = '' OR ward = {{ward:String}}) AND day BETWEEN {{first:Date32}} AND {{last:Date32}}
ORDER BY ward, day
LIMIT {DIFFERENCES_MAX}
"""  # noqa: S608 - made of constants
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
