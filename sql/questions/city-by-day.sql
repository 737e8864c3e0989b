-- vi: Mỗi ngày toàn thành phố tiếp nhận, xử lý xong, trả kết quả bao nhiêu hồ sơ?
-- en: How many dossiers did the city receive, resolve and hand over on each day?
-- audience: analyst, leader
-- param from Date default '2020-01-01'
-- param to Date default '2099-12-31'
SELECT day, received, resolved, returned, early, on_time, overdue, refused, withdrawn, stopped, supplements,
    round(online_share, 4) AS online_share, wards_reporting
FROM v_city_day
WHERE day BETWEEN {from:Date} AND {to:Date}
ORDER BY day
