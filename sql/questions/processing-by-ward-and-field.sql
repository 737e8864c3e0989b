-- vi: Giải quyết một hồ sơ mất bao lâu, ở phường, xã nào, lĩnh vực nào?
-- en: How long does it take to process a dossier, by ward and field?
-- audience: leader, ward, analyst
-- chart: bar field median_days,p90_days ward_name
-- unit: vi: ngày làm việc | en: working days
-- basis: vi: phút làm việc theo lịch công sở từ tiếp nhận đến xử lý xong, 480 phút là một ngày; giờ làm việc là theo trí nhớ, chưa đọc trong văn bản; lúc chờ bổ sung không trừ | en: working minutes by the office calendar from reception to the end, 480 to the day; the hours are recalled, not read in a source; waiting for a supplement is not taken off
-- ward: ward
-- param ward String default '' choices ward -- vi: Phường, xã; trống là mọi nơi | en: Ward; empty: all
-- param least UInt32 default 1 -- vi: Chỉ nêu nơi có ít nhất chừng này hồ sơ xong | en: Only where at least so many are finished
SELECT p.ward AS ward, p.ward_name AS ward_name, p.field AS field, p.finished AS finished, p.median_minutes AS median_minutes,
    p.p90_minutes AS p90_minutes, p.max_minutes AS max_minutes, round(p.median_days, 2) AS median_days,
    round(p.p90_days, 2) AS p90_days
FROM v_ward_processing AS p
WHERE p.days = 0 AND p.field != '' AND p.finished >= {least:UInt32} AND ({ward:String} = '' OR p.ward = {ward:String})
ORDER BY p.p90_minutes DESC, ward, field
