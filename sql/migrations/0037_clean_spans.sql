-- Whether a seq came twice was looked up in a bitmap of each 16,384 seqs ever sent, by every question many times. A span whose
-- rows are one a seq is now known as such: the monitor (`settle`) notes in `clean` how many rows it had then. With so many
-- inserted, and no more, its bitmap is not read; one row more, and it is again.

CREATE TABLE IF NOT EXISTS span_seqs
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi | en: life of the ward''s outbox',
    span UInt64 COMMENT 'vi: 128 khối, tức 16384 số thứ tự | en: 128 blocks, that is 16384 seqs',
    inserted SimpleAggregateFunction(sum, UInt64) COMMENT 'vi: số dòng đã ghi | en: rows that were inserted',
    clean SimpleAggregateFunction(max, UInt64) COMMENT 'vi: số dòng đã ghi khi thấy mỗi số chỉ có một dòng; 0: chưa thấy | en: rows that had been inserted when they were seen to be one a seq; 0: not seen yet',
    seqs AggregateFunction(groupBitmap, UInt64) COMMENT 'vi: các số thứ tự đã ghi | en: seqs that were inserted'
)
ENGINE = AggregatingMergeTree
ORDER BY (ward, epoch, span)
SETTINGS index_granularity = 16
COMMENT 'vi: khoảng số thứ tự nào có thể có số dùng hai lần | en: which spans of seqs may hold one that was used twice';

CREATE MATERIALIZED VIEW IF NOT EXISTS span_seqs_feed TO span_seqs AS
SELECT ward, epoch, intDiv(seq, 16384) AS span, count() AS inserted, groupBitmapState(seq) AS seqs
FROM events
GROUP BY ward, epoch, span;

-- What came before this migration. What comes meanwhile is counted twice, which only makes its span looked at. Not from the
-- old table: another process that migrates at the same moment may have dropped it.
INSERT INTO span_seqs (ward, epoch, span, inserted, seqs)
SELECT ward, epoch, intDiv(block, 128) AS span, sum(inserted) AS inserted, groupBitmapMergeState(seqs) AS seqs
FROM block_seqs
GROUP BY ward, epoch, span;

DROP VIEW IF EXISTS seq_spans_feed;

DROP TABLE IF EXISTS seq_spans;

-- What waits for a second look is looked at within the hour; what never settles is noted anew each week.
ALTER TABLE settled_seqs MODIFY TTL seen_at + INTERVAL 7 DAY DELETE WHERE settled = 0;
