-- vi: Số liệu đã công bố thay đổi bao nhiêu, vì sao?
-- en: How much have figures changed after their day, and why?
-- audience: operator, analyst
-- chart: bar day added cause
-- unit: vi: bước | en: steps
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là 90 ngày cho đến ngày cuối | en: From day; empty: 90 days up to the last day
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT c.day AS day, c.cause AS cause, sumIf(c.change, c.change > 0) AS added, -sumIf(c.change, c.change < 0) AS taken_back,
    sum(if(c.status = 2, c.change, 0)) AS received_change, sum(if(c.status = 9, c.change, 0)) AS resolved_change,
    uniqExact(c.ward) AS wards
FROM v_corrections AS c
WHERE c.day BETWEEN ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 89)
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06')) AND ({ward:String} = '' OR c.ward = {ward:String})
GROUP BY day, cause
ORDER BY day, cause
