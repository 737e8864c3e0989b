-- now-only: vi: chỉ giữ vài ngày; tại một mốc xem v_load_delays | en: kept for days only; as of a cut see v_load_delays
CREATE OR REPLACE VIEW v_loads
(
    stored_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc ghi xong | en: when the block was stored',
    kind String COMMENT 'vi: events hoặc books | en: events or books',
    messages UInt64 COMMENT 'vi: số thông điệp trong khối | en: messages in the block',
    delay_ms_min Int64 COMMENT 'vi: độ trễ nhỏ nhất từ lúc Kafka nhận | en: least delay since Kafka had the event',
    delay_ms_max Int64 COMMENT 'vi: độ trễ lớn nhất từ lúc Kafka nhận | en: greatest delay since Kafka had the event',
    insert_ms UInt32 COMMENT 'vi: thời gian ghi | en: time the inserts took'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    stored_at,
    kind,
    messages,
    dateDiff('millisecond', last_arrived_at, stored_at) AS delay_ms_min,
    dateDiff('millisecond', first_arrived_at, stored_at) AS delay_ms_max,
    insert_ms
FROM loads
COMMENT 'vi: từng khối đã nạp trong 7 ngày và độ trễ | en: each block loaded within 7 days and its delay';
