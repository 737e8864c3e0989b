-- vi: Hồ sơ tồn đã chờ bao lâu?
-- en: How long has the backlog been waiting?
-- audience: ward, leader
-- chart: bar days_waiting backlog,overdue
-- unit: vi: hồ sơ | en: dossiers
-- basis: vi: hồ sơ tồn hiện tại, tuổi tính theo ngày đến ngày được hỏi | en: the present backlog, its age in calendar days up to the day asked for
-- ward: ward
-- param day Nullable(Date) default '' -- vi: Ngày; trống là ngày mới nhất có dữ liệu | en: Day; empty: the newest with data
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
WITH ifNull({day:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) AS asked,
    greatest(0, dateDiff('day', toDate(o.received_at), asked)) AS days
SELECT multiIf(days < 3, 0, days < 7, 3, days < 14, 7, days < 30, 14, days < 90, 30, 90) AS days_from,
    transform(days_from, [0, 3, 7, 14, 30, 90], ['0-2', '3-6', '7-13', '14-29', '30-89', '90+'], '') AS days_waiting,
    count() AS backlog, countIf(toDate(o.due_at) < asked) AS overdue, uniqExact(o.ward) AS wards
FROM v_open_dossiers AS o
WHERE o.open AND o.accepted AND ({ward:String} = '' OR o.ward = {ward:String})
GROUP BY days_from
ORDER BY days_from
