-- vi: Quá hạn tăng vọt
-- en: Overdue dossiers jump
-- severity: warning
-- every: 60
-- what-vi: {ward_name} ({ward}) hôm nay xử lý xong {overdue} hồ sơ quá hạn; {days} ngày làm việc của bốn tuần qua: trung bình {mean}, nhiều nhất {most}
-- what-en: {ward_name} ({ward}) ended {overdue} dossiers late today; on {days} working days of its last four weeks: {mean} on average, {most} at most
-- impact-vi: Tỷ lệ đúng hạn của phường, xã và của thành phố giảm
-- impact-en: The share in time falls, the ward's and the city's
-- next-vi: Xem hồ sơ: dongbo sql "SELECT * FROM v_dossiers WHERE ward = '{ward}' AND toDate(finished_at) = '{day}' AND due_at < finished_at"
-- next-en: See the dossiers: dongbo sql "SELECT * FROM v_dossiers WHERE ward = '{ward}' AND toDate(finished_at) = '{day}' AND due_at < finished_at"
-- param least UInt32 default 5
-- param factor Float64 default 3
-- param days UInt32 default 5
WITH (SELECT toDate32(at) FROM r_now) AS today
SELECT
    concat(d.ward, '/', toString(today)) AS key,
    d.ward AS ward,
    toDateTime64(today, 3, 'Asia/Ho_Chi_Minh') AS since,
    today AS day,
    sumIf(d.overdue, d.day = today) AS overdue,
    countIf(d.day < today) AS days,
    avgIf(d.overdue, d.day < today) AS mean,
    maxIf(d.overdue, d.day < today) AS most
FROM v_ward_day AS d
WHERE d.day BETWEEN today - 28 AND today AND d.events > 0
GROUP BY d.ward
HAVING overdue >= {least:UInt32} AND overdue > most AND overdue >= {factor:Float64} * mean AND days >= {days:UInt32}
ORDER BY key
