-- vi: Cảnh báo nào đang mở, bao lâu, cần làm gì?
-- en: Which alerts are open, for how long, and what is to be done?
-- audience: operator, leader
SELECT severity, title_vi, title_en, ward, ward_name, started_at, age_s, acked_by, next_vi, next_en, id
FROM v_alerts
WHERE open
ORDER BY severity, started_at, id
