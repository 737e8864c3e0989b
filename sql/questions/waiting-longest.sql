-- vi: Hồ sơ nào đang chờ lâu nhất?
-- en: Which dossiers have been waiting longest?
-- audience: ward, operator
-- ward: ward
-- param day Nullable(Date) default '' -- vi: Ngày; trống là ngày mới nhất có dữ liệu | en: Day; empty: the newest with data
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
-- param top UInt32 default 50 -- vi: Bao nhiêu dòng đầu | en: How many of the first
WITH ifNull({day:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) AS asked
SELECT o.ward AS ward, w.name AS ward_name, o.dossier AS dossier, o.procedure AS procedure, o.field AS field, o.status AS status,
    o.received_at AS received_at, o.due_at AS due_at, greatest(0, dateDiff('day', toDate(o.received_at), asked)) AS days_waiting,
    if(toDate(o.due_at) < asked, dateDiff('day', toDate(o.due_at), asked), 0) AS days_late
FROM v_open_dossiers AS o
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = o.ward
WHERE o.open AND o.accepted AND ({ward:String} = '' OR o.ward = {ward:String})
ORDER BY o.received_at, ward, dossier
LIMIT {top:UInt32}
