-- Double entry, control totals and the ledger of corrections.

-- Which days the offices work: the calendar of `streams/domain`, for SQL. Filled by `migrate`.
CREATE TABLE IF NOT EXISTS office_days
(
    day Date32 COMMENT 'vi: ngày | en: day',
    working Bool COMMENT 'vi: ngày làm việc, kể cả thứ bảy làm bù | en: a working day, make-up Saturdays included',
    name_vi String COMMENT 'vi: tên ngày lễ, rỗng nếu không phải | en: name of the holiday in Vietnamese, empty if none',
    name_en String COMMENT 'vi: tên ngày lễ bằng tiếng Anh | en: name of the holiday in English',
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY day
COMMENT 'vi: lịch làm việc 2019-2040 | en: the calendar of working days, 2019 to 2040';

-- Runs of the comparison of books with raw events, and what they found. A finding is one row from the time it
-- was seen first until it is healed (cells = 0); a run is one row a kind and day. So the table stays small.
CREATE TABLE IF NOT EXISTS double_entry
(
    kind LowCardinality(String) COMMENT 'vi: finding, changed hoặc full | en: finding, or a run: changed (days that changed), full (all days)',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã, rỗng nếu là lượt chạy | en: ward code, empty for a run',
    day Date32 COMMENT 'vi: ngày của sổ, hoặc ngày chạy | en: day of the book, or day of the run',
    since DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: thấy lần đầu lúc | en: when it was seen first',
    checked_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: so lần cuối lúc | en: when it was compared last',
    cut UInt64 COMMENT 'vi: so tại mốc nào, 0 là hiện tại | en: compared as of this cut, 0 for now',
    cells UInt64 COMMENT 'vi: số ô khác nhau, 0 là đã khớp | en: cells that differ, 0 once they agree',
    book_steps Int64 COMMENT 'vi: trong các ô đó: số bước theo sổ | en: steps in those cells by the book',
    raw_steps Int64 COMMENT 'vi: trong các ô đó: số bước theo sự kiện thô | en: steps in those cells by raw events',
    checked UInt64 COMMENT 'vi: lượt chạy: số sổ đã so | en: of a run: books that were compared',
    took_ms UInt64 COMMENT 'vi: lượt chạy: mất bao lâu | en: of a run: how long it took'
)
ENGINE = ReplacingMergeTree(checked_at)
ORDER BY (kind, ward, day, since)
COMMENT 'vi: bút toán kép: các lượt so sổ với sự kiện thô và chỗ khác | en: double entry: comparisons of books with raw events, and their findings';

-- Steps that arrived after the end of their day, and all retractions: what can have changed a day afterwards.
CREATE TABLE IF NOT EXISTS late_events
(
    book_day Date32 COMMENT 'vi: ngày của sổ | en: day of the book',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi | en: life of the ward''s outbox',
    seq UInt64 COMMENT 'vi: số thứ tự | en: seq',
    content_hash UInt64 COMMENT 'vi: dấu vân tay nội dung | en: fingerprint of the content',
    rank UInt64 COMMENT 'vi: thứ bậc, đến trước thì cao hơn | en: precedence, the earlier arrival is higher',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận | en: when Kafka had it',
    status UInt8 COMMENT 'vi: trạng thái 1..10 (của bước bị rút, nếu là rút lại) | en: status 1..10 (of the step taken back, for a retraction)',
    dossier String COMMENT 'vi: mã hồ sơ | en: dossier code',
    of_epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi của bước bị rút | en: epoch of the step that is taken back',
    of_seq UInt64 COMMENT 'vi: số thứ tự của bước bị rút, 0 nếu không phải rút lại | en: seq of the step taken back, 0 if none'
)
ENGINE = ReplacingMergeTree(rank)
ORDER BY (book_day, ward, epoch, seq, content_hash)
COMMENT 'vi: các bước đến sau khi hết ngày, và mọi lần rút lại | en: steps that arrived after the end of their day, and all retractions';

CREATE MATERIALIZED VIEW IF NOT EXISTS late_events_feed TO late_events AS
SELECT book_day, ward, epoch, seq, content_hash, rank, arrived_at, status, dossier, of_epoch, of_seq
FROM events
WHERE status > 0 AND (of_seq > 0 OR toDate32(arrived_at) > book_day);

-- What came before this migration. Twice is once.
INSERT INTO late_events (book_day, ward, epoch, seq, content_hash, rank, arrived_at, status, dossier, of_epoch, of_seq)
SELECT book_day, ward, epoch, seq, content_hash, rank, arrived_at, status, dossier, of_epoch, of_seq
FROM events
WHERE status > 0 AND (of_seq > 0 OR toDate32(arrived_at) > book_day);
