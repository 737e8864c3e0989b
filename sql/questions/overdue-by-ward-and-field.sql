-- vi: Quá hạn nằm ở phường, xã nào, lĩnh vực nào?
-- en: Where is the overdue backlog: which ward, which field?
-- audience: ward, leader
-- chart: bar field overdue ward_name
-- unit: vi: hồ sơ | en: dossiers
-- ward: ward
-- param day Nullable(Date) default '' -- vi: Ngày; trống là ngày mới nhất có dữ liệu | en: Day; empty: the newest with data
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
WITH ifNull({day:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) AS asked
SELECT o.ward AS ward, any(w.name) AS ward_name, o.field AS field, count() AS backlog,
    countIf(toDate(o.due_at) < asked) AS overdue, round(overdue / backlog, 4) AS overdue_share,
    maxIf(dateDiff('day', toDate(o.due_at), asked), toDate(o.due_at) < asked) AS days_late_max
FROM v_open_dossiers AS o
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = o.ward
WHERE o.open AND o.accepted AND ({ward:String} = '' OR o.ward = {ward:String})
GROUP BY o.ward, o.field
HAVING overdue > 0
ORDER BY overdue DESC, ward, field
