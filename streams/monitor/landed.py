"""What ClickHouse has of the messages that the loader says it stored: messages by runs, then rows by months.

Cheap with years of data: a run that was found whole is not looked at again, and a month is counted again only
when its parts have changed. What has landed is kept as sets (`landed_offsets`, `landed_seqs`), so that rows
that come twice count once; they are compared with the rows that are really there.

Known limit: of a seq that was used for two contents, the loss of one of the two rows is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from producers.contract.topics import PARTITION_OF_WARD
from streams.domain.hops import Lack
from streams.warehouse.store import Store

# The loaders' clocks stamp their runs: one that was written a little late must not be passed over.
_MARGIN_MS: Final = 60_000


class Messages(NamedTuple):
    """What a partition's messages became; `ahead` are stored and not covered yet."""

    total: int
    events: int
    rejects: int
    heartbeats: int
    before: int
    ahead: int

    def words(self, seqs: int) -> tuple[str, str]:
        """The sum, written out; empty where part of it is from before the sets were kept."""
        if self.before or not self.total:
            return "", ""
        again, rejects, beats = self.events - seqs, self.rejects, self.heartbeats
        return (
            f"{seqs} sự kiện + {again} lặp lại + {rejects} bị từ chối + {beats} nhịp tim",
            f"{seqs} events + {again} repeats + {rejects} rejects + {beats} heartbeats",
        )


NOTHING: Final = Messages(0, 0, 0, 0, 0, 0)


class Landed:
    """Looks at what has landed; remembers what needs no second look."""

    def __init__(self, confirm_s: float) -> None:
        self._confirm_s = confirm_s
        self._months: dict[str, int] = {}
        self._checked_ms = 0

    def messages(self, store: Store) -> dict[int, Messages]:
        """By partition."""
        return {int(row[0]): Messages(*map(int, row[1:])) for row in store.query(_MESSAGES).rows}

    def rows(self, store: Store) -> Iterator[tuple[int, Lack]]:
        """Rows that had landed and are gone, each with its partition."""
        yield from self._events(store)
        yield from self._rejects(store)

    def runs(self, store: Store) -> Iterator[tuple[int, Lack]]:
        """Messages that were said to be stored and never became a row, each with its partition."""
        rows = store.query(_RUNS, {"since_ms": self._checked_ms}).rows
        bad = [row for row in rows if row[4]]
        if bad:
            self._checked_ms = min(int(row[5]) for row in bad)
        elif rows:
            self._checked_ms = max(self._checked_ms, max(int(row[5]) for row in rows) - _MARGIN_MS)
        for topic_id, partition, first, last, lost, _ in bad:
            yield (
                int(partition),
                self._lack(
                    ("run", topic_id, partition, first),
                    abs(lost),
                    f"vị trí {first}-{last}: {lost} thông điệp đã báo nạp mà không có dòng",
                    f"offsets {first}-{last}: {lost} messages were said to be stored and have no row",
                ),
            )

    def _events(self, store: Store) -> Iterator[tuple[int, Lack]]:
        for month, fingerprint in store.query(_PARTS).rows:
            if self._months.get(month) == fingerprint:
                continue
            lost = store.query(_LOST_ROWS, {"month": month, "number": int(month)}).rows
            if not lost:
                self._months[month] = fingerprint
            for ward, epoch, count, seqs in lost:
                which = f"{ward}/{epoch}: {seqs_words(seqs, count)}"
                yield (
                    PARTITION_OF_WARD[ward],
                    self._lack(
                        ("rows", month, ward, epoch),
                        count,
                        f"mất dòng sự kiện đã nạp {which}",
                        f"stored rows of events are gone: {which}",
                    ),
                )

    def _rejects(self, store: Store) -> Iterator[tuple[int, Lack]]:
        for topic_id, partition, count in store.query(_LOST_REJECTS).rows:
            yield (
                int(partition),
                self._lack(
                    ("rejects", topic_id, partition),
                    count,
                    f"mất {count} dòng bị từ chối đã nạp",
                    f"{count} stored rows of rejects are gone",
                ),
            )

    def _lack(self, key: tuple[Any, ...], count: int, vi: str, en: str) -> Lack:
        # What has landed is no longer on its way: the second look only makes sure that no insert was at work.
        return Lack(key, int(count), True, self._confirm_s, vi, en)


def seqs_words(seqs: list[int], count: int) -> str:
    """Some seqs of `count`."""
    shown = ", ".join(str(seq) for seq in seqs)
    return f"{shown}, … +{count - len(seqs)}" if count > len(seqs) else shown


_MESSAGES: Final = """
SELECT
    l.partition,
    sum(l.total), sum(l.events), sum(l.rejects), sum(l.heartbeats), sum(l.before),
    sum(bitmapCardinality(bitmapSubsetInRange(l.places, toUInt64(c.covered), toUInt64(9223372036854775807))))
FROM
(
    SELECT
        topic_id, partition,
        groupBitmapMerge(offsets) AS total,
        groupBitmapMergeIf(offsets, kind = 'events') AS events,
        groupBitmapMergeIf(offsets, kind = 'rejects') AS rejects,
        groupBitmapMergeIf(offsets, kind = 'heartbeats') AS heartbeats,
        groupBitmapMergeIf(offsets, kind = 'before') AS before,
        groupBitmapMergeState(offsets) AS places
    FROM landed_offsets
    WHERE topic_id IN (SELECT topic_id FROM coverage)
    GROUP BY topic_id, partition
) AS l
LEFT JOIN
(
    SELECT topic_id, partition, max(last_offset) + 1 AS covered FROM coverage GROUP BY topic_id, partition
) AS c ON c.topic_id = l.topic_id AND c.partition = l.partition
GROUP BY l.partition
"""
_RUNS: Final = """
WITH runs AS
(
    SELECT
        topic_id, partition, first_offset, last_offset, stored_at,
        toInt64(events + rejects + heartbeats) AS messages,
        arrayJoin(range(intDiv(first_offset, 65536), intDiv(last_offset, 65536) + 1)) AS bucket
    FROM coverage FINAL
    WHERE toUnixTimestamp64Milli(stored_at) >= {since_ms:Int64}
)
SELECT
    topic_id, partition, first_offset, any(last_offset) AS last,
    any(messages)
        - toInt64(sum(bitmapCardinality(bitmapSubsetInRange(l.places, first_offset, last_offset + 1))))
        AS lacking,
    max(toUnixTimestamp64Milli(stored_at)) AS stored_ms
FROM runs
LEFT JOIN
(
    SELECT topic_id, partition, bucket, groupBitmapMergeState(offsets) AS places
    FROM landed_offsets
    WHERE (topic_id, partition, bucket) IN (SELECT topic_id, partition, bucket FROM runs)
    GROUP BY topic_id, partition, bucket
) AS l USING (topic_id, partition, bucket)
GROUP BY topic_id, partition, first_offset
"""
# A month of which no part is left has no fingerprint, and is counted.
_PARTS: Final = """
SELECT toString(m.month) AS month, p.fingerprint
FROM (SELECT DISTINCT month FROM landed_seqs) AS m
LEFT JOIN
(
    SELECT partition_id, sipHash64(arraySort(groupArray(name))) AS fingerprint
    FROM system.parts
    WHERE database = currentDatabase() AND table = 'events' AND active
    GROUP BY partition_id
) AS p ON p.partition_id = toString(m.month)
ORDER BY month
"""
_LOST_ROWS: Final = """
WITH bitmapAndnot(bitmapAndnot(l.seqs, p.seqs), r.seqs) AS gone
SELECT l.ward, l.epoch, bitmapCardinality(gone) AS lost, bitmapToArray(bitmapSubsetLimit(gone, 0, 5))
FROM
(
    SELECT ward, epoch, groupBitmapMergeState(seqs) AS seqs
    FROM landed_seqs WHERE month = {number:UInt32} GROUP BY ward, epoch
) AS l
LEFT JOIN
(
    SELECT ward, epoch, groupBitmapState(seq) AS seqs
    FROM events WHERE _partition_id = {month:String} GROUP BY ward, epoch
) AS p ON p.ward = l.ward AND p.epoch = l.epoch
LEFT JOIN
(
    -- Removed under a seal is not lost.
    SELECT ward, epoch, groupBitmapMergeState(seqs) AS seqs
    FROM removed_seqs WHERE month = {number:UInt32} GROUP BY ward, epoch
) AS r ON r.ward = l.ward AND r.epoch = l.epoch
WHERE lost > 0
ORDER BY l.ward, l.epoch
"""
_LOST_REJECTS: Final = """
SELECT l.topic_id, l.partition, toInt64(l.landed) - toInt64(r.stored) AS lost
FROM
(
    SELECT topic_id, partition, groupBitmapMerge(offsets) AS landed
    FROM landed_offsets WHERE kind = 'rejects' GROUP BY topic_id, partition
) AS l
LEFT JOIN
    (SELECT topic_id, partition, uniqExact(`offset`) AS stored FROM rejects GROUP BY topic_id, partition) AS r
    ON r.topic_id = l.topic_id AND r.partition = l.partition
WHERE lost > 0
"""
