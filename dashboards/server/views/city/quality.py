"""The four figures of the data's quality, by the names of the state's guidance: đúng, đủ, sạch, sống."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from dashboards.server.source import Source
from producers.contract.errors import Unavailable

QUALITY: Final = """
SELECT
    day, accurate, complete, clean, live, messages, rejected, known, missing, events,
    conflicts + mismatches AS unclean, timely_of, timely_of - timely AS untimely, backfill
FROM v_quality_city WHERE day BETWEEN {from_day:Date32} AND {day:Date32} ORDER BY day DESC LIMIT 1
"""
# Days that are looked at for the newest: a weekend and a day, a month, all there are. Each goes through the
# events of its days, so the narrowest that finds one is enough.
DAYS: Final = (4, 31, 36_500)


def quality(source: Source, today: date) -> dict[str, Any] | None:
    """Of the newest day on which anything arrived, up to `today`; None while it is not computed.

    It goes through that day's events, so it is asked aside: a slow answer is no answer, and no fault.
    """
    try:
        for days in DAYS:
            rows = source.optional(QUALITY, {"day": today, "from_day": today - timedelta(days=days - 1)})
            if rows or rows is None:
                break
    except Unavailable:
        return None
    return rows[0] if rows else None
