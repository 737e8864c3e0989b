CREATE OR REPLACE VIEW v_backlog
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    field String COMMENT 'vi: lĩnh vực | en: field',
    backlog UInt64 COMMENT 'vi: số hồ sơ đã tiếp nhận, chưa kết thúc | en: dossiers received and not ended',
    waiting UInt64 COMMENT 'vi: số hồ sơ mới đăng ký, chưa được tiếp nhận; không tính là tồn | en: dossiers registered, not received yet; not part of the backlog',
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
    countIf(d.accepted) AS backlog,
    countIf(NOT d.accepted) AS waiting,
    countIf(d.accepted AND d.due_at < (SELECT at FROM r_now)) AS overdue,
    minIf(d.received_at, d.accepted) AS oldest_received_at,
    ifNull(avgIf(dateDiff('second', d.received_at, (SELECT at FROM r_now)), d.accepted), 0) / 86400 AS days_avg,
    ifNull(maxIf(dateDiff('second', d.received_at, (SELECT at FROM r_now)), d.accepted), 0) / 86400 AS days_max
FROM v_open_dossiers AS d
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = d.ward
GROUP BY d.ward, d.field
COMMENT 'vi: hồ sơ tồn theo phường, xã và lĩnh vực | en: open dossiers by ward and field, with their age';
