-- vi: Tính đến một ngày, mỗi phường, xã còn bao nhiêu hồ sơ chưa kết thúc đã quá hạn?
-- en: As of a day, how many dossiers of each ward are not ended and past their due day?
-- audience: ward, leader
-- ward: ward
-- chart: bar ward_name overdue
-- unit: vi: hồ sơ | en: dossiers
-- param day Nullable(Date) default '' -- vi: Ngày; trống là ngày mới nhất có dữ liệu | en: Day; empty: the newest with data
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
WITH ifNull({day:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) AS asked
SELECT d.ward AS ward, any(w.ward_name) AS ward_name, count() AS overdue,
    max(dateDiff('day', d.due_at, toDateTime64(asked, 3, 'Asia/Ho_Chi_Minh'))) AS days_late_max
FROM v_open_dossiers AS d
LEFT JOIN v_ward_sync AS w ON w.ward = d.ward
WHERE d.open AND ({ward:String} = '' OR d.ward = {ward:String}) AND toDate(d.due_at) < asked AND toDate(d.received_at) <= asked
GROUP BY d.ward
ORDER BY overdue DESC, ward
