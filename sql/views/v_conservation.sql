CREATE OR REPLACE VIEW v_conservation
(
    hop String COMMENT 'vi: chặng: outbox_kafka, kafka_loader, loader_rows, events_books | en: hop: outbox_kafka, kafka_loader, loader_rows, events_books',
    hop_vi String COMMENT 'vi: tên chặng | en: name of the hop in Vietnamese',
    hop_en String COMMENT 'vi: tên chặng bằng tiếng Anh | en: name of the hop',
    partition UInt16 COMMENT 'vi: phân vùng Kafka | en: Kafka partition',
    state String COMMENT 'vi: equal, in_flight hoặc broken | en: equal, in_flight or broken',
    expected UInt64 COMMENT 'vi: bên trước của chặng có bao nhiêu | en: how many the hop''s near side has',
    found UInt64 COMMENT 'vi: bên sau của chặng có bao nhiêu trong số đó | en: how many of these the far side has',
    in_flight UInt64 COMMENT 'vi: đang trên đường | en: on their way',
    broken UInt64 COMMENT 'vi: mất hoặc sai, không phải đang trên đường | en: lost or wrong, and not on their way',
    detail_vi String COMMENT 'vi: chuyện gì, ở đâu | en: what and where, in Vietnamese',
    detail_en String COMMENT 'vi: bằng tiếng Anh | en: the same in English',
    at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: xét lúc | en: when it was judged'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    hop,
    transform(
        toString(hop),
        ['outbox_kafka', 'kafka_loader', 'loader_rows', 'events_books'],
        ['hộp gửi → Kafka', 'Kafka → bộ nạp', 'bộ nạp → dòng dữ liệu', 'sự kiện → sổ'],
        '') AS hop_vi,
    transform(
        toString(hop),
        ['outbox_kafka', 'kafka_loader', 'loader_rows', 'events_books'],
        ['outbox → Kafka', 'Kafka → loader', 'loader → rows', 'events → books'],
        '') AS hop_en,
    partition,
    multiIf(broken > 0, 'broken', in_flight > 0, 'in_flight', 'equal') AS state,
    expected,
    found,
    in_flight,
    broken,
    detail_vi,
    detail_en,
    at
FROM r_conservation
COMMENT 'vi: bảo toàn qua từng chặng và phân vùng: expected = found + in_flight + broken, lần xét mới nhất | en: conservation per hop and partition: expected = found + in_flight + broken, newest judgement';
