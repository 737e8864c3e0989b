"""What conservation asks ClickHouse; all of it reads sets and sums, never the raw rows."""

from __future__ import annotations

from typing import Final

# Each ward's holes with their ages in seconds, as far as the ward's judgement knows them.
SYNC: Final = """
SELECT
    s.ward, toInt64(s.events), toInt64(s.missing),
    arrayMap(
        (epoch, first, last) -> (epoch, first, last, j.ages[indexOf(j.named, (epoch, first))]),
        s.hole_epoch, s.hole_first, s.hole_last),
    arrayZip(s.epochs, s.counted, s.highest)
FROM (SELECT * FROM ward_sync FINAL) AS s
LEFT JOIN
(
    SELECT
        ward,
        arrayZip(hole_epoch, hole_first) AS named,
        arrayMap(since -> toInt64(dateDiff('second', since, now64(3))), hole_since) AS ages
    FROM ward_state FINAL
) AS j ON j.ward = s.ward
"""
# Of one topic: how many offsets are covered, the newest of them, and what lies between runs.
COVERED: Final = """
SELECT
    partition,
    sum(greatest(0, toInt64(last_offset) - greatest(toInt64(first_offset) - 1, reached))) AS covered,
    toInt64(max(last_offset)) AS newest,
    groupArrayIf((reached + 1, toInt64(first_offset) - 1), toInt64(first_offset) > reached + 1) AS holes
FROM
(
    SELECT
        partition, first_offset, last_offset,
        if(row_number() OVER earlier = 1, -1, max(toInt64(last_offset)) OVER before) AS reached
    FROM coverage FINAL
    WHERE topic_id = {topic_id:String}
    WINDOW
        earlier AS (PARTITION BY partition ORDER BY first_offset ASC),
        before AS
        (
            PARTITION BY partition ORDER BY first_offset ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
)
GROUP BY partition
"""
LANDED: Final = "SELECT ward, epoch, toInt64(groupBitmapMerge(seqs)) FROM landed_seqs GROUP BY ward, epoch"
# Up to where the gateway has acknowledged, and, for those of whom that is news, what landed.
ACKED: Final = "SELECT ward, epoch, toInt64(seq_max) FROM gateway_acks FINAL ORDER BY ward, epoch"
HIGHEST: Final = """
SELECT ward, epoch, toInt64(bitmapMax(groupBitmapMergeState(seqs)))
FROM landed_seqs
WHERE (ward, epoch) IN {places:Array(Tuple(String, String))}
GROUP BY ward, epoch
"""
BOOKS: Final = "SELECT ward, toInt64(sum(events)) FROM book FINAL GROUP BY ward"
# Of one ward and epoch: seqs that landed and were not counted, then the other way round; a few of each.
IDENTIFY: Final = """
WITH
    (
        SELECT groupBitmapMergeState(seqs)
        FROM landed_seqs WHERE ward = {ward:String} AND epoch = {epoch:String}
    ) AS landed,
    (
        SELECT groupBitmapState(seq)
        FROM
        (
            SELECT arrayJoin(arrayFlatten(arrayMap(
                at -> range(known[2 * at - 1], known[2 * at] + 1),
                range(1, intDiv(length(known), 2) + 1)))) AS seq
            FROM
            (
                SELECT intervals[indexOf(epochs, {epoch:String})] AS known
                FROM ward_sync FINAL WHERE ward = {ward:String}
            )
        )
    ) AS counted
SELECT
    bitmapToArray(bitmapSubsetLimit(bitmapAndnot(landed, counted), 0, {most:UInt64})),
    bitmapToArray(bitmapSubsetLimit(bitmapAndnot(counted, landed), 0, {most:UInt64}))
"""
