CREATE OR REPLACE VIEW v_backlog
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    field String COMMENT 'vi: lĩnh vực | en: field',
    backlog UInt64 COMMENT 'vi: số hồ sơ chưa kết thúc | en: dossiers not ended',
    overdue UInt64 COMMENT 'vi: trong đó đã quá hạn tính đến bây giờ | en: of these past their due time now',
    oldest_received_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: hồ sơ cũ nhất được tiếp nhận lúc | en: when the oldest of them was received',
    days_avg Float64 COMMENT 'vi: tuổi trung bình, ngày | en: mean age in days',
    days_max Float64 COMMENT 'vi: tuổi lớn nhất, ngày | en: greatest age in days'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    d.ward AS ward,
    any(w.name) AS ward_name,
    d.field AS field,
    count() AS backlog,
    countIf(d.due_at < now()) AS overdue,
    min(d.received_at) AS oldest_received_at,
    ifNull(avg(dateDiff('second', d.received_at, now())), 0) / 86400 AS days_avg,
    ifNull(max(dateDiff('second', d.received_at, now())), 0) / 86400 AS days_max
FROM v_dossiers AS d
LEFT JOIN (SELECT code, name FROM wards FINAL) AS w ON w.code = d.ward
WHERE d.open
GROUP BY d.ward, d.field
COMMENT 'vi: hồ sơ tồn theo phường, xã và lĩnh vực | en: open dossiers by ward and field, with their age';
