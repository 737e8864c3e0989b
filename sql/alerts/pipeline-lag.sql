-- vi: Đường ống chậm
-- en: The pipeline is slow
-- severity: critical
-- for: 30
-- what-vi: {what_is_vi}
-- what-en: {what_is_en}
-- impact-vi: Trang và câu hỏi trả lời với số liệu cũ
-- impact-en: The page and the questions answer with old figures
-- next-vi: Chạy: dongbo lag, rồi: dongbo status; tiến trình dừng hay chậm thì xem var/logs/
-- next-en: Run: dongbo lag, then: dongbo status; if a process stands or is slow, see var/logs/
-- param delay_s UInt32 default 10
-- param messages UInt32 default 20000
SELECT
    concat('delay-', l.kind) AS key,
    '' AS ward,
    min(l.at) AS since,
    concat('Từ Kafka đến ClickHouse mất đến ', toString(intDiv(max(l.delay_ms_max), 1000)), ' giây (', key, ')') AS what_is_vi,
    concat('From Kafka to ClickHouse it takes up to ', toString(intDiv(max(l.delay_ms_max), 1000)), ' seconds (', key, ')')
        AS what_is_en
FROM v_load_delays AS l
-- The last minute; `at` is the beginning of ten seconds.
WHERE l.at > (SELECT at FROM r_now) - INTERVAL 70 SECOND
GROUP BY l.kind
HAVING max(l.delay_ms_max) > toInt64({delay_s:UInt32}) * 1000
UNION ALL
SELECT
    'lag' AS key,
    '' AS ward,
    max(c.at) AS since,
    concat(toString(sum(c.in_flight)), ' thông điệp trong Kafka chưa được nạp') AS what_is_vi,
    concat(toString(sum(c.in_flight)), ' messages in Kafka are not loaded yet') AS what_is_en
FROM v_conservation AS c
WHERE c.hop = 'kafka_loader'
HAVING sum(c.in_flight) > {messages:UInt32}
