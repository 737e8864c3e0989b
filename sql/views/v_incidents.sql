-- now-only: vi: nhật ký, mỗi dòng có lúc của nó và không đổi về sau: lọc theo seen_at | en: a log whose rows carry their time and never change: filter by seen_at
CREATE OR REPLACE VIEW v_incidents
(
    seen_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc phát hiện | en: when it was found',
    kind String COMMENT 'vi: lost_range, topic_recreated, log_truncated, append_time_back | en: lost_range, topic_recreated, log_truncated, append_time_back',
    topic String COMMENT 'vi: chủ đề Kafka | en: Kafka topic',
    partition UInt16 COMMENT 'vi: phân vùng Kafka | en: Kafka partition',
    first_offset UInt64 COMMENT 'vi: từ vị trí | en: first offset',
    last_offset UInt64 COMMENT 'vi: đến vị trí | en: last offset',
    wards Array(String) COMMENT 'vi: các phường, xã có thể bị ảnh hưởng | en: wards that may be affected',
    detail_vi String COMMENT 'vi: chuyện gì xảy ra, cần làm gì | en: what happened and what to do, in Vietnamese',
    detail_en String COMMENT 'vi: bằng tiếng Anh | en: the same in English'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT seen_at, kind, topic, partition, first_offset, last_offset, wards, detail_vi, detail_en
FROM incidents FINAL
COMMENT 'vi: những lần mất vị trí đọc Kafka | en: times when the position in Kafka was lost';
