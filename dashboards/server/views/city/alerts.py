"""The feed of alerts: all that are open, and those that ended lately."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from dashboards.server.snapshot import Keyed
from dashboards.server.source import Source, millis

ENDED_SHOWN: Final = timedelta(hours=12)

ALERTS: Final = """
WITH fromUnixTimestamp64Milli({now:Int64}) AS now_
SELECT
    a.id AS id, a.rule AS rule, a.severity AS severity, a.ward AS ward, a.ward_name AS ward_name,
    a.since AS since, a.started_at AS started_at, a.acked_by AS acked_by,
    a.ended_at IS NULL OR a.ended_at > now_ AS open, if(open, NULL, a.ended_at) AS ended,
    a.title_vi AS title_vi, a.title_en AS title_en, a.what_vi AS what_vi, a.what_en AS what_en,
    a.impact_vi AS impact_vi, a.impact_en AS impact_en, a.next_vi AS next_vi, a.next_en AS next_en
FROM v_alerts AS a
WHERE a.started_at <= now_ AND (a.ended_at IS NULL OR a.ended_at > fromUnixTimestamp64Milli({since:Int64}))
ORDER BY open DESC, severity = 'critical' DESC, started_at DESC, id
LIMIT 60
"""


def alerts(source: Source, now: datetime) -> Keyed | None:
    """By id; None while nothing watches. As of a cut `now` is its instant, and words and acknowledgements are
    what was known at it."""
    rows = source.optional(ALERTS, {"now": millis(now), "since": millis(now - ENDED_SHOWN)})
    return None if rows is None else Keyed("id", rows)
