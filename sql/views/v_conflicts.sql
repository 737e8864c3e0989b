CREATE OR REPLACE VIEW v_conflicts
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    epoch String COMMENT 'vi: đời hộp gửi | en: life of the ward''s outbox',
    seq UInt64 COMMENT 'vi: số thứ tự bị dùng lại | en: the seq that was used again',
    content_hash UInt64 COMMENT 'vi: dấu vân tay nội dung | en: fingerprint of the content',
    counted Bool COMMENT 'vi: nội dung đến trước, được tính | en: the content that arrived first, which counts',
    type String COMMENT 'vi: loại sự kiện | en: type of the event',
    dossier String COMMENT 'vi: mã hồ sơ | en: dossier code',
    status UInt8 COMMENT 'vi: trạng thái, 0 nếu không phải hồ sơ | en: status, 0 for other types',
    occurred_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc xảy ra | en: when it happened',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận | en: when Kafka had it',
    partition UInt16 COMMENT 'vi: phân vùng Kafka | en: Kafka partition',
    kafka_offset UInt64 COMMENT 'vi: vị trí trong phân vùng | en: offset in the partition'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    ward,
    epoch,
    seq,
    content_hash,
    e.counted AS counted,
    type,
    dossier,
    status,
    occurred_at,
    arrived_at,
    partition,
    `offset` AS kafka_offset
FROM r_doubtful_events AS e
WHERE (ward, epoch, seq) IN (SELECT ward, epoch, seq FROM r_losers)
COMMENT 'vi: số thứ tự bị dùng lại với nội dung khác; chỉ nội dung đến trước được tính | en: seqs used again with other content; only the first arrival counts';
