-- Every admitted event that has a seq. Rows of one key say the same thing, and the first arrival has the
-- highest rank, so it stays. A reused seq with other content has another content_hash, so it stays as well and
-- v_conflicts shows it. The fingerprint is taken of the columns, so the same event written in another zone, or
-- restored from its row, is the same content. Whoever reads this table counts the highest rank of each (ward, epoch, seq) only.

CREATE TABLE IF NOT EXISTS events
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi của phường, xã | en: life of the ward''s outbox',
    seq UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'vi: số thứ tự trong đời hộp gửi | en: contiguous number within the epoch',
    type LowCardinality(String) COMMENT 'vi: loại sự kiện CloudEvents | en: CloudEvents type',
    occurred_at DateTime64(3, 'Asia/Ho_Chi_Minh') CODEC(Delta, ZSTD(1)) COMMENT 'vi: lúc xảy ra | en: when it happened',
    day Date DEFAULT toDate(occurred_at) COMMENT 'vi: ngày xảy ra tại Hà Nội | en: day in Hanoi on which it happened',
    book_day Date32 CODEC(Delta, ZSTD(1)) COMMENT 'vi: ngày của sổ mà sự kiện thuộc về | en: day of the book in which it has its place',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') CODEC(Delta, ZSTD(1)) COMMENT 'vi: lúc Kafka nhận | en: when Kafka had it',
    dossier String COMMENT 'vi: mã hồ sơ (của bước bị rút, nếu là rút lại) | en: dossier code (of the step taken back, for a retraction)',
    procedure LowCardinality(String) COMMENT 'vi: mã thủ tục | en: procedure code',
    field LowCardinality(String) COMMENT 'vi: lĩnh vực | en: field',
    channel LowCardinality(String) COMMENT 'vi: kênh nộp | en: channel',
    status UInt8 COMMENT 'vi: trạng thái 1..10, 0 nếu không phải hồ sơ | en: status 1..10, 0 for other types',
    received_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc tiếp nhận | en: when the desk took it',
    due_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: hạn trả | en: due time',
    finished_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc xử lý xong | en: end of processing',
    applicant LowCardinality(String) COMMENT 'vi: đối tượng nộp, rỗng nếu không nói | en: applicant, empty if not said',
    service_level UInt8 COMMENT 'vi: mức dịch vụ công, 0 nếu không nói | en: service level, 0 if not said',
    paid_online Int8 COMMENT 'vi: nộp phí trực tuyến: 1, 0, -1 là không nói | en: paid online: 1, 0, -1 if not said',
    digitised Int8 COMMENT 'vi: đã số hóa: 1, 0, -1 là không nói | en: digitised: 1, 0, -1 if not said',
    timeliness LowCardinality(String) COMMENT 'vi: open, early, on_time, overdue; rỗng nếu không phải hồ sơ | en: open, early, on_time, overdue; empty for other types',
    minutes UInt32 COMMENT 'vi: phút làm việc từ lúc tiếp nhận đến lúc xong | en: working minutes from receipt to end',
    of_epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi của bước bị rút | en: epoch of the step that a retraction takes back',
    of_seq UInt64 COMMENT 'vi: số thứ tự của bước bị rút, 0 nếu không phải rút lại | en: seq of the step taken back, 0 if none',
    body String CODEC(ZSTD(3)) COMMENT 'vi: JSON chuẩn của sự kiện không phải đổi trạng thái | en: canonical JSON of events other than status changes',
    topic_id LowCardinality(String) COMMENT 'vi: định danh chủ đề Kafka | en: id of the Kafka topic',
    partition UInt16 COMMENT 'vi: phân vùng Kafka | en: Kafka partition',
    `offset` UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'vi: vị trí trong phân vùng | en: offset in the partition',
    rank UInt64 MATERIALIZED 9223372036854775807 - (toUInt64(toUnixTimestamp64Milli(arrived_at)) * 1048576 + `offset` % 1048576)
        COMMENT 'vi: thứ bậc, đến trước thì cao hơn | en: precedence, the earlier arrival is higher',
    content_hash UInt64 MATERIALIZED sipHash64(
            type, toUnixTimestamp64Milli(occurred_at), dossier, procedure, field, channel, status,
            ifNull(toUnixTimestamp64Milli(received_at), -1), ifNull(toUnixTimestamp64Milli(due_at), -1),
            ifNull(toUnixTimestamp64Milli(finished_at), -1), applicant, service_level, paid_online, digitised, body)
        COMMENT 'vi: dấu vân tay nội dung | en: fingerprint of the content',
    INDEX day_minmax book_day TYPE minmax GRANULARITY 1,
    INDEX dossier_bloom dossier TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (ward, epoch, seq, content_hash)
COMMENT 'vi: mọi sự kiện hợp lệ có số thứ tự, mỗi sự kiện một dòng | en: every admitted event with a seq, one row each';
