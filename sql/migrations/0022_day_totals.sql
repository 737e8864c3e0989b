-- The totals of each book in narrow columns: a question over years reads some bytes a day, not the cells in arrays.
-- Sorted by month, then ward: all wards of some days are one short run of rows, and so is one ward over years.
-- Small granules, since most questions want a ward, or a month.

CREATE TABLE IF NOT EXISTS day_totals
(
    day Date32 COMMENT 'vi: ngày | en: day',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    registered Int64 CODEC(T64, LZ4) COMMENT 'vi: mới đăng ký (trạng thái 1) | en: registered (status 1)',
    received Int64 CODEC(T64, LZ4) COMMENT 'vi: được tiếp nhận (trạng thái 2) | en: received (status 2)',
    online Int64 CODEC(T64, LZ4) COMMENT 'vi: tiếp nhận qua kênh trực tuyến | en: received through the online channel',
    refused Int64 CODEC(T64, LZ4) COMMENT 'vi: không được tiếp nhận (trạng thái 3) | en: not accepted (status 3)',
    processing Int64 CODEC(T64, LZ4) COMMENT 'vi: chuyển sang đang xử lý (trạng thái 4) | en: went into processing (status 4)',
    supplements Int64 CODEC(T64, LZ4) COMMENT 'vi: yêu cầu bổ sung giấy tờ (trạng thái 5) | en: supplements requested (status 5)',
    payments Int64 CODEC(T64, LZ4) COMMENT 'vi: yêu cầu nộp phí, thuế (trạng thái 6) | en: payments requested (status 6)',
    withdrawn Int64 CODEC(T64, LZ4) COMMENT 'vi: công dân rút hồ sơ (trạng thái 7) | en: withdrawn by the applicant (status 7)',
    stopped Int64 CODEC(T64, LZ4) COMMENT 'vi: dừng xử lý (trạng thái 8) | en: stopped (status 8)',
    resolved Int64 CODEC(T64, LZ4) COMMENT 'vi: đã xử lý xong (trạng thái 9) | en: processed to the end (status 9)',
    returned Int64 CODEC(T64, LZ4) COMMENT 'vi: đã trả kết quả (trạng thái 10) | en: result handed over (status 10)',
    early Int64 CODEC(T64, LZ4) COMMENT 'vi: xử lý xong trước ngày hẹn | en: resolved on a day before the due day',
    on_time Int64 CODEC(T64, LZ4) COMMENT 'vi: xử lý xong đúng ngày hẹn hoặc không có hẹn | en: resolved on the due day, or without one',
    overdue Int64 CODEC(T64, LZ4) COMMENT 'vi: xử lý xong sau ngày hẹn | en: resolved on a day after the due day',
    minutes Int64 CODEC(T64, LZ4) COMMENT 'vi: tổng phút làm việc của hồ sơ đã xử lý xong | en: working minutes of the resolved dossiers',
    events UInt64 CODEC(T64, LZ4) COMMENT 'vi: số sự kiện trong sổ | en: events that have their place in the book',
    retracted UInt64 CODEC(T64, LZ4) COMMENT 'vi: số bước bị rút lại | en: steps taken back',
    declared Bool COMMENT 'vi: đã chốt ngày chưa | en: whether the ward has closed the day',
    declared_received Int64 CODEC(T64, LZ4) COMMENT 'vi: số tiếp nhận do phường, xã kê khai, -1 nếu chưa | en: received as declared, -1 if not declared',
    declared_resolved Int64 CODEC(T64, LZ4) COMMENT 'vi: số xử lý xong do phường, xã kê khai, -1 nếu chưa | en: resolved as declared, -1 if not declared',
    revision UInt64 CODEC(T64, LZ4) COMMENT 'vi: sổ đã sửa bao nhiêu lần | en: changes applied to the book',
    version UInt64 CODEC(T64, LZ4) COMMENT 'vi: phiên bản: đời sổ rồi đến lần sửa | en: version: generation above revision',
    generation UInt32 CODEC(T64, LZ4) COMMENT 'vi: đời sổ, chỉ tăng khi dựng lại | en: generation, raised by a rebuild only',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận thay đổi mới nhất | en: when Kafka had the newest change',
    INDEX arrived_minmax arrived_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYear(day)
ORDER BY (toYYYYMM(day), ward, day)
SETTINGS index_granularity = 1024
COMMENT 'vi: tổng của từng sổ, mỗi phường, xã mỗi ngày một dòng | en: the totals of each book, one row a ward and day';

CREATE MATERIALIZED VIEW IF NOT EXISTS day_totals_feed TO day_totals AS
SELECT
    b.day AS day,
    b.ward AS ward,
    arraySum((s, c) -> if(s = 1, c, 0), b.status, b.count) AS registered,
    arraySum((s, c) -> if(s = 2, c, 0), b.status, b.count) AS received,
    arraySum((s, k, c) -> if(s = 2 AND k = 'online', c, 0), b.status, b.channel, b.count) AS online,
    arraySum((s, c) -> if(s = 3, c, 0), b.status, b.count) AS refused,
    arraySum((s, c) -> if(s = 4, c, 0), b.status, b.count) AS processing,
    arraySum((s, c) -> if(s = 5, c, 0), b.status, b.count) AS supplements,
    arraySum((s, c) -> if(s = 6, c, 0), b.status, b.count) AS payments,
    arraySum((s, c) -> if(s = 7, c, 0), b.status, b.count) AS withdrawn,
    arraySum((s, c) -> if(s = 8, c, 0), b.status, b.count) AS stopped,
    arraySum((s, c) -> if(s = 9, c, 0), b.status, b.count) AS resolved,
    arraySum((s, c) -> if(s = 10, c, 0), b.status, b.count) AS returned,
    arraySum((s, t, c) -> if(s = 9 AND t = 'early', c, 0), b.status, b.timeliness, b.count) AS early,
    arraySum((s, t, c) -> if(s = 9 AND t = 'on_time', c, 0), b.status, b.timeliness, b.count) AS on_time,
    arraySum((s, t, c) -> if(s = 9 AND t = 'overdue', c, 0), b.status, b.timeliness, b.count) AS overdue,
    arraySum((s, m) -> if(s = 9, m, 0), b.status, b.minutes) AS minutes,
    b.events AS events,
    b.retracted AS retracted,
    b.declared AS declared,
    if(b.declared, toInt64(arraySum((s, c) -> if(s = 2, c, 0), b.declared_status, b.declared_count)), -1)
        AS declared_received,
    if(b.declared, toInt64(arraySum((s, c) -> if(s = 9, c, 0), b.declared_status, b.declared_count)), -1)
        AS declared_resolved,
    b.revision AS revision,
    b.version AS version,
    b.generation AS generation,
    b.arrived_at AS arrived_at
FROM book AS b;

-- What came before this migration. Twice is once.
INSERT INTO day_totals
(
    day, ward,
    registered, received, online, refused, processing, supplements, payments, withdrawn, stopped, resolved, returned, early, on_time, overdue, minutes,
    events, retracted, declared, declared_received, declared_resolved, revision, version, generation, arrived_at
)
SELECT
    b.day AS day,
    b.ward AS ward,
    arraySum((s, c) -> if(s = 1, c, 0), b.status, b.count) AS registered,
    arraySum((s, c) -> if(s = 2, c, 0), b.status, b.count) AS received,
    arraySum((s, k, c) -> if(s = 2 AND k = 'online', c, 0), b.status, b.channel, b.count) AS online,
    arraySum((s, c) -> if(s = 3, c, 0), b.status, b.count) AS refused,
    arraySum((s, c) -> if(s = 4, c, 0), b.status, b.count) AS processing,
    arraySum((s, c) -> if(s = 5, c, 0), b.status, b.count) AS supplements,
    arraySum((s, c) -> if(s = 6, c, 0), b.status, b.count) AS payments,
    arraySum((s, c) -> if(s = 7, c, 0), b.status, b.count) AS withdrawn,
    arraySum((s, c) -> if(s = 8, c, 0), b.status, b.count) AS stopped,
    arraySum((s, c) -> if(s = 9, c, 0), b.status, b.count) AS resolved,
    arraySum((s, c) -> if(s = 10, c, 0), b.status, b.count) AS returned,
    arraySum((s, t, c) -> if(s = 9 AND t = 'early', c, 0), b.status, b.timeliness, b.count) AS early,
    arraySum((s, t, c) -> if(s = 9 AND t = 'on_time', c, 0), b.status, b.timeliness, b.count) AS on_time,
    arraySum((s, t, c) -> if(s = 9 AND t = 'overdue', c, 0), b.status, b.timeliness, b.count) AS overdue,
    arraySum((s, m) -> if(s = 9, m, 0), b.status, b.minutes) AS minutes,
    b.events AS events,
    b.retracted AS retracted,
    b.declared AS declared,
    if(b.declared, toInt64(arraySum((s, c) -> if(s = 2, c, 0), b.declared_status, b.declared_count)), -1)
        AS declared_received,
    if(b.declared, toInt64(arraySum((s, c) -> if(s = 9, c, 0), b.declared_status, b.declared_count)), -1)
        AS declared_resolved,
    b.revision AS revision,
    b.version AS version,
    b.generation AS generation,
    b.arrived_at AS arrived_at
FROM book AS b;
