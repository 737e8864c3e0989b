-- Retention. What nothing else depends on goes by a TTL. Raw events, their steps and the history that cuts are asked
-- from go by `dongbo retention apply` only, behind a mark: first the seal of every ward and day, then the mark, from
-- which on earlier cuts are refused, then the rows. A TTL could look at neither.

-- What was removed of one ward's day. A day that got late rows after its seal gets another seal for these, so the sum of
-- all seals of a day is all that was removed of it. Of two rows of one key the first written stays.
CREATE TABLE IF NOT EXISTS seals
(
    day Date32 COMMENT 'vi: ngày của sổ | en: day of the book',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    until DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: gồm các dòng thô xảy ra và đến trước lúc này | en: holds the raw rows that happened and arrived before this instant',
    sealed_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc niêm phong | en: when it was sealed',
    cut UInt64 COMMENT 'vi: so sổ với dòng thô tại mốc này và khớp | en: books and raw rows were compared as of this cut and agreed',
    events UInt64 COMMENT 'vi: số sự kiện đã niêm phong | en: events that are sealed',
    steps UInt64 COMMENT 'vi: trong đó: số bước hồ sơ | en: of these: steps of dossiers',
    retractions UInt64 COMMENT 'vi: trong đó: số lần rút lại | en: of these: retractions',
    minutes UInt64 COMMENT 'vi: tổng phút làm việc của các bước | en: working minutes of the steps',
    status Array(UInt8) COMMENT 'vi: tổng theo trạng thái: trạng thái | en: totals by status: status',
    count Array(UInt64) COMMENT 'vi: tổng theo trạng thái: số bước, chưa trừ rút lại | en: totals by status: steps, before retractions',
    fingerprint FixedString(32) COMMENT 'vi: dấu vân tay của các dòng, không theo thứ tự: tổng sipHash128(ward, epoch, seq, content_hash) mod 2^128, hệ 16 | en: fingerprint of the rows, free of order: sum of sipHash128(ward, epoch, seq, content_hash) mod 2^128, in hex',
    book_version UInt64 COMMENT 'vi: phiên bản sổ tại mốc đó | en: version of the book at that cut',
    book_events UInt64 COMMENT 'vi: số sự kiện trong sổ tại mốc đó | en: events in the book at that cut',
    rank UInt64 MATERIALIZED 9223372036854775807 - toUInt64(toUnixTimestamp64Milli(sealed_at)) COMMENT 'vi: niêm phong trước thì cao hơn | en: the earlier seal is higher'
)
ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYear(day)
ORDER BY (day, ward, until)
COMMENT 'vi: tổng và dấu vân tay của các dòng thô đã được gỡ | en: totals and fingerprint of the raw rows that were removed';

-- Up to where something was removed. Written before it is.
CREATE TABLE IF NOT EXISTS removals
(
    what LowCardinality(String) COMMENT 'vi: raw (sự kiện và bước hồ sơ) hoặc history (lần sửa sổ, tình trạng tại mốc) | en: raw (events and steps of dossiers) or history (revisions of books, states at cuts)',
    until DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: gỡ đến trước lúc này | en: removed up to before this instant',
    days UInt32 COMMENT 'vi: cài đặt lúc đó: giữ bao nhiêu ngày | en: the setting then: days that are kept',
    cut UInt64 COMMENT 'vi: mốc mới nhất lúc đó | en: the newest cut then',
    held UInt64 COMMENT 'vi: số sổ không khớp nên dòng thô được giữ lại | en: books that did not agree, whose raw rows stay',
    noted_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc ghi | en: when it was written'
)
ENGINE = ReplacingMergeTree(noted_at)
ORDER BY (what, until)
COMMENT 'vi: dữ liệu đã được gỡ đến đâu | en: up to where something was removed';

-- Which events were removed, as sets: a removed event that is sent again is known, and a lost one is told from a removed one.
CREATE TABLE IF NOT EXISTS removed_seqs
(
    month UInt32 COMMENT 'vi: tháng xảy ra, như 202507 | en: month in which it happened, e.g. 202507',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi | en: life of the ward''s outbox',
    seqs AggregateFunction(groupBitmap, UInt64) COMMENT 'vi: tập các số thứ tự đã gỡ | en: the set of seqs that were removed'
)
ENGINE = AggregatingMergeTree
ORDER BY (month, ward, epoch)
COMMENT 'vi: các số thứ tự đã được gỡ khỏi dữ liệu thô | en: the seqs that were removed from the raw rows';
