CREATE OR REPLACE VIEW v_overdue
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    dossier String COMMENT 'vi: mã hồ sơ | en: dossier code',
    procedure String COMMENT 'vi: mã thủ tục | en: procedure code',
    field String COMMENT 'vi: lĩnh vực | en: field',
    status UInt8 COMMENT 'vi: trạng thái mới nhất | en: newest status',
    received_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc tiếp nhận | en: when the desk took it',
    due_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: hạn trả | en: due time',
    days_late Int64 COMMENT 'vi: quá hạn bao nhiêu ngày tính đến hôm nay | en: days past the due day, as of today'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    d.ward AS ward,
    w.name AS ward_name,
    d.dossier AS dossier,
    d.procedure AS procedure,
    d.field AS field,
    d.status AS status,
    d.received_at AS received_at,
    d.due_at AS due_at,
    ifNull(dateDiff('day', d.due_at, (SELECT at FROM r_now)), 0) AS days_late
FROM v_open_dossiers AS d
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = d.ward
WHERE d.due_at < (SELECT at FROM r_now)
COMMENT 'vi: hồ sơ chưa kết thúc đã quá hạn tính đến bây giờ, chỉ có mã; cho một ngày khác: lọc theo due_at | en: open dossiers past their due time now, codes only; for another day filter by due_at';
