-- Conservation: what has landed here, as exact sets, so that it can be compared with what was acknowledged, covered,
-- and counted. Sets, not counts: rows that come again (a loader that was killed, a merge, a reload) change nothing.

CREATE TABLE IF NOT EXISTS landed_offsets
(
    topic_id LowCardinality(String) COMMENT 'vi: định danh chủ đề Kafka | en: id of the Kafka topic',
    partition UInt16 COMMENT 'vi: phân vùng Kafka | en: Kafka partition',
    bucket UInt64 COMMENT 'vi: vị trí chia cho 65536 | en: offset divided by 65536',
    kind LowCardinality(String) COMMENT 'vi: events, rejects, heartbeats; before là đã nạp trước khi có bảng này | en: events, rejects, heartbeats; before: loaded before this table was there',
    offsets AggregateFunction(groupBitmap, UInt64) COMMENT 'vi: tập các vị trí đã ghi | en: the set of offsets that were stored'
)
ENGINE = AggregatingMergeTree
ORDER BY (topic_id, partition, bucket, kind)
COMMENT 'vi: các vị trí Kafka đã thành dòng dữ liệu | en: the Kafka offsets that became rows';

CREATE TABLE IF NOT EXISTS landed_seqs
(
    month UInt32 COMMENT 'vi: tháng xảy ra, như 202507 | en: month in which it happened, e.g. 202507',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi | en: life of the ward''s outbox',
    seqs AggregateFunction(groupBitmap, UInt64) COMMENT 'vi: tập các số thứ tự đã ghi | en: the set of seqs that were stored',
    first_arrived_at SimpleAggregateFunction(min, DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc Kafka nhận sự kiện đầu tiên trong số đó | en: when Kafka had the first of them'
)
ENGINE = AggregatingMergeTree
ORDER BY (month, ward, epoch)
COMMENT 'vi: các số thứ tự đã thành dòng dữ liệu | en: the seqs that became rows';

CREATE MATERIALIZED VIEW IF NOT EXISTS landed_events_feed TO landed_offsets AS
SELECT topic_id, partition, intDiv(e.`offset`, 65536) AS bucket, 'events' AS kind, groupBitmapState(e.`offset`) AS offsets
FROM events AS e
GROUP BY topic_id, partition, bucket;

CREATE MATERIALIZED VIEW IF NOT EXISTS landed_rejects_feed TO landed_offsets AS
SELECT topic_id, partition, intDiv(r.`offset`, 65536) AS bucket, 'rejects' AS kind, groupBitmapState(r.`offset`) AS offsets
FROM rejects AS r
GROUP BY topic_id, partition, bucket;

CREATE MATERIALIZED VIEW IF NOT EXISTS landed_heartbeats_feed TO landed_offsets AS
SELECT topic_id, partition, intDiv(h.`offset`, 65536) AS bucket, 'heartbeats' AS kind, groupBitmapState(h.`offset`) AS offsets
FROM heartbeats AS h
GROUP BY topic_id, partition, bucket;

CREATE MATERIALIZED VIEW IF NOT EXISTS landed_seqs_feed TO landed_seqs AS
SELECT toYYYYMM(e.occurred_at) AS month, ward, epoch, groupBitmapState(e.seq) AS seqs, min(e.arrived_at) AS first_arrived_at
FROM events AS e
GROUP BY month, ward, epoch;

-- What was there before: repeated events left no row of their own, so the covered offsets are taken as landed.
INSERT INTO landed_offsets
SELECT topic_id, partition, intDiv(place, 65536) AS bucket, 'before' AS kind, groupBitmapState(place) AS offsets
FROM (SELECT topic_id, partition, arrayJoin(range(first_offset, last_offset + 1)) AS place FROM coverage FINAL)
GROUP BY topic_id, partition, bucket;

INSERT INTO landed_offsets
SELECT topic_id, partition, intDiv(r.`offset`, 65536) AS bucket, 'rejects' AS kind, groupBitmapState(r.`offset`) AS offsets
FROM rejects AS r
GROUP BY topic_id, partition, bucket;

INSERT INTO landed_seqs
SELECT toYYYYMM(e.occurred_at) AS month, ward, epoch, groupBitmapState(e.seq) AS seqs, min(e.arrived_at) AS first_arrived_at
FROM events AS e
GROUP BY month, ward, epoch;

CREATE TABLE IF NOT EXISTS conservation
(
    at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: xét tại thời điểm này | en: judged for this instant',
    hop LowCardinality(String) COMMENT 'vi: chặng: outbox_kafka, kafka_loader, loader_rows, events_books | en: hop: outbox_kafka, kafka_loader, loader_rows, events_books',
    partition UInt16 COMMENT 'vi: phân vùng Kafka | en: Kafka partition',
    expected UInt64 COMMENT 'vi: bên trước của chặng có bao nhiêu | en: how many the hop''s near side has',
    found UInt64 COMMENT 'vi: bên sau của chặng có bao nhiêu trong số đó | en: how many of these the far side has',
    in_flight UInt64 COMMENT 'vi: đang trên đường | en: on their way',
    broken UInt64 COMMENT 'vi: mất hoặc sai, không phải đang trên đường | en: lost or wrong, and not on their way',
    detail_vi String COMMENT 'vi: chuyện gì, ở đâu | en: what and where, in Vietnamese',
    detail_en String COMMENT 'vi: bằng tiếng Anh | en: the same in English'
)
ENGINE = MergeTree
ORDER BY (hop, partition, at)
TTL toDateTime(at) + INTERVAL 1 DAY DELETE WHERE broken = 0 AND toMinute(at) != 0, toDateTime(at) + INTERVAL 90 DAY
COMMENT 'vi: bảo toàn qua từng chặng, mỗi 10 giây; giữ 90 ngày, sau 1 ngày chỉ giữ phút đầu mỗi giờ và những lần sai | en: conservation per hop, every 10 seconds; kept for 90 days, after a day only each hour''s first minute and what was broken';

CREATE TABLE IF NOT EXISTS conservation_now AS conservation
ENGINE = ReplacingMergeTree(at)
ORDER BY (hop, partition)
COMMENT 'vi: lần xét mới nhất của từng chặng và phân vùng | en: the newest judgement of each hop and partition';

CREATE MATERIALIZED VIEW IF NOT EXISTS conservation_feed TO conservation_now AS SELECT * FROM conservation;

-- The city's 25 groups of difficulties. Their official names are not public: the rows that come with the project are marked.
CREATE TABLE IF NOT EXISTS difficulty_groups
(
    number UInt8 COMMENT 'vi: số của nhóm, 1..25 | en: number of the group, 1..25',
    vi String COMMENT 'vi: tên nhóm | en: name in Vietnamese',
    en String COMMENT 'vi: tên nhóm bằng tiếng Anh | en: name in English',
    owner String COMMENT 'vi: bộ, ngành hoặc địa phương chịu trách nhiệm | en: the ministry or locality that is responsible',
    owner_kind LowCardinality(String) COMMENT 'vi: ministry (bộ, ngành) hoặc locality (địa phương) | en: ministry or locality',
    placeholder Bool COMMENT 'vi: tên tạm, chưa có tên chính thức | en: a placeholder, not the official name',
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY number
COMMENT 'vi: 25 nhóm vướng mắc, nạp từ CSV | en: the 25 groups of difficulties, loaded from a CSV';
