-- What the stream processor counted, as it stands in its changelog. Rows are absolute, never increments:
-- the highest version (generation above revision) of a key is the truth, whatever order rows come in.

CREATE TABLE IF NOT EXISTS book
(
    day Date32 COMMENT 'vi: ngày | en: day',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    version UInt64 COMMENT 'vi: phiên bản: đời sổ rồi đến lần sửa | en: generation above revision',
    generation UInt32 COMMENT 'vi: đời sổ, chỉ tăng khi dựng lại | en: generation, raised by a rebuild only',
    revision UInt64 COMMENT 'vi: số thay đổi đã ghi | en: changes applied',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận thay đổi mới nhất | en: when Kafka had the newest change',
    events UInt64 COMMENT 'vi: số sự kiện trong sổ | en: events that have their place in the book',
    epochs Array(String) COMMENT 'vi: các đời hộp gửi có trong sổ | en: epochs in the book',
    epoch_events Array(UInt64) COMMENT 'vi: số sự kiện của từng đời | en: events of each epoch',
    retracted UInt64 COMMENT 'vi: số bước bị rút lại | en: steps taken back',
    field Array(LowCardinality(String)) COMMENT 'vi: ô: lĩnh vực | en: cells: field',
    channel Array(LowCardinality(String)) COMMENT 'vi: ô: kênh nộp | en: cells: channel',
    status Array(UInt8) COMMENT 'vi: ô: trạng thái | en: cells: status',
    timeliness Array(LowCardinality(String)) COMMENT 'vi: ô: đúng hạn hay không | en: cells: timeliness',
    count Array(Int64) COMMENT 'vi: ô: số hồ sơ | en: cells: how many',
    minutes Array(Int64) COMMENT 'vi: ô: tổng phút làm việc | en: cells: sum of working minutes',
    declared Bool COMMENT 'vi: phường, xã đã chốt ngày chưa | en: whether the ward has closed the day',
    declared_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc chốt ngày | en: when it closed the day',
    declared_epoch String COMMENT 'vi: đời hộp gửi của lần chốt | en: epoch of the closing',
    declared_first_seq UInt64 COMMENT 'vi: số thứ tự đầu theo lần chốt | en: first seq, as declared',
    declared_last_seq UInt64 COMMENT 'vi: số thứ tự cuối theo lần chốt | en: last seq, as declared',
    declared_status Array(UInt8) COMMENT 'vi: tổng kê khai: trạng thái | en: declared totals: status',
    declared_count Array(UInt64) COMMENT 'vi: tổng kê khai: số lượng | en: declared totals: how many'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYear(day)
ORDER BY (day, ward)
COMMENT 'vi: sổ của từng phường, xã theo ngày | en: the book of each ward and day';

CREATE TABLE IF NOT EXISTS book_history
(
    day Date32 COMMENT 'vi: ngày | en: day',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    version UInt64 COMMENT 'vi: phiên bản: đời sổ rồi đến lần sửa | en: generation above revision',
    generation UInt32 COMMENT 'vi: đời sổ, chỉ tăng khi dựng lại | en: generation, raised by a rebuild only',
    revision UInt64 COMMENT 'vi: số thay đổi đã ghi | en: changes applied',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận thay đổi mới nhất | en: when Kafka had the newest change',
    events UInt64 COMMENT 'vi: số sự kiện trong sổ | en: events that have their place in the book',
    epochs Array(String) COMMENT 'vi: các đời hộp gửi có trong sổ | en: epochs in the book',
    epoch_events Array(UInt64) COMMENT 'vi: số sự kiện của từng đời | en: events of each epoch',
    retracted UInt64 COMMENT 'vi: số bước bị rút lại | en: steps taken back',
    field Array(LowCardinality(String)) COMMENT 'vi: ô: lĩnh vực | en: cells: field',
    channel Array(LowCardinality(String)) COMMENT 'vi: ô: kênh nộp | en: cells: channel',
    status Array(UInt8) COMMENT 'vi: ô: trạng thái | en: cells: status',
    timeliness Array(LowCardinality(String)) COMMENT 'vi: ô: đúng hạn hay không | en: cells: timeliness',
    count Array(Int64) COMMENT 'vi: ô: số hồ sơ | en: cells: how many',
    minutes Array(Int64) COMMENT 'vi: ô: tổng phút làm việc | en: cells: sum of working minutes',
    declared Bool COMMENT 'vi: phường, xã đã chốt ngày chưa | en: whether the ward has closed the day',
    declared_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc chốt ngày | en: when it closed the day',
    declared_epoch String COMMENT 'vi: đời hộp gửi của lần chốt | en: epoch of the closing',
    declared_first_seq UInt64 COMMENT 'vi: số thứ tự đầu theo lần chốt | en: first seq, as declared',
    declared_last_seq UInt64 COMMENT 'vi: số thứ tự cuối theo lần chốt | en: last seq, as declared',
    declared_status Array(UInt8) COMMENT 'vi: tổng kê khai: trạng thái | en: declared totals: status',
    declared_count Array(UInt64) COMMENT 'vi: tổng kê khai: số lượng | en: declared totals: how many'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYear(day)
ORDER BY (day, ward, version)
TTL toDateTime(arrived_at) + INTERVAL 400 DAY
COMMENT 'vi: mọi lần sửa sổ mà bộ nạp đã thấy, giữ 400 ngày | en: every revision of a book that the loader saw, kept for 400 days';

-- The history is filled beside the book, so that one insert of the loader makes both.
CREATE MATERIALIZED VIEW IF NOT EXISTS book_history_feed TO book_history AS SELECT * FROM book;

CREATE TABLE IF NOT EXISTS ward_sync
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    version UInt64 COMMENT 'vi: phiên bản: đời sổ rồi đến lần sửa | en: generation above revision',
    epochs Array(String) COMMENT 'vi: các đời hộp gửi đã thấy | en: epochs seen',
    intervals Array(Array(UInt64)) COMMENT 'vi: các đoạn số đã đến của từng đời: đầu, cuối, đầu, cuối | en: seqs that arrived, per epoch: first, last, first, last',
    counted Array(UInt64) COMMENT 'vi: số sự kiện đã đến của từng đời | en: events that arrived, per epoch',
    contiguous Array(UInt64) COMMENT 'vi: từng đời: đủ từ 1 đến số này | en: per epoch: complete from 1 up to here',
    highest Array(UInt64) COMMENT 'vi: từng đời: số cao nhất đã đến | en: per epoch: highest seq that arrived',
    events UInt64 COMMENT 'vi: tổng số sự kiện đã đến | en: events that arrived, all epochs',
    missing UInt64 COMMENT 'vi: số sự kiện còn thiếu, kể cả phần đã báo mà chưa đến | en: events missing, announced ones that have not come included',
    hole_epoch Array(String) COMMENT 'vi: chỗ thiếu: đời hộp gửi | en: holes: epoch',
    hole_first Array(UInt64) COMMENT 'vi: chỗ thiếu: từ số | en: holes: first seq',
    hole_last Array(UInt64) COMMENT 'vi: chỗ thiếu: đến số | en: holes: last seq',
    last_event_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc xảy ra sự kiện mới nhất | en: when the newest event happened',
    arrived_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc Kafka nhận sự kiện mới nhất | en: when Kafka had the newest event',
    heartbeat_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: nhịp tim mới nhất, theo đồng hồ phường, xã | en: newest heartbeat, by the ward''s clock',
    heartbeat_arrived_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc Kafka nhận nhịp tim đó | en: when Kafka had that heartbeat',
    heartbeat_epoch String COMMENT 'vi: đời hộp gửi theo nhịp tim | en: epoch of that heartbeat',
    heartbeat_last_seq UInt64 COMMENT 'vi: nhịp tim nói đã gửi đến số này | en: everything up to here was sent, it says',
    outbox_pending UInt64 COMMENT 'vi: số sự kiện còn chờ gửi ở phường, xã | en: events that wait in the ward''s outbox',
    rejected UInt64 COMMENT 'vi: số thông điệp bị từ chối | en: messages rejected'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY ward
COMMENT 'vi: tình trạng đồng bộ của từng phường, xã | en: how far the city has each ward';
