-- What the gateway answered 202 for, as far as one number says it. Kafka that loses its newest messages would else show
-- nothing until the ward is heard again. Not a heartbeat: no ward's status is judged by it.

CREATE TABLE IF NOT EXISTS gateway_acks
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi | en: life of the ward''s outbox',
    seq_max UInt64 COMMENT 'vi: số thứ tự cao nhất mà Kafka đã xác nhận với cổng | en: highest seq that Kafka acknowledged to the gateway',
    at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc cổng ghi nhận số đó | en: when the gateway noted it'
)
ENGINE = ReplacingMergeTree(seq_max)
ORDER BY (ward, epoch)
COMMENT 'vi: cổng đã xác nhận với phường, xã đến số nào, không phải nhịp tim | en: up to which seq the gateway acknowledged to wards; no heartbeat';
