# ruff: noqa: S608 - made of constants
"""The statements of a removal; `retention` says in which order."""

from __future__ import annotations

from typing import Final

_AT: Final = "toDateTime64({until:Date32}, 3, 'Asia/Ho_Chi_Minh')"
# Raw rows that happened, arrived and belong before the day. Contents of a seq that was used twice all stay:
# taken away one by one, the loser would become the winner.
_OLD: Final = (
    f"occurred_at < {_AT} AND arrived_at < {_AT} AND book_day < {{until:Date32}}"
    " AND (ward, epoch, seq) NOT IN (SELECT ward, epoch, seq FROM r_losers)"
)
_SEALED: Final = f"(SELECT ward, day FROM seals WHERE until = {_AT})"
_REMOVABLE: Final = f"{_OLD} AND (ward, book_day) IN {_SEALED}"
# A rank is made of the arrival: it is not below this exactly if the arrival was before the day.
_RANK: Final = f"9223372036854775807 - toUInt64(toUnixTimestamp64Milli({_AT})) * 1048576"
_WAITED: Final = "SETTINGS mutations_sync = 2"

ENGINES: Final = """
SELECT name, engine_full FROM system.tables
WHERE database = currentDatabase() AND name IN {names:Array(String)}
"""
NEWEST_CUT: Final = """
SELECT number, toUnixTimestamp64Milli(at) FROM city_cut ORDER BY number DESC LIMIT 1
"""
CANDIDATES: Final = f"SELECT 1 FROM events WHERE {_OLD} LIMIT 1"
REMOVABLE: Final = f"""
SELECT uniqExact(ward, epoch, seq) FROM events WHERE {_REMOVABLE}
"""
# Books of which raw rows would go, and whose number of events is not that of their seals and their raw rows.
MISCOUNTED: Final = f"""
WITH
    counted AS
    (
        SELECT e.ward AS ward, e.book_day AS day,
            uniqExactIf((e.epoch, e.seq), NOT bitmapContains(g.gone, e.seq)) AS events
        FROM r_event_rows_at(as_of = {{as_of:String}}) AS e
        LEFT JOIN
        (
            SELECT ward, epoch, groupBitmapMergeState(seqs) AS gone FROM removed_seqs GROUP BY ward, epoch
        ) AS g ON g.ward = e.ward AND g.epoch = e.epoch
        WHERE e.book_day < {{until:Date32}}
            AND (e.ward, e.book_day) NOT IN {_SEALED}
            AND (e.ward, e.epoch, e.seq, e.content_hash) NOT IN
                (SELECT ward, epoch, seq, content_hash FROM r_losers_at(as_of = {{as_of:String}}))
        GROUP BY ward, day
    )
SELECT toString(c.ward), c.day
FROM counted AS c
LEFT JOIN
    (SELECT ward, day, sum(p.events) AS events FROM (SELECT * FROM seals FINAL) AS p GROUP BY ward, day) AS s
    ON s.ward = c.ward AND s.day = c.day
LEFT JOIN
    (SELECT ward, day, events FROM r_book_at(as_of = {{as_of:String}}) WHERE day < {{until:Date32}}) AS b
    ON b.ward = c.ward AND b.day = c.day
WHERE c.events + s.events != b.events
"""
FINGERPRINT: Final = (
    "lower(leftPad(hex(sum(reinterpretAsUInt128("
    "sipHash128(toString(ward), toString(epoch), seq, content_hash)))), 32, '0'))"
)
SEAL: Final = f"""
INSERT INTO seals
    (day, ward, until, sealed_at, cut, events, steps, retractions, minutes, status, count, fingerprint,
     book_version, book_events)
SELECT
    e.day, e.ward, {_AT}, now64(3), {{cut:UInt64}}, e.events, e.n_steps, e.n_retractions, e.n_minutes,
    e.by_status.1, e.by_status.2, e.print, b.version, b.events
FROM
(
    SELECT
        book_day AS day, ward, uniqExact(epoch, seq) AS events, countIf(status > 0 AND of_seq = 0) AS n_steps,
        countIf(of_seq > 0) AS n_retractions, sumIf(minutes, status > 0 AND of_seq = 0) AS n_minutes,
        sumMapIf([status], [toUInt64(1)], status > 0 AND of_seq = 0) AS by_status,
        {FINGERPRINT} AS print
    FROM
    (
        SELECT book_day, ward, epoch, seq, content_hash, status, of_seq, minutes
        FROM events
        WHERE {_OLD} AND (ward, book_day) NOT IN ({{held}})
        LIMIT 1 BY ward, epoch, seq, content_hash
    )
    GROUP BY book_day, ward
) AS e
INNER JOIN
(
    SELECT ward, day, version, events
    FROM r_book_at(as_of = {{as_of:String}})
    WHERE day < {{until:Date32}}
) AS b
    ON b.ward = e.ward AND b.day = e.day
"""
SEALED: Final = f"SELECT count() FROM seals FINAL WHERE until = {_AT}"
MARK: Final = f"""
INSERT INTO removals (what, until, days, cut, held, noted_at)
SELECT {{what:String}}, {_AT}, {{days:UInt64}}, {{cut:UInt64}}, {{held:UInt64}}, now64(3)
"""
REMEMBER: Final = f"""
INSERT INTO removed_seqs (month, ward, epoch, seqs)
SELECT toYYYYMM(e.occurred_at) AS month, ward, epoch, groupBitmapState(seq)
FROM events AS e WHERE {_REMOVABLE}
GROUP BY month, ward, epoch
"""
DELETE_EVENTS: Final = f"ALTER TABLE events DELETE WHERE {_REMOVABLE} {_WAITED}"
# Dossiers that had ended, with every step on a sealed day: whoever asks from then on knew them as ended.
DELETE_STEPS: Final = f"""
ALTER TABLE dossiers DELETE WHERE
    (ward, dossier) IN (SELECT ward, dossier FROM v_dossiers WHERE NOT open AND status_at < {_AT})
    AND (ward, dossier) NOT IN
    (
        SELECT ward, dossier FROM dossiers
        WHERE occurred_at >= {_AT} OR rank <= {_RANK}
            OR (ward, toDate32(occurred_at)) NOT IN (SELECT ward, day FROM seals)
    )
{_WAITED}"""
# Rows of seqs that were removed: they came again, or say something else under the same seq. Neither counts.
_REPEATED: Final = """
SELECT e.ward, e.epoch, e.seq
FROM events AS e
INNER JOIN
    (SELECT ward, epoch, groupBitmapMergeState(seqs) AS gone FROM removed_seqs GROUP BY ward, epoch) AS g
    ON g.ward = e.ward AND g.epoch = e.epoch
WHERE bitmapContains(g.gone, e.seq)
"""
REPEATS: Final = f"SELECT count() FROM ({_REPEATED})"
DELETE_REPEATED_STEPS: Final = f"""
ALTER TABLE dossiers DELETE WHERE (ward, event_epoch, event_seq) IN ({_REPEATED})
    AND rank <= 9223372036854775807
        - (SELECT toUInt64(toUnixTimestamp64Milli(max(until))) FROM removals) * 1048576
{_WAITED}"""
DELETE_REPEATS: Final = f"ALTER TABLE events DELETE WHERE (ward, epoch, seq) IN ({_REPEATED}) {_WAITED}"
# What has a row for each cut, or nearly: whole months of it go.
STATE_MONTHS: Final = """
SELECT DISTINCT table, partition_id FROM system.parts
WHERE database = currentDatabase() AND table IN ('ward_states', 'conservation_history') AND active
    AND toUInt32(partition_id) < toYYYYMM({until:Date32})
ORDER BY table, partition_id
"""
# Of each generation of a book the newest revision before the day stays: a later cut may be asked from it.
_OLD_REVISIONS: Final = f"""
    arrived_at < {_AT} AND (day, ward, version) NOT IN
    (
        SELECT day, ward, max(version) FROM book_history
        WHERE arrived_at < {_AT}
        GROUP BY day, ward, generation
    )
"""
SUPERSEDED: Final = f"SELECT count() FROM book_history WHERE {_OLD_REVISIONS}"
DELETE_HISTORY: Final = f"ALTER TABLE book_history DELETE WHERE {_OLD_REVISIONS} {_WAITED}"
