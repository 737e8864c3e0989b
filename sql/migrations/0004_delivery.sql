-- Proof that nothing was lost on the way from Kafka: what was refused, what was read, what could not be read.

CREATE TABLE IF NOT EXISTS rejects
(
    topic_id LowCardinality(String) COMMENT 'vi: định danh chủ đề Kafka | en: id of the Kafka topic',
    topic LowCardinality(String) COMMENT 'vi: tên chủ đề Kafka | en: name of the Kafka topic',
    partition UInt16 COMMENT 'vi: phân vùng Kafka | en: Kafka partition',
    `offset` UInt64 COMMENT 'vi: vị trí trong phân vùng | en: offset in the partition',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận | en: when Kafka had it',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã nếu khóa là mã đúng | en: ward code if the key is one, else empty',
    reason LowCardinality(String) COMMENT 'vi: mã lý do | en: code of the reason',
    detail String COMMENT 'vi: thấy gì sai | en: what was found',
    member String COMMENT 'vi: thành phần sai | en: the offending member',
    key String COMMENT 'vi: khóa gốc | en: original key',
    value String CODEC(ZSTD(3)) COMMENT 'vi: byte gốc, có thể chứa dữ liệu cá nhân | en: original bytes, may hold personal data',
    has_key Bool COMMENT 'vi: có khóa hay không | en: whether there was a key',
    has_value Bool COMMENT 'vi: có nội dung hay không | en: whether there was a value',
    bytes UInt64 COMMENT 'vi: độ dài nội dung | en: length of the value'
)
ENGINE = ReplacingMergeTree
ORDER BY (topic_id, partition, `offset`)
TTL toDateTime(arrived_at) + INTERVAL 30 DAY
COMMENT 'vi: thông điệp bị từ chối, giữ 30 ngày, hạn chế truy cập | en: rejected messages, kept for 30 days, restricted';

CREATE TABLE IF NOT EXISTS heartbeats
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi | en: life of the ward''s outbox',
    clock_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: đồng hồ của phường, xã | en: the ward''s clock',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận | en: when Kafka had it',
    last_seq UInt64 COMMENT 'vi: đã gửi đến số này | en: everything up to here was sent',
    outbox_pending UInt64 COMMENT 'vi: số sự kiện còn chờ gửi | en: events that wait in the outbox',
    topic_id LowCardinality(String) COMMENT 'vi: định danh chủ đề Kafka | en: id of the Kafka topic',
    partition UInt16 COMMENT 'vi: phân vùng Kafka | en: Kafka partition',
    `offset` UInt64 COMMENT 'vi: vị trí trong phân vùng | en: offset in the partition'
)
ENGINE = ReplacingMergeTree
ORDER BY (ward, arrived_at, topic_id, partition, `offset`)
TTL toDateTime(arrived_at) + INTERVAL 7 DAY
COMMENT 'vi: nhịp tim thô, giữ 7 ngày | en: raw heartbeats, kept for 7 days';

-- One row for each unbroken run of a loader through a partition: each insert writes the run anew, longer, and
-- the longest stays. So a year of small inserts is a few rows, and a hole between runs is a hole in the data.
CREATE TABLE IF NOT EXISTS coverage
(
    topic_id LowCardinality(String) COMMENT 'vi: định danh chủ đề Kafka | en: id of the Kafka topic',
    topic LowCardinality(String) COMMENT 'vi: tên chủ đề Kafka | en: name of the Kafka topic',
    partition UInt16 COMMENT 'vi: phân vùng Kafka | en: Kafka partition',
    first_offset UInt64 COMMENT 'vi: vị trí đầu của lượt đọc | en: first offset of the run',
    last_offset UInt64 COMMENT 'vi: vị trí cuối đã ghi vào đây | en: last offset that was stored',
    events UInt64 COMMENT 'vi: số sự kiện trong lượt | en: events in the run',
    rejects UInt64 COMMENT 'vi: số bị từ chối trong lượt | en: rejects in the run',
    heartbeats UInt64 COMMENT 'vi: số nhịp tim trong lượt | en: heartbeats in the run',
    stored_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc ghi lần cuối | en: when it was stored last'
)
ENGINE = ReplacingMergeTree(last_offset)
ORDER BY (topic_id, partition, first_offset)
COMMENT 'vi: những đoạn Kafka đã nạp, bằng chứng không bỏ sót | en: the stretches of Kafka that were loaded: the proof that nothing was skipped';

CREATE TABLE IF NOT EXISTS incidents
(
    topic_id LowCardinality(String) COMMENT 'vi: định danh chủ đề Kafka | en: id of the Kafka topic',
    topic LowCardinality(String) COMMENT 'vi: tên chủ đề Kafka | en: name of the Kafka topic',
    partition UInt16 COMMENT 'vi: phân vùng Kafka | en: Kafka partition',
    kind LowCardinality(String) COMMENT 'vi: lost_range, topic_recreated, log_truncated | en: lost_range, topic_recreated, log_truncated',
    first_offset UInt64 COMMENT 'vi: từ vị trí | en: first offset',
    last_offset UInt64 COMMENT 'vi: đến vị trí | en: last offset',
    wards Array(String) COMMENT 'vi: các phường, xã có thể bị ảnh hưởng | en: wards that may be affected',
    detail_vi String COMMENT 'vi: chuyện gì xảy ra, cần làm gì | en: what happened and what to do, in Vietnamese',
    detail_en String COMMENT 'vi: bằng tiếng Anh | en: the same in English',
    seen_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc phát hiện | en: when it was found'
)
ENGINE = ReplacingMergeTree
ORDER BY (topic_id, partition, kind, first_offset, last_offset)
COMMENT 'vi: sự cố mất vị trí đọc, không bao giờ im lặng | en: incidents in which the reading position was lost, never silent';

CREATE TABLE IF NOT EXISTS loads
(
    stored_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc ghi xong | en: when the block was stored',
    kind LowCardinality(String) COMMENT 'vi: events hoặc books | en: events or books',
    messages UInt64 COMMENT 'vi: số thông điệp trong khối | en: messages in the block',
    first_arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận sự kiện sớm nhất của khối | en: when Kafka had the earliest event behind the block',
    last_arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận sự kiện muộn nhất của khối | en: when Kafka had the latest event behind the block',
    insert_ms UInt32 COMMENT 'vi: thời gian ghi | en: time the inserts took'
)
ENGINE = MergeTree
ORDER BY stored_at
TTL toDateTime(stored_at) + INTERVAL 7 DAY
COMMENT 'vi: từng khối đã nạp và độ trễ, giữ 7 ngày | en: each block that was loaded and its delay, kept for 7 days';
