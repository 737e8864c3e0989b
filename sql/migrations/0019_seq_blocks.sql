-- A seq that was used twice is rare and hard to find among millions of rows. Each insert leaves, for each block of
-- 128 seqs, how many rows it had and which seqs: only a block with more rows than seqs can hold one. A repeated
-- insert makes a block look so as well, and a cut may be asked that knew fewer rows: who reads this looks at the
-- block's rows themselves.

CREATE TABLE IF NOT EXISTS seq_blocks
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi | en: life of the ward''s outbox',
    block UInt64 COMMENT 'vi: khối 128 số thứ tự | en: block of 128 seqs',
    inserted SimpleAggregateFunction(sum, UInt64) COMMENT 'vi: số dòng đã ghi | en: rows that were inserted',
    seqs AggregateFunction(groupBitmap, UInt64) COMMENT 'vi: các số thứ tự đã ghi | en: seqs that were inserted'
)
ENGINE = AggregatingMergeTree
ORDER BY (ward, epoch, block)
COMMENT 'vi: khối số thứ tự nào có thể có số dùng hai lần | en: which blocks of seqs may hold one that was used twice';

CREATE MATERIALIZED VIEW IF NOT EXISTS seq_blocks_feed TO seq_blocks AS
SELECT ward, epoch, intDiv(seq, 128) AS block, count() AS inserted, groupBitmapState(seq) AS seqs
FROM events
GROUP BY ward, epoch, block;

INSERT INTO seq_blocks
SELECT ward, epoch, intDiv(seq, 128) AS block, count() AS inserted, groupBitmapState(seq) AS seqs
FROM events
GROUP BY ward, epoch, block;
