-- Synchronised monitoring: how each ward stands, the city's cut, and what is kept so that any figure can be
-- asked as of a cut and stays the same for ever.

-- "For ever" wants every revision and every rejection's reason. The reason's row stays, what may hold personal data goes.
-- A hundred years instead of REMOVE TTL, which fails when it is run twice.
ALTER TABLE book_history MODIFY TTL toDate(arrived_at) + toIntervalYear(100);
ALTER TABLE rejects MODIFY TTL toDate(arrived_at) + toIntervalYear(100);
ALTER TABLE rejects MODIFY COLUMN value String CODEC(ZSTD(3)) TTL toDateTime(arrived_at) + INTERVAL 30 DAY;
ALTER TABLE rejects MODIFY COLUMN key String TTL toDateTime(arrived_at) + INTERVAL 30 DAY;

-- A record says of itself up to which arrival it knows its ward: the newest of its events, heartbeats, rejections.
ALTER TABLE ward_sync ADD COLUMN IF NOT EXISTS known_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận thông điệp mới nhất mà dòng này gồm | en: when Kafka had the newest message behind this row' AFTER version;

-- How each ward stands, judged by the monitor: `ward_state` is the newest judgement, `ward_states` that of every cut.
CREATE TABLE IF NOT EXISTS ward_state
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    cut UInt64 COMMENT 'vi: số của mốc, 0 nếu xét ngoài mốc | en: number of the cut, 0 if judged between cuts',
    at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: xét tại thời điểm này | en: judged for this instant',
    alive LowCardinality(String) COMMENT 'vi: active, quiet, closed, behind, silent hoặc never | en: active, quiet, closed, behind, silent or never',
    complete LowCardinality(String) COMMENT 'vi: complete, missing hoặc unknown | en: complete, missing or unknown',
    reconciled LowCardinality(String) COMMENT 'vi: matched, open, mismatch hoặc unknown | en: matched, open, mismatch or unknown',
    status LowCardinality(String) COMMENT 'vi: good, waiting, attention hoặc bad, xấu nhất của ba mặt | en: good, waiting, attention or bad: the worst of the three',
    reason LowCardinality(String) COMMENT 'vi: mã lý do của status | en: code of the reason for the status',
    reason_vi String COMMENT 'vi: lý do bằng tiếng Việt | en: the reason in Vietnamese',
    reason_en String COMMENT 'vi: lý do bằng tiếng Anh | en: the reason in English',
    since DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: có lý do này từ lúc | en: this reason holds since',
    covered Bool COMMENT 'vi: được tính là đủ trong mốc | en: covered by the cut',
    complete_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: đủ mọi sự kiện xảy ra đến lúc này | en: complete in all that happened up to here',
    office_open Bool COMMENT 'vi: đang trong giờ làm việc | en: within office hours',
    skew_ms Nullable(Int64) COMMENT 'vi: đồng hồ phường, xã nhanh hơn Kafka bao nhiêu mili giây | en: how far the ward''s clock is ahead of Kafka''s, in ms',
    delay_ms_p50 Nullable(Int64) COMMENT 'vi: độ trễ đến trong 24 giờ: trung vị | en: arrival delay within 24 hours: median',
    delay_ms_p99 Nullable(Int64) COMMENT 'vi: độ trễ đến trong 24 giờ: phân vị 99 | en: arrival delay within 24 hours: 99th percentile',
    conflicts UInt64 COMMENT 'vi: số thứ tự dùng lại với nội dung khác | en: seqs used again with other content',
    mismatches UInt64 COMMENT 'vi: số ngày kê khai không khớp | en: days whose declared totals do not match',
    differences UInt64 COMMENT 'vi: số ô sổ khác sự kiện thô | en: cells in which the book differs from raw events',
    events UInt64 COMMENT 'vi: số sự kiện đã đến | en: events that arrived',
    missing UInt64 COMMENT 'vi: số sự kiện còn thiếu | en: events missing',
    contiguous UInt64 COMMENT 'vi: đời hiện tại: đủ từ 1 đến số này | en: present epoch: complete from 1 up to here',
    highest UInt64 COMMENT 'vi: đời hiện tại: số cao nhất đã đến | en: present epoch: highest seq that arrived',
    epoch String COMMENT 'vi: đời hộp gửi hiện tại | en: the present epoch',
    pending UInt64 COMMENT 'vi: số sự kiện còn chờ gửi ở phường, xã | en: events that wait in the ward''s outbox',
    rejected UInt64 COMMENT 'vi: số thông điệp bị từ chối | en: messages rejected',
    event_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc xảy ra sự kiện mới nhất | en: when the newest event happened',
    arrived_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc Kafka nhận sự kiện mới nhất | en: when Kafka had the newest event',
    heartbeat_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: nhịp tim mới nhất, theo đồng hồ phường, xã | en: newest heartbeat, by the ward''s clock',
    heard_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc Kafka nhận tin mới nhất | en: when Kafka had the newest event or heartbeat',
    epochs Array(String) COMMENT 'vi: mọi đời hộp gửi | en: all epochs',
    epoch_events Array(UInt64) COMMENT 'vi: từng đời: số sự kiện | en: per epoch: events',
    epoch_contiguous Array(UInt64) COMMENT 'vi: từng đời: đủ từ 1 đến số này | en: per epoch: complete from 1 up to here',
    epoch_highest Array(UInt64) COMMENT 'vi: từng đời: số cao nhất | en: per epoch: highest seq',
    hole_epoch Array(String) COMMENT 'vi: chỗ thiếu: đời hộp gửi | en: holes: epoch',
    hole_first Array(UInt64) COMMENT 'vi: chỗ thiếu: từ số | en: holes: first seq',
    hole_last Array(UInt64) COMMENT 'vi: chỗ thiếu: đến số | en: holes: last seq',
    hole_since Array(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: chỗ thiếu: biết từ lúc | en: holes: known since',
    judged_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc ghi | en: when it was written',
    rank UInt64 MATERIALIZED 9223372036854775807 - toUInt64(toUnixTimestamp64Milli(judged_at)) COMMENT 'vi: ghi trước thì cao hơn | en: the earlier row is higher'
)
ENGINE = ReplacingMergeTree(judged_at)
ORDER BY ward
COMMENT 'vi: tình trạng mới nhất của từng phường, xã | en: how each ward stands now';

CREATE TABLE IF NOT EXISTS ward_states AS ward_state
ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(at)
ORDER BY (ward, cut)
COMMENT 'vi: tình trạng của từng phường, xã tại mỗi mốc | en: how each ward stood at each cut';

-- The cut: all that Kafka had by `at` is counted, and it never changes. The first row of a number stays.
CREATE TABLE IF NOT EXISTS city_cut
(
    number UInt64 COMMENT 'vi: số của mốc: số lần 10 giây từ 00:00 ngày 01/01/2025 tại Hà Nội đến at | en: number of the cut: tens of seconds from 2025-01-01 00:00 in Hanoi to `at`',
    at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: gồm mọi điều Kafka đã nhận đến lúc này | en: holds all that Kafka had by this instant',
    complete_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: số liệu tính đến: mọi phường, xã được tính đều đủ đến lúc này | en: complete up to here in every ward that is covered',
    published_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc công bố | en: when it was published',
    rank UInt64 MATERIALIZED 9223372036854775807 - toUInt64(toUnixTimestamp64Milli(published_at)) COMMENT 'vi: công bố trước thì cao hơn | en: the earlier publication is higher',
    generation UInt32 COMMENT 'vi: đời sổ cao nhất lúc đó | en: highest generation of the books then',
    wards_total UInt16 COMMENT 'vi: số phường, xã | en: wards of the city',
    covered UInt16 COMMENT 'vi: số phường, xã được tính là đủ | en: wards that are covered',
    left_out Array(String) COMMENT 'vi: phường, xã không được tính | en: wards that are left out',
    left_out_reason Array(String) COMMENT 'vi: vì sao: mã lý do | en: why: codes of reasons',
    events UInt64 COMMENT 'vi: số sự kiện trong sổ | en: events in the books',
    missing UInt64 COMMENT 'vi: số sự kiện còn thiếu | en: events missing',
    rejected UInt64 COMMENT 'vi: số thông điệp bị từ chối | en: messages rejected',
    received Int64 COMMENT 'vi: tổng tiếp nhận từ đầu | en: dossiers received since the start',
    resolved Int64 COMMENT 'vi: tổng xử lý xong từ đầu | en: resolved since the start',
    returned Int64 COMMENT 'vi: tổng trả kết quả từ đầu | en: handed over since the start',
    online Int64 COMMENT 'vi: tổng tiếp nhận trực tuyến từ đầu | en: received online since the start',
    early Int64 COMMENT 'vi: tổng xử lý xong trước hạn | en: resolved early since the start',
    on_time Int64 COMMENT 'vi: tổng xử lý xong đúng hạn | en: resolved on time since the start',
    overdue Int64 COMMENT 'vi: tổng xử lý xong quá hạn | en: resolved after the due day since the start',
    day Date32 COMMENT 'vi: ngày tại Hà Nội của mốc | en: day in Hanoi of the cut',
    day_received Int64 COMMENT 'vi: tiếp nhận trong ngày | en: received on that day',
    day_resolved Int64 COMMENT 'vi: xử lý xong trong ngày | en: resolved on that day',
    day_returned Int64 COMMENT 'vi: trả kết quả trong ngày | en: handed over on that day',
    lag_ms Int64 COMMENT 'vi: từ at đến lúc công bố | en: from `at` to its publication'
)
ENGINE = ReplacingMergeTree(rank)
ORDER BY number
COMMENT 'vi: mốc đồng bộ của thành phố, công bố mỗi 10 giây | en: the city''s cuts, published every 10 seconds';

-- Office hours of a ward that differ from the usual ones, for some days; the newest row of a ward and first day stands.
CREATE TABLE IF NOT EXISTS office_overrides
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    first_day Date32 COMMENT 'vi: từ ngày | en: first day',
    last_day Date32 COMMENT 'vi: đến ngày | en: last day',
    open_minutes Array(UInt16) COMMENT 'vi: giờ mở cửa, phút trong ngày: từ, đến, từ, đến; rỗng là đóng cửa | en: open hours, minutes of the day: from, to, from, to; empty means closed',
    silent_after_s UInt32 COMMENT 'vi: coi là im lặng sau bao nhiêu giây, 0 là như thường lệ | en: silent after so many seconds, 0 for the usual',
    note String COMMENT 'vi: ghi chú, không ghi tên người | en: note, no person''s name',
    version UInt64 COMMENT 'vi: phiên bản | en: version',
    deleted Bool COMMENT 'vi: đã bỏ | en: taken back'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (ward, first_day)
COMMENT 'vi: giờ làm việc riêng của phường, xã | en: office hours that a ward has for itself';

-- What was asked for again, sent again or loaded again, by whom and why.
CREATE TABLE IF NOT EXISTS repairs
(
    id String COMMENT 'vi: mã yêu cầu | en: id of the request',
    at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc yêu cầu | en: when it was asked for',
    kind LowCardinality(String) COMMENT 'vi: request, resend hoặc reload | en: request (of the ward), resend (from Kafka or rows) or reload (offsets read again)',
    actor LowCardinality(String) COMMENT 'vi: operator, monitor hoặc gateway | en: operator, monitor or gateway',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    day Nullable(Date32) COMMENT 'vi: ngày của sổ, nếu là một ngày | en: day of the book, if it is one',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi | en: life of the ward''s outbox',
    first_seq UInt64 COMMENT 'vi: từ số | en: first seq',
    last_seq UInt64 COMMENT 'vi: đến số | en: last seq',
    reason LowCardinality(String) COMMENT 'vi: mã lý do: gap, difference, coverage_hole, manual | en: code of the reason: gap, difference, coverage_hole, manual',
    differences UInt64 COMMENT 'vi: số ô khác nhau trước đó | en: cells that differed before'
)
ENGINE = ReplacingMergeTree
ORDER BY (ward, epoch, first_seq, last_seq, id)
COMMENT 'vi: các lần yêu cầu gửi lại và sửa chữa | en: re-requests and repairs';
