-- vi: Tính đến một ngày, mỗi phường, xã còn bao nhiêu hồ sơ chưa kết thúc đã quá hạn?
-- en: As of a day, how many dossiers of each ward are not ended and past their due day?
-- audience: ward, leader
-- param day Date default '2025-07-21'
SELECT d.ward AS ward, any(w.ward_name) AS ward_name, count() AS overdue,
    max(dateDiff('day', d.due_at, toDateTime64({day:Date}, 3, 'Asia/Ho_Chi_Minh'))) AS days_late_max
FROM v_dossiers AS d
LEFT JOIN v_ward_sync AS w ON w.ward = d.ward
WHERE d.open AND toDate(d.due_at) < {day:Date} AND toDate(d.received_at) <= {day:Date}
GROUP BY d.ward
ORDER BY overdue DESC, ward
