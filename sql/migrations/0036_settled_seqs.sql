-- Rows that came again are put together by merges, but `block_seqs` goes on counting them: a block that once had more rows
-- than seqs would be looked at for ever, and after a whole topic was read a second time all of them. So the monitor (`settle`)
-- looks at such blocks again and notes those whose rows are one a seq: with so many rows inserted, and no more, there is
-- nothing to look at. One row more, and the note says nothing about the block.

CREATE TABLE IF NOT EXISTS settled_seqs
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi | en: life of the ward''s outbox',
    size UInt16 COMMENT 'vi: 128: một khối; 16384: 128 khối liền nhau | en: 128: a block; 16384: 128 blocks in a row',
    number UInt64 COMMENT 'vi: khối (hoặc khoảng) thứ mấy | en: which block (or span)',
    inserted UInt64 COMMENT 'vi: số dòng đã ghi lúc xem | en: rows that had been inserted',
    seen_at SimpleAggregateFunction(min, DateTime('Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc thấy lần đầu | en: when it was first seen so',
    settled SimpleAggregateFunction(max, UInt8) COMMENT 'vi: 1 nếu mỗi số chỉ còn một dòng | en: 1 if its rows are one a seq'
)
ENGINE = AggregatingMergeTree
ORDER BY (ward, epoch, size, number, inserted)
COMMENT 'vi: khối số thứ tự đã hết dòng lặp | en: blocks of seqs in which no row is repeated any more';

-- The blocks of a span (128 of them) in a granule of their own: with the usual 8192 rows, a few spans that are looked at in
-- each ward meant reading the blocks of all ten years.
CREATE TABLE IF NOT EXISTS block_seqs
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi | en: life of the ward''s outbox',
    block UInt64 COMMENT 'vi: khối 128 số thứ tự | en: block of 128 seqs',
    inserted SimpleAggregateFunction(sum, UInt64) COMMENT 'vi: số dòng đã ghi | en: rows that were inserted',
    seqs AggregateFunction(groupBitmap, UInt64) COMMENT 'vi: các số thứ tự đã ghi | en: seqs that were inserted'
)
ENGINE = AggregatingMergeTree
ORDER BY (ward, epoch, block)
SETTINGS index_granularity = 128
COMMENT 'vi: khối số thứ tự nào có thể có số dùng hai lần | en: which blocks of seqs may hold one that was used twice';

CREATE MATERIALIZED VIEW IF NOT EXISTS block_seqs_feed TO block_seqs AS
SELECT ward, epoch, intDiv(seq, 128) AS block, count() AS inserted, groupBitmapState(seq) AS seqs
FROM events
GROUP BY ward, epoch, block;

-- What came before this migration, from the events as merges left them; what comes meanwhile is counted twice and only makes
-- its block looked at. Not from the old table: another process that migrates at the same moment may have dropped it.
INSERT INTO block_seqs (ward, epoch, block, inserted, seqs)
SELECT ward, epoch, intDiv(seq, 128) AS block, count() AS inserted, groupBitmapState(seq) AS seqs
FROM events
GROUP BY ward, epoch, block;

DROP VIEW IF EXISTS seq_blocks_feed;

DROP TABLE IF EXISTS seq_blocks;
