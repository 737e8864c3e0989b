-- vi: Giải quyết một hồ sơ mất bao lâu, ở phường, xã nào, lĩnh vực nào?
-- en: How long does it take to process a dossier, by ward and field?
-- audience: leader, ward, analyst
-- chart: bar field median_days,p90_days ward_name
-- unit: vi: ngày làm việc | en: working days
-- basis: vi: phút làm việc theo lịch công sở từ tiếp nhận đến xử lý xong, 480 phút là một ngày; giờ làm việc là theo trí nhớ, chưa đọc trong văn bản; lúc chờ bổ sung không trừ | en: working minutes by the office calendar from reception to the end, 480 to the day; the hours are recalled, not read in a source; waiting for a supplement is not taken off
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày xử lý xong; trống là 90 ngày cho đến ngày cuối | en: From day of the end; empty: 90 days up to the last day
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là mọi nơi | en: Ward; empty: all
-- param least UInt32 default 1 -- vi: Chỉ nêu nơi có ít nhất chừng này hồ sơ xong | en: Only where at least so many are finished
SELECT s.ward AS ward, any(w.name) AS ward_name, s.field AS field, count() AS finished,
    quantileExactLow(0.5)(s.minutes) AS median_minutes, quantileExactLow(0.9)(s.minutes) AS p90_minutes,
    max(s.minutes) AS max_minutes, round(median_minutes / 480, 2) AS median_days, round(p90_minutes / 480, 2) AS p90_days
FROM v_steps AS s
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = s.ward
WHERE s.status = 9 AND s.day BETWEEN ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 89)
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06')) AND ({ward:String} = '' OR s.ward = {ward:String})
GROUP BY ward, field
HAVING finished >= {least:UInt32}
ORDER BY p90_minutes DESC, ward, field
