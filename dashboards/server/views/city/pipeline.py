"""The pipeline's own health: the newest cuts' lag, the events between them, how late events arrive."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from dashboards.server.source import Row, Source

CUTS_SHOWN: Final = 60
# A gap in the cuts says nothing about the rate.
GAP_MAX_S: Final = 60
# A cut is published every ten seconds, some seconds after its instant.
LATE_S: Final = 40

CUTS: Final = """
SELECT number, at, lag_ms, events FROM v_city_cut
WHERE number <= {number:UInt64} ORDER BY number DESC LIMIT {limit:UInt16}
"""
DELAYS: Final = """
SELECT
    quantileExactIf(0.5)(delay_ms_p50, delay_ms_p50 IS NOT NULL) AS p50,
    quantileExactIf(0.5)(delay_ms_p99, delay_ms_p99 IS NOT NULL) AS p99,
    countIf(delay_ms_p50 IS NOT NULL) AS wards
FROM v_ward_status
"""


def pipeline(source: Source) -> dict[str, Any] | None:
    """Series of the newest ten minutes of cuts, oldest first; None while no cuts are published."""
    number = source.as_of if source.as_of is not None else 2**62
    found = source.optional(CUTS, {"number": number, "limit": CUTS_SHOWN})
    if not found:
        return None
    rows = found[::-1]
    delays = (source.optional(DELAYS) or [{}])[0]
    some = bool(delays.get("wards"))
    return {
        "late_s": None if source.as_of is not None else late_s((source.now - rows[-1]["at"]).total_seconds()),
        "at": [row["at"] for row in rows],
        "lag_ms": [row["lag_ms"] for row in rows],
        "per_minute": per_minute(rows),
        "delay_ms_p50": delays["p50"] if some else None,
        "delay_ms_p99": delays["p99"] if some else None,
    }


def late_s(age_s: float) -> int | None:
    """How old the newest cut is, in tens of seconds, if that is more than usual."""
    return int(age_s // 10 * 10) if age_s > LATE_S else None


def per_minute(rows: list[Row]) -> list[float | None]:
    """Events a minute between each cut and the one before; None where that cannot be said."""
    found: list[float | None] = [None]
    for before, after in pairwise(rows):
        seconds = (after["at"] - before["at"]).total_seconds()
        grown = after["events"] - before["events"]
        found.append(round(60 * grown / seconds, 1) if 0 < seconds <= GAP_MAX_S and grown >= 0 else None)
    return found
