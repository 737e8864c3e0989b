-- vi: Hồ sơ nào sắp đến hạn?
-- en: Which dossiers fall due soon?
-- audience: ward
-- ward: ward
-- param day Nullable(Date) default '' -- vi: Ngày; trống là ngày mới nhất có dữ liệu | en: Day; empty: the newest with data
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
-- param days UInt16 default 3 -- vi: Trong bao nhiêu ngày tới | en: Within how many days
-- param top UInt32 default 200 -- vi: Bao nhiêu dòng đầu | en: How many of the first
WITH ifNull({day:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) AS asked
SELECT toDate(o.due_at) AS due_day, o.ward AS ward, w.name AS ward_name, o.dossier AS dossier, o.procedure AS procedure,
    o.field AS field, o.status AS status, o.due_at AS due_at, dateDiff('day', asked, due_day) AS days_left
FROM v_open_dossiers AS o
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = o.ward
WHERE o.open AND o.accepted AND toDate(o.due_at) BETWEEN asked AND asked + {days:UInt16}
    AND ({ward:String} = '' OR o.ward = {ward:String})
ORDER BY o.due_at, ward, dossier
LIMIT {top:UInt32}
