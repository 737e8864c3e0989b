-- What the ledger of corrections compares with the late events: of each book the newest revision of its own day, and every
-- revision after the day's end. So one day reads some rows a book, not all revisions of that day.

CREATE TABLE IF NOT EXISTS late_books
(
    day Date32 COMMENT 'vi: ngày | en: day',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    late UInt64 COMMENT 'vi: 0: lần sửa mới nhất trong ngày; còn lại: phiên bản của lần sửa sau khi hết ngày hoặc của lần dựng lại | en: 0 for the newest revision of the day itself, else the version of one that came after the day''s end or in a rebuild',
    version UInt64 COMMENT 'vi: phiên bản: đời sổ rồi đến lần sửa | en: generation above revision',
    generation UInt32 COMMENT 'vi: đời sổ, chỉ tăng khi dựng lại | en: generation, raised by a rebuild only',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận thay đổi mới nhất | en: when Kafka had the newest change',
    status Array(UInt8) COMMENT 'vi: ô: trạng thái | en: cells: status',
    count Array(Int64) COMMENT 'vi: ô: số hồ sơ | en: cells: how many'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYear(day)
ORDER BY (day, ward, late)
COMMENT 'vi: sổ lúc hết ngày và mọi lần sửa sau đó | en: each book at the end of its day, and every revision after it';

CREATE MATERIALIZED VIEW IF NOT EXISTS late_books_feed TO late_books AS
SELECT
    day, ward, if(generation = 0 AND toDate32(arrived_at) <= day, 0, version) AS late, version, generation, arrived_at, status, count
FROM book;

-- What came before this migration. Twice is once.
INSERT INTO late_books (day, ward, late, version, generation, arrived_at, status, count)
SELECT
    day, ward, if(generation = 0 AND toDate32(arrived_at) <= day, 0, version) AS late, version, generation, arrived_at, status, count
FROM book_history;
