"""The SQL of `inputs`. Every statement holds what had arrived by `at` (ms since 1970) and nothing later."""

from __future__ import annotations

from typing import Final

AT: Final = "fromUnixTimestamp64Milli({at:Int64}, 'Asia/Ho_Chi_Minh')"
FROM: Final = "fromUnixTimestamp64Milli({from:Int64}, 'Asia/Ho_Chi_Minh')"


def ms(column: str) -> str:
    """A time as milliseconds since 1970, 0 for none."""
    return f"ifNull(toUnixTimestamp64Milli({column}), 0)"


SYNC_COLUMNS: Final = f"""
    ward, {ms("known_at")}, epochs, counted, contiguous, highest, events, missing, hole_epoch, hole_first,
    hole_last, {ms("last_event_at")}, {ms("arrived_at")}, {ms("heartbeat_at")}, {ms("heartbeat_arrived_at")},
    heartbeat_epoch, outbox_pending, rejected, {ms("proven_at")}, {ms("doubted_at")}"""
SYNC: Final = f"SELECT {SYNC_COLUMNS} FROM ward_sync FINAL"  # noqa: S608 - made of constants
SYNC_HISTORY: Final = f"""
SELECT {SYNC_COLUMNS} FROM ward_sync_recent
WHERE known_at > {FROM} AND known_at <= {AT} AND (ward, version) IN
(
    SELECT ward, max(version) FROM ward_sync_recent
    WHERE ward IN {{wards:Array(String)}} AND known_at > {FROM} AND known_at <= {AT} GROUP BY ward
)
LIMIT 1 BY ward"""  # noqa: S608
BEATS: Final = f"""
SELECT ward, max({ms("arrived_at")}), argMax({ms("clock_at")}, arrived_at), argMax(epoch, arrived_at),
    argMax(outbox_pending, arrived_at), max({ms("clock_at")} - {ms("arrived_at")})
FROM heartbeats WHERE arrived_at > {FROM} AND arrived_at <= {AT} GROUP BY ward"""  # noqa: S608
# Without backfill, as in v_quality: what happened before the day on which a ward was first heard is not late.
DELAYS: Final = f"""
SELECT ward, quantile(0.5)(delay), quantile(0.99)(delay)
FROM
(
    SELECT e.ward AS ward,
        toUnixTimestamp64Milli(e.arrived_at) - toUnixTimestamp64Milli(e.occurred_at) AS delay
    FROM events AS e
    INNER JOIN (SELECT ward, min(first_arrived_at) AS joined_at FROM landed_seqs GROUP BY ward) AS j
        ON j.ward = e.ward
    WHERE e.arrived_at > {FROM} AND e.arrived_at <= {AT} AND toDate32(e.occurred_at) >= toDate32(j.joined_at)
)
GROUP BY ward"""  # noqa: S608
# For a long time: only blocks of seqs with more rows than seqs can hold one.
CONFLICTS_LONG: Final = f"""
SELECT ward, epoch, seq, max(arrived)
FROM
(
    SELECT ward, epoch, seq, content_hash, min({ms("arrived_at")}) AS arrived
    FROM events
    WHERE arrived_at <= {AT}
        AND intDiv(seq, 128) IN (SELECT block FROM r_full_blocks)
        AND (ward, epoch, intDiv(seq, 128)) IN (SELECT ward, epoch, block FROM r_full_blocks)
    GROUP BY ward, epoch, seq, content_hash
)
GROUP BY ward, epoch, seq
HAVING count() > 1 AND max(arrived) > {{from:Int64}}"""  # noqa: S608
CONFLICTS: Final = f"""
SELECT ward, epoch, seq, max(arrived)
FROM
(
    SELECT ward, epoch, seq, content_hash, min({ms("arrived_at")}) AS arrived
    FROM events
    WHERE arrived_at <= {AT}
        AND (ward, epoch, seq) IN
            (SELECT ward, epoch, seq FROM events WHERE arrived_at > {FROM} AND arrived_at <= {AT})
    GROUP BY ward, epoch, seq, content_hash
)
GROUP BY ward, epoch, seq
HAVING count() > 1 AND max(arrived) > {{from:Int64}}"""  # noqa: S608
# Of all that ever landed: raw rows may have been removed.
FIRST: Final = "SELECT ward, toUnixTimestamp64Milli(min(first_arrived_at)) FROM landed_seqs GROUP BY ward"
# Of a declared day: where declared and counted differ most, as (day, status, declared, counted).
WORST: Final = """
    arrayReverseSort(x -> abs(x.3 - x.4), arrayFilter(x -> x.3 != x.4, arrayMap(
        s -> (day, s, arraySum((n, k) -> if(k = s, toInt64(n), 0), declared_count, declared_status),
              arraySum((n, k) -> if(k = s, n, 0), count, status)),
        if(declared AND day >= {recent:Date32}, arrayDistinct(arrayConcat(declared_status, status)), []))))"""
DAYS: Final = f"""
SELECT ward, groupArrayIf(day, declared AND NOT later), groupArrayIf(wrong[1], notEmpty(wrong) AND NOT later),
    groupArrayIf(day, later)
FROM
(
    SELECT ward, day, declared, arrived_at > {AT} AS later, {WORST} AS wrong
    FROM book FINAL WHERE day >= {{first:Date32}}
)
GROUP BY ward"""  # noqa: S608
DAYS_HISTORY: Final = f"""
SELECT ward, groupArrayIf(day, declared), groupArrayIf(wrong[1], notEmpty(wrong))
FROM
(
    SELECT ward, day, declared, {WORST} AS wrong
    FROM book_history
    WHERE (day, ward, version) IN
    (
        SELECT day, ward, max(version) FROM book_history
        WHERE (day, ward) IN {{books:Array(Tuple(Date32, String))}} AND arrived_at <= {AT}
        GROUP BY day, ward
    )
    LIMIT 1 BY day, ward
)
GROUP BY ward"""  # noqa: S608
OVERRIDES: Final = """
SELECT ward, first_day, last_day, open_minutes, silent_after_s
FROM office_overrides FINAL WHERE NOT deleted ORDER BY version"""
STATES: Final = """
SELECT ward, reason, toUnixTimestamp64Milli(since), hole_epoch, hole_first, hole_last,
    arrayMap(x -> toUnixTimestamp64Milli(x), hole_since)
FROM ward_state FINAL WHERE alive != 'never'"""
ARRIVALS: Final = f"""
SELECT ward, epoch, seq, min({ms("arrived_at")}) FROM events
WHERE arrived_at <= {AT} AND (ward, epoch, seq) IN
(
    SELECT hole.1, hole.2, hole.3 + number
    FROM
    (
        SELECT arrayJoin({{holes:Array(Tuple(String, String, UInt64))}}) AS hole,
            arrayJoin(range(1, {{ahead:UInt8}} + 1)) AS number
    )
)
GROUP BY ward, epoch, seq"""  # noqa: S608
ANNOUNCED: Final = f"""
SELECT min({ms("arrived_at")}) FROM heartbeats
WHERE ward = {{ward:String}} AND epoch = {{epoch:String}} AND last_seq >= {{first:UInt64}}
    AND arrived_at <= {AT}
"""  # noqa: S608
DIFFERENCES: Final = f"""
SELECT ward, sum(cells) FROM double_entry FINAL
WHERE kind = 'finding' AND cells > 0 AND since <= {AT} GROUP BY ward"""  # noqa: S608
