-- vi: Vì sao số liệu của một ngày đã thay đổi sau khi ngày đó kết thúc?
-- en: Why did the figures of a day change after its end?
-- audience: operator, ward, leader
-- ward: ward
-- param day Nullable(Date) default '' -- vi: Ngày; trống là ngày mới nhất có dữ liệu | en: Day; empty: the newest with data
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT c.ward AS ward, any(c.ward_name) AS ward_name, c.status AS status, c.cause AS cause,
    sum(c.change) AS change, countIf(c.event != '') + sumIf(abs(c.change), c.event = '') AS changes, argMin(c.old_count, c.arrived_at) AS old_count,
    argMax(c.new_count, c.arrived_at) AS new_count, min(c.arrived_at) AS first_arrived_at,
    max(c.arrived_at) AS last_arrived_at, min(c.cut) AS first_cut, max(c.cut) AS last_cut
FROM v_corrections AS c
WHERE ({ward:String} = '' OR c.ward = {ward:String}) AND c.day = ifNull({day:Nullable(Date)}, (SELECT max(day) FROM v_ward_day))
GROUP BY ward, status, cause
ORDER BY ward, status, cause
