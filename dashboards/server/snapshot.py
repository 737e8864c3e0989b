"""From a reading to what one page shows of one day; pure. Also the difference between two of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

import msgspec

from dashboards.server.figures import Figures, Reading, WardSync, total
from producers.contract.wards import WARDS

HANOI: Final = timezone(timedelta(hours=7), "+07")
SILENT_AFTER: Final = timedelta(minutes=15)
# The chooser lists about a year; older days are reached by their address (?day=).
DAYS_LISTED_MAX: Final = 400

_NOTHING: Final = Figures()
_UNKNOWN: Final = WardSync()


class Totals(msgspec.Struct, frozen=True):
    """The city's figures of a day, a week or since the start."""

    figures: Figures
    on_time_share: float | None
    online_share: float | None


class WardRow(msgspec.Struct, frozen=True):
    """One line of the table."""

    ward: str
    name: str
    kind: str
    figures: Figures
    on_time_share: float | None
    backlog: int | None
    contiguous: int
    missing: int
    event_at: datetime | None
    status: str


class Snapshot(msgspec.Struct, frozen=True):
    """All that a page shows.

    `error` says why nothing newer could be read; the figures are then the last known.
    `day` is what is shown, `newest` the newest day with data; `as_of` is the arrival of the newest event or
    heartbeat that the figures contain, `covered` the number of wards that were heard on that day or later.
    """

    id: str
    day: date | None = None
    newest: date | None = None
    days: tuple[date, ...] = ()
    as_of: datetime | None = None
    read_at: datetime | None = None
    covered: int = 0
    wards_total: int = len(WARDS)
    backlog: int | None = None
    totals: dict[str, Totals] = {}
    rows: tuple[WardRow, ...] = ()
    error: str | None = None


def build(identity: str, reading: Reading, wanted: date | None) -> Snapshot:
    """What a page that asked for `wanted` (None: the newest day) shows of a reading."""
    newest = newest_day(reading.city, reading.read_at)
    day = wanted or newest
    wards = reading.wards.get(day, {}) if day else {}
    rows = tuple(_row(code, wards.get(code, _NOTHING), reading) for code in WARDS)
    heard = [sync.heard_at for sync in reading.syncs.values() if sync.heard_at]
    return Snapshot(
        id=identity,
        day=day,
        newest=newest,
        days=tuple(sorted(reading.city, reverse=True)[:DAYS_LISTED_MAX]),
        as_of=max(heard, default=None),
        read_at=reading.read_at,
        covered=_covered(reading, day, wards),
        backlog=sum(reading.backlog.values()) if reading.backlog else None,
        totals=_totals(reading, day, wards),
        rows=rows,
    )


def failed(identity: str, last: Snapshot | None, wanted: date | None, error: str) -> Snapshot:
    """The last known snapshot, marked as old; without one, the wards without figures."""
    if last is None:
        return Snapshot(id=identity, day=wanted, error=error)
    return msgspec.structs.replace(last, id=identity, error=error)


def newest_day(days: dict[date, Figures], now: datetime) -> date | None:
    """The newest day with data, not after today: one ward's fast clock must not move the whole page."""
    today = now.astimezone(HANOI).date()
    return max((day for day in days if day <= today), default=max(days, default=None))


def week_of(day: date) -> tuple[date, ...]:
    """Monday to Sunday around a day."""
    monday = day - timedelta(days=day.weekday())
    return tuple(monday + timedelta(days=i) for i in range(7))


def diff(old: Snapshot, new: Snapshot) -> dict[str, Any]:
    """The members of `new` that differ from `old`; of the rows, only those that differ."""
    changes = {
        name: getattr(new, name)
        for name in Snapshot.__struct_fields__
        if name != "rows" and getattr(old, name) != getattr(new, name)
    }
    before = {row.ward: row for row in old.rows}
    rows = [row for row in new.rows if before.get(row.ward) != row]
    return changes | {"rows": rows} if rows else changes


def full(snapshot: Snapshot) -> dict[str, Any]:
    """Every member, by name."""
    return {name: getattr(snapshot, name) for name in Snapshot.__struct_fields__}


def _row(code: str, figures: Figures, reading: Reading) -> WardRow:
    ward, sync = WARDS[code], reading.syncs.get(code, _UNKNOWN)
    return WardRow(
        ward=code,
        name=ward.name,
        kind=ward.kind,
        figures=figures,
        on_time_share=figures.on_time_share,
        backlog=reading.backlog.get(code),
        contiguous=sync.contiguous,
        missing=sync.missing,
        event_at=sync.event_at,
        status=ward_status(sync, reading.read_at),
    )


def ward_status(sync: WardSync, now: datetime) -> str:
    """One status a ward, the worst that holds: nothing, holes, silence, a backlog of sending, complete."""
    if sync.heard_at is None:
        return "none"
    if sync.missing:
        return "missing"
    if now - sync.heard_at > SILENT_AFTER:
        return "silent"
    return "behind" if sync.pending else "complete"


def _totals(reading: Reading, day: date | None, wards: dict[str, Figures]) -> dict[str, Totals]:
    """The day's total is the sum of the rows on the page, so that the two can never disagree."""
    if day is None:
        return {}
    city = {**reading.city, day: total(wards.values())}
    week = [city[each] for each in week_of(day) if each in city]
    return {
        "day": _with_shares(city[day]),
        "week": _with_shares(total(week)),
        "all": _with_shares(total(city.values())),
    }


def _with_shares(figures: Figures) -> Totals:
    return Totals(figures, figures.on_time_share, figures.online_share)


def _covered(reading: Reading, day: date | None, wards: dict[str, Figures]) -> int:
    """A ward that was heard after the day began has told us its figures, be they zero."""
    if day is None:
        return 0
    start = datetime(day.year, day.month, day.day, tzinfo=HANOI)
    heard = {code for code, sync in reading.syncs.items() if sync.heard_at and sync.heard_at >= start}
    return len(heard | set(wards))
