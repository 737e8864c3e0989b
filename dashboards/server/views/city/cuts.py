"""The city's cuts: the newest, which days have some, and the one at the same time a day ago."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from dashboards.server.source import HANOI, Source, millis
from producers.contract.wards import WARDS

NEWEST: Final = """
SELECT number, at, complete_at, covered, wards_total, left_out, left_out_reason, events, missing, lag_ms
FROM v_city_cut ORDER BY number DESC LIMIT 1
"""
THAT: Final = """
SELECT number, at, complete_at, covered, wards_total, left_out, left_out_reason, events, missing, lag_ms
FROM v_city_cut WHERE number = {number:UInt64}
"""
BEFORE: Final = """
SELECT number, at FROM v_city_cut WHERE at <= fromUnixTimestamp64Milli({at:Int64})
ORDER BY number DESC LIMIT 1
"""
# Runs of consecutive cuts within a day: what the slider can reach.
RUNS: Final = """
SELECT min(number) AS first, max(number) AS last FROM
(
    SELECT number, number - row_number() OVER (ORDER BY number) AS run FROM v_city_cut
    WHERE at >= fromUnixTimestamp64Milli({since:Int64}) AND at < fromUnixTimestamp64Milli({until:Int64})
)
GROUP BY run ORDER BY first
"""
DAYS: Final = """
SELECT toDate32(at, 'Asia/Ho_Chi_Minh') AS day, max(number) AS newest FROM v_city_cut
WHERE number >= {number:UInt64} GROUP BY day
"""
# Older cuts come with an import only; so often all of them are read again.
DAYS_S: Final = 3600.0
# A cut is published every ten seconds; an older one is not "the same time".
SAME_TIME: Final = timedelta(minutes=10)


class LeftOut(msgspec.Struct, frozen=True):
    """A ward that a cut does not cover, and the code of why."""

    ward: str
    name: str
    reason: str


class Cut(msgspec.Struct, frozen=True):
    """A cut as the page shows it: complete up to `complete_at`, in `covered` of `wards_total` wards."""

    number: int
    at: datetime
    complete_at: datetime | None
    covered: int
    wards_total: int
    left_out: list[LeftOut]
    events: int
    missing: int
    lag_ms: int


def newest(source: Source) -> Cut | None:
    """The cut that figures read now contain; as of a cut, that one. None if none was published yet."""
    if source.as_of is not None:
        rows = source.rows(THAT, {"number": source.as_of})
    else:
        rows = source.optional(NEWEST) or []
    return _cut(rows[0]) if rows else None


def day_before(source: Source, now: datetime) -> tuple[int, datetime] | None:
    """Number and instant of the cut at the same time a day ago; None if there was none."""
    wanted = now - timedelta(days=1)
    rows = source.optional(BEFORE, {"at": millis(wanted)}) or []
    if not rows or wanted - rows[0]["at"] > SAME_TIME:
        return None
    return int(rows[0]["number"]), rows[0]["at"]


class Days:
    """The days that have cuts. A cut is never taken back: only those after the newest known one are read."""

    def __init__(self) -> None:
        self._known: set[date] = set()
        self._newest = 0
        self._due_s = 0.0

    def read(self, source: Source) -> list[date]:
        """The days, oldest first; every day of ten years' cuts is gone through once an hour at most."""
        if time.monotonic() >= self._due_s:
            self._newest, self._due_s = 0, time.monotonic() + DAYS_S
        for row in source.optional(DAYS, {"number": self._newest}) or []:
            self._known.add(row["day"])
            self._newest = max(self._newest, row["newest"])
        return sorted(self._known)


def runs(source: Source, day: date) -> list[tuple[int, int]]:
    """First and last number of each unbroken run of cuts on a day."""
    since = datetime(day.year, day.month, day.day, tzinfo=HANOI)
    rows = source.optional(RUNS, {"since": millis(since), "until": millis(since + timedelta(days=1))})
    return [(row["first"], row["last"]) for row in rows or []]


def _cut(row: dict[str, Any]) -> Cut:
    left_out = zip(row.pop("left_out"), row.pop("left_out_reason"), strict=False)
    return Cut(left_out=[LeftOut(ward, WARDS[ward].name, reason) for ward, reason in left_out], **row)
