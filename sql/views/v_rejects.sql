CREATE OR REPLACE VIEW v_rejects
(
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận | en: when Kafka had it',
    ward String COMMENT 'vi: mã phường, xã, rỗng nếu không rõ | en: ward code, empty if not known',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    reason String COMMENT 'vi: mã lý do | en: code of the reason',
    reason_vi String COMMENT 'vi: lý do bằng tiếng Việt | en: the reason in Vietnamese',
    reason_en String COMMENT 'vi: lý do bằng tiếng Anh | en: the reason in English',
    remedy_vi String COMMENT 'vi: cần gửi gì thay thế, tiếng Việt | en: what to send instead, in Vietnamese',
    remedy_en String COMMENT 'vi: cần gửi gì thay thế, tiếng Anh | en: what to send instead, in English',
    member String COMMENT 'vi: thành phần sai | en: the offending member',
    detail String COMMENT 'vi: thấy gì sai | en: what was found',
    bytes UInt64 COMMENT 'vi: độ dài nội dung | en: length of the value',
    topic String COMMENT 'vi: chủ đề Kafka | en: Kafka topic',
    partition UInt16 COMMENT 'vi: phân vùng Kafka | en: Kafka partition',
    kafka_offset UInt64 COMMENT 'vi: vị trí trong phân vùng | en: offset in the partition'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    r.arrived_at AS arrived_at,
    r.ward AS ward,
    w.name AS ward_name,
    r.reason AS reason,
    why.vi AS reason_vi,
    why.en AS reason_en,
    why.remedy_vi AS remedy_vi,
    why.remedy_en AS remedy_en,
    r.member AS member,
    r.detail AS detail,
    r.bytes AS bytes,
    r.topic AS topic,
    r.partition AS partition,
    r.`offset` AS kafka_offset
FROM r_rejects AS r
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = r.ward
LEFT JOIN (SELECT code, vi, en, remedy_vi, remedy_en FROM r_reasons) AS why ON why.code = r.reason
COMMENT 'vi: thông điệp bị từ chối trong 30 ngày, không có nội dung gốc vì có thể chứa dữ liệu cá nhân | en: messages rejected within 30 days, without the original bytes since they may hold personal data';
