-- Which dossiers may be open, so that a question about the backlog reads those and not every dossier of ten years.
-- A superset, made certain by whoever reads it from the steps themselves (`dossiers`): a row that is here in vain costs a
-- look, so rows may come in any order and any number of times. What must hold is that no open dossier is left out:
-- a dossier is left out only with an end step in hand that nothing took back, and an end step that is taken back later leaves
-- a row for that. The monitor takes out what is done with (`upkeep`). Seqs that were used twice are added by the reader (`r_losers`).

CREATE TABLE IF NOT EXISTS open_dossiers
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    dossier String COMMENT 'vi: mã hồ sơ | en: dossier code',
    -- The return of a result counts as both: the end before it came with the beginning and may be gone by then.
    begun SimpleAggregateFunction(max, UInt8) COMMENT 'vi: 1 nếu dòng này gồm một bước chưa kết thúc hoặc bước trả kết quả | en: 1 if a step that ends nothing, or the return of the result, is in this row',
    ends SimpleAggregateFunction(groupUniqArrayArray, Array(UInt64)) COMMENT 'vi: dấu của các bước kết thúc | en: marks of the steps that end the dossier',
    taken SimpleAggregateFunction(groupUniqArrayArray, Array(UInt64)) COMMENT 'vi: dấu của các bước bị rút lại | en: marks of the steps that were taken back',
    stored_at SimpleAggregateFunction(max, DateTime('Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc ghi dòng mới nhất | en: when the newest of these rows was written'
)
ENGINE = AggregatingMergeTree
ORDER BY (ward, dossier)
SETTINGS index_granularity = 1024
COMMENT 'vi: hồ sơ có thể chưa kết thúc; ai đọc phải xem lại từng bước | en: dossiers that may be open; whoever reads this looks at their steps';

CREATE MATERIALIZED VIEW IF NOT EXISTS open_dossiers_feed TO open_dossiers AS
SELECT
    ward,
    dossier,
    max(s.retracted = 0 AND s.status NOT IN (3, 7, 8, 9)) AS begun,
    groupUniqArrayIf(sipHash64(s.epoch, s.seq), s.retracted = 0 AND s.status IN (3, 7, 8, 9, 10)) AS ends,
    groupUniqArrayIf(sipHash64(s.epoch, s.seq), s.retracted = 1) AS taken,
    now('Asia/Ho_Chi_Minh') AS stored_at
FROM dossiers AS s
GROUP BY ward, dossier;

-- Steps that end a dossier by their arrival: what ended after a cut was open at it.
CREATE TABLE IF NOT EXISTS dossier_ends
(
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') CODEC(Delta, ZSTD(1)) COMMENT 'vi: lúc Kafka nhận | en: when Kafka had it',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    dossier String CODEC(ZSTD(1)) COMMENT 'vi: mã hồ sơ | en: dossier code'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYear(arrived_at)
ORDER BY (arrived_at, ward, dossier)
COMMENT 'vi: các bước kết thúc hồ sơ, theo lúc đến | en: steps that end dossiers, by their arrival';

CREATE MATERIALIZED VIEW IF NOT EXISTS dossier_ends_feed TO dossier_ends AS
SELECT
    fromUnixTimestamp64Milli(toInt64(intDiv(9223372036854775807 - s.rank, 1048576)), 'Asia/Ho_Chi_Minh') AS arrived_at,
    ward,
    dossier
FROM dossiers AS s
WHERE s.retracted = 0 AND s.status IN (3, 7, 8, 9, 10);

-- Blocks of seqs by 128: ten years have millions of blocks, and all but a few need no look.
CREATE TABLE IF NOT EXISTS seq_spans
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi | en: life of the ward''s outbox',
    span UInt64 COMMENT 'vi: 128 khối, tức 16384 số thứ tự | en: 128 blocks, that is 16384 seqs',
    inserted SimpleAggregateFunction(sum, UInt64) COMMENT 'vi: số dòng đã ghi | en: rows that were inserted',
    seqs AggregateFunction(groupBitmap, UInt64) COMMENT 'vi: các số thứ tự đã ghi | en: seqs that were inserted'
)
ENGINE = AggregatingMergeTree
ORDER BY (ward, epoch, span)
SETTINGS index_granularity = 256
COMMENT 'vi: khoảng số thứ tự nào có thể có số dùng hai lần | en: which spans of seqs may hold one that was used twice';

CREATE MATERIALIZED VIEW IF NOT EXISTS seq_spans_feed TO seq_spans AS
SELECT ward, epoch, intDiv(seq, 16384) AS span, count() AS inserted, groupBitmapState(seq) AS seqs
FROM events
GROUP BY ward, epoch, span;

-- What came before this migration. Twice is once, but for `inserted`, which then only makes spans looked at.
INSERT INTO open_dossiers (ward, dossier, begun, ends, taken, stored_at)
SELECT
    ward,
    dossier,
    max(s.retracted = 0 AND s.status NOT IN (3, 7, 8, 9)) AS begun,
    groupUniqArrayIf(sipHash64(s.epoch, s.seq), s.retracted = 0 AND s.status IN (3, 7, 8, 9, 10)) AS ends,
    groupUniqArrayIf(sipHash64(s.epoch, s.seq), s.retracted = 1) AS taken,
    now('Asia/Ho_Chi_Minh') AS stored_at
FROM dossiers AS s
GROUP BY ward, dossier;

INSERT INTO dossier_ends (arrived_at, ward, dossier)
SELECT
    fromUnixTimestamp64Milli(toInt64(intDiv(9223372036854775807 - s.rank, 1048576)), 'Asia/Ho_Chi_Minh') AS arrived_at,
    ward,
    dossier
FROM dossiers AS s
WHERE s.retracted = 0 AND s.status IN (3, 7, 8, 9, 10);

INSERT INTO seq_spans (ward, epoch, span, inserted, seqs)
SELECT ward, epoch, intDiv(seq, 16384) AS span, count() AS inserted, groupBitmapState(seq) AS seqs
FROM events
GROUP BY ward, epoch, span;
