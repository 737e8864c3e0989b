CREATE OR REPLACE VIEW v_load_delays
(
    kind String COMMENT 'vi: events hoặc books | en: events or books',
    at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: mười giây bắt đầu lúc này | en: the ten seconds that begin here',
    delay_ms_max Int64 COMMENT 'vi: độ trễ lớn nhất từ lúc Kafka nhận đến lúc ghi xong | en: greatest delay from when Kafka had a message until it was stored'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT l.kind AS kind, l.at AS at, l.delay_ms_max AS delay_ms_max
FROM r_load_delays AS l
COMMENT 'vi: độ trễ nạp theo từng mười giây, giữ mãi | en: how late the loader was, in steps of ten seconds, kept for good';
