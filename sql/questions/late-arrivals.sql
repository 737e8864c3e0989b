-- vi: Phường, xã nào gửi số liệu muộn, sau khi ngày đã hết, và muộn bao lâu?
-- en: Which wards send figures late, after the day is over, and how late?
-- audience: operator, ward
-- chart: bar ward_name steps
-- unit: vi: bước | en: steps
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là 90 ngày cho đến ngày cuối | en: From day; empty: 90 days up to the last day
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT c.ward AS ward, any(c.ward_name) AS ward_name, count() AS steps, uniqExact(c.day) AS days,
    quantileExact(0.5)(dateDiff('day', c.day, toDate(c.arrived_at))) AS days_late_median,
    max(dateDiff('day', c.day, toDate(c.arrived_at))) AS days_late_max, max(c.arrived_at) AS newest
FROM v_corrections AS c
WHERE c.cause = 'late' AND c.change > 0 AND c.day BETWEEN ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 89)
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06')) AND ({ward:String} = '' OR c.ward = {ward:String})
GROUP BY ward
ORDER BY steps DESC, ward
