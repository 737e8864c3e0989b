-- What a ward declared against what its book counts, as narrow columns beside the totals: control totals and data quality
-- of ten years need no arrays either.
ALTER TABLE day_totals ADD COLUMN IF NOT EXISTS counted Int64 CODEC(T64, LZ4) COMMENT 'vi: tổng số bước trong sổ | en: steps in the book' AFTER declared_resolved;
ALTER TABLE day_totals ADD COLUMN IF NOT EXISTS declared_steps Int64 CODEC(T64, LZ4) COMMENT 'vi: tổng số bước kê khai | en: steps that were declared' AFTER counted;
ALTER TABLE day_totals ADD COLUMN IF NOT EXISTS short_by UInt64 CODEC(T64, LZ4) COMMENT 'vi: sổ thiếu bao nhiêu bước so với kê khai, cộng theo từng trạng thái | en: steps that the book lacks of the declared, summed over the statuses' AFTER declared_steps;
ALTER TABLE day_totals ADD COLUMN IF NOT EXISTS over_by UInt64 CODEC(T64, LZ4) COMMENT 'vi: sổ thừa bao nhiêu bước so với kê khai, cộng theo từng trạng thái | en: steps that the book has beyond the declared, summed over the statuses' AFTER short_by;
ALTER TABLE day_totals ADD COLUMN IF NOT EXISTS declared_epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi của lần chốt | en: epoch of the closing' AFTER over_by;
ALTER TABLE day_totals ADD COLUMN IF NOT EXISTS declared_first_seq UInt64 CODEC(T64, LZ4) COMMENT 'vi: số thứ tự đầu theo lần chốt | en: first seq, as declared' AFTER declared_epoch;
ALTER TABLE day_totals ADD COLUMN IF NOT EXISTS declared_last_seq UInt64 CODEC(T64, LZ4) COMMENT 'vi: số thứ tự cuối theo lần chốt | en: last seq, as declared' AFTER declared_first_seq;

-- The feed with these columns. Books that come while there is none are in `book` already, and so in what follows: of rows
-- with the same version the one that was written last stays.
DROP VIEW IF EXISTS day_totals_feed;

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
    toInt64(arraySum(b.count)) AS counted,
    toInt64(arraySum(b.declared_count)) AS declared_steps,
    if(b.declared, toUInt64(arraySum(n -> greatest(-n, 0), arrayMap(k -> arraySum((s, c) -> if(s = k, c, 0), b.status, b.count)
        - arraySum((s, c) -> if(s = k, toInt64(c), 0), b.declared_status, b.declared_count), range(1, 11)))), 0) AS short_by,
    if(b.declared, toUInt64(arraySum(n -> greatest(n, 0), arrayMap(k -> arraySum((s, c) -> if(s = k, c, 0), b.status, b.count)
        - arraySum((s, c) -> if(s = k, toInt64(c), 0), b.declared_status, b.declared_count), range(1, 11)))), 0) AS over_by,
    b.declared_epoch AS declared_epoch,
    b.declared_first_seq AS declared_first_seq,
    b.declared_last_seq AS declared_last_seq,
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
    events, retracted, declared, declared_received, declared_resolved, counted, declared_steps, short_by, over_by,
    declared_epoch, declared_first_seq, declared_last_seq, revision, version, generation, arrived_at
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
    toInt64(arraySum(b.count)) AS counted,
    toInt64(arraySum(b.declared_count)) AS declared_steps,
    if(b.declared, toUInt64(arraySum(n -> greatest(-n, 0), arrayMap(k -> arraySum((s, c) -> if(s = k, c, 0), b.status, b.count)
        - arraySum((s, c) -> if(s = k, toInt64(c), 0), b.declared_status, b.declared_count), range(1, 11)))), 0) AS short_by,
    if(b.declared, toUInt64(arraySum(n -> greatest(n, 0), arrayMap(k -> arraySum((s, c) -> if(s = k, c, 0), b.status, b.count)
        - arraySum((s, c) -> if(s = k, toInt64(c), 0), b.declared_status, b.declared_count), range(1, 11)))), 0) AS over_by,
    b.declared_epoch AS declared_epoch,
    b.declared_first_seq AS declared_first_seq,
    b.declared_last_seq AS declared_last_seq,
    b.revision AS revision,
    b.version AS version,
    b.generation AS generation,
    b.arrived_at AS arrived_at
FROM book AS b;

-- The cuts between two instants: a question about a day looks at that day's.
ALTER TABLE city_cut ADD INDEX IF NOT EXISTS at_minmax at TYPE minmax GRANULARITY 1;

ALTER TABLE city_cut MATERIALIZE INDEX at_minmax;
