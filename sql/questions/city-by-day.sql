-- vi: Mỗi ngày toàn thành phố tiếp nhận, xử lý xong, trả kết quả bao nhiêu hồ sơ?
-- en: How many dossiers did the city receive, resolve and hand over on each day?
-- audience: analyst, leader
-- chart: line day received,resolved,returned
-- unit: vi: hồ sơ | en: dossiers
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là từ đầu | en: From day; empty: the first
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
SELECT day, received, resolved, returned, early, on_time, overdue, refused, withdrawn, stopped, supplements,
    round(online_share, 4) AS online_share, wards_reporting
FROM v_city_day
WHERE day BETWEEN ifNull({from:Nullable(Date)}, toDate('1970-01-01'))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06'))
ORDER BY day
