-- Copies of the steps of dossiers that may be open. The few that stay open for years lie scattered over the steps of ten
-- years, next to one in almost every granule, so looking them up in `dossiers` reads nearly all of it. The monitor
-- (`upkeep`) copies them each hour; whoever asks for the open ones reads the newest copy and, of dossiers that were written
-- since, the steps themselves (`r_open_steps`). No copy: everything is looked up, as before.

CREATE TABLE IF NOT EXISTS open_steps
(
    made DateTime('Asia/Ho_Chi_Minh') COMMENT 'vi: bản sao được làm lúc | en: when the copy was begun',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    dossier String COMMENT 'vi: mã hồ sơ | en: dossier code',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi của bước | en: epoch of the step',
    seq UInt64 COMMENT 'vi: số thứ tự của bước | en: seq of the step',
    retracted UInt8 COMMENT 'vi: 1 nếu dòng này rút lại bước | en: 1 if this row takes the step back',
    event_epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi của sự kiện tạo dòng này | en: epoch of the event behind this row',
    event_seq UInt64 COMMENT 'vi: số thứ tự của sự kiện tạo dòng này | en: seq of the event behind this row',
    content_hash UInt64 COMMENT 'vi: dấu vân tay của sự kiện đó | en: fingerprint of that event',
    rank UInt64 COMMENT 'vi: thứ bậc, đến trước thì cao hơn | en: precedence, the earlier arrival is higher',
    status UInt8 COMMENT 'vi: trạng thái 1..10 | en: status 1..10',
    occurred_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc xảy ra | en: when it happened',
    procedure LowCardinality(String) COMMENT 'vi: mã thủ tục | en: procedure code',
    field LowCardinality(String) COMMENT 'vi: lĩnh vực | en: field',
    channel LowCardinality(String) COMMENT 'vi: kênh nộp | en: channel',
    received_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc tiếp nhận | en: when the desk took it',
    due_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: hạn trả | en: due time',
    finished_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc xử lý xong | en: end of processing',
    timeliness LowCardinality(String) COMMENT 'vi: open, early, on_time, overdue | en: open, early, on_time, overdue'
)
ENGINE = MergeTree
-- A copy goes as a whole, long after nobody reads it any more.
PARTITION BY made
ORDER BY (ward, dossier)
TTL made + INTERVAL 12 HOUR
SETTINGS ttl_only_drop_parts = 1
COMMENT 'vi: bản sao các bước của hồ sơ có thể chưa kết thúc | en: copies of the steps of dossiers that may be open';

CREATE TABLE IF NOT EXISTS open_copies
(
    made DateTime('Asia/Ho_Chi_Minh') COMMENT 'vi: bản sao được làm lúc | en: when the copy was begun',
    steps UInt64 COMMENT 'vi: số dòng | en: rows'
)
ENGINE = ReplacingMergeTree
ORDER BY made
TTL made + INTERVAL 12 HOUR
COMMENT 'vi: các bản sao đã làm xong | en: the copies that are complete';
