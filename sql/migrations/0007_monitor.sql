-- What the monitor asks every few seconds about the newest arrivals must not read a year of rows.
ALTER TABLE events ADD INDEX IF NOT EXISTS arrived_minmax arrived_at TYPE minmax GRANULARITY 1;

ALTER TABLE events MATERIALIZE INDEX arrived_minmax;

-- A cut takes one row a ward from the last records. With the usual 8,192 rows in a granule that would be a million rows
-- with all their arrays, so they are kept with small granules.
CREATE TABLE IF NOT EXISTS ward_sync_recent
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    version UInt64 COMMENT 'vi: phiên bản | en: version',
    known_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận thông điệp mới nhất mà dòng này gồm | en: when Kafka had the newest message behind this row',
    epochs Array(String) COMMENT 'vi: các đời hộp gửi đã thấy | en: epochs seen',
    intervals Array(Array(UInt64)) COMMENT 'vi: các đoạn số đã đến của từng đời | en: seqs that arrived, per epoch: first, last, first, last',
    counted Array(UInt64) COMMENT 'vi: số sự kiện đã đến của từng đời | en: events that arrived, per epoch',
    contiguous Array(UInt64) COMMENT 'vi: từng đời: đủ từ 1 đến số này | en: per epoch: complete from 1 up to here',
    highest Array(UInt64) COMMENT 'vi: từng đời: số cao nhất đã đến | en: per epoch: highest seq that arrived',
    events UInt64 COMMENT 'vi: tổng số sự kiện đã đến | en: events that arrived, all epochs',
    missing UInt64 COMMENT 'vi: số sự kiện còn thiếu | en: events missing',
    hole_epoch Array(String) COMMENT 'vi: chỗ thiếu: đời hộp gửi | en: holes: epoch',
    hole_first Array(UInt64) COMMENT 'vi: chỗ thiếu: từ số | en: holes: first seq',
    hole_last Array(UInt64) COMMENT 'vi: chỗ thiếu: đến số | en: holes: last seq',
    last_event_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc xảy ra sự kiện mới nhất | en: when the newest event happened',
    arrived_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc Kafka nhận sự kiện mới nhất | en: when Kafka had the newest event',
    heartbeat_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: nhịp tim mới nhất, theo đồng hồ phường, xã | en: newest heartbeat, by the ward''s clock',
    heartbeat_arrived_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc Kafka nhận nhịp tim đó | en: when Kafka had that heartbeat',
    heartbeat_epoch String COMMENT 'vi: đời hộp gửi theo nhịp tim | en: epoch of that heartbeat',
    heartbeat_last_seq UInt64 COMMENT 'vi: nhịp tim nói đã gửi đến số này | en: everything up to here was sent, it says',
    outbox_pending UInt64 COMMENT 'vi: số sự kiện còn chờ gửi | en: events that wait in the ward''s outbox',
    rejected UInt64 COMMENT 'vi: số thông điệp bị từ chối | en: messages rejected',
    INDEX known_minmax known_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(known_at)
ORDER BY (ward, version)
TTL toDateTime(known_at) + INTERVAL 2 DAY
SETTINGS index_granularity = 128, ttl_only_drop_parts = 1
COMMENT 'vi: các dòng ward_sync trong 2 ngày, để lập mốc đồng bộ | en: two days of ward_sync rows, from which cuts are made';

CREATE MATERIALIZED VIEW IF NOT EXISTS ward_sync_recent_feed TO ward_sync_recent AS SELECT * FROM ward_sync;
