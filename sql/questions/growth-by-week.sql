-- vi: Số hồ sơ tiếp nhận tăng hay giảm qua từng tuần?
-- en: Is the number of dossiers received rising or falling from week to week?
-- audience: leader, analyst
-- chart: bar week_from received,resolved
-- unit: vi: hồ sơ | en: dossiers
-- basis: vi: tuần là bảy ngày, đếm ngược từ ngày cuối; chỉ so hai tuần liền nhau đủ bảy ngày có dữ liệu | en: a week is seven days, counted back from the last day; only two weeks in a row with seven days of data each are compared
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là từ đầu | en: From day; empty: the first
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là ngày trọn vẹn mới nhất | en: To day; empty: the newest whole day
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
WITH toDate(ifNull({to:Nullable(Date)}, least((SELECT max(day) FROM v_ward_day), toDate((SELECT at FROM r_now)) - 1))) AS last
SELECT week_from, week_from + 6 AS week_to, days, received, resolved, online,
    if(days = 7 AND lagInFrame(days) OVER before = 7 AND lagInFrame(week_from) OVER before = week_from - 7,
        round(received / lagInFrame(received) OVER before - 1, 4), NULL) AS growth
FROM
(
    SELECT toDate(last - 7 * intDiv(last - toDate(d.day), 7) - 6) AS week_from, uniqExact(d.day) AS days,
        sum(d.received) AS received, sum(d.resolved) AS resolved, sum(d.online) AS online
    FROM v_ward_day AS d
    WHERE d.day <= last AND d.day >= ifNull({from:Nullable(Date)}, toDate('1970-01-01'))
        AND ({ward:String} = '' OR d.ward = {ward:String})
    GROUP BY week_from
)
WINDOW before AS (ORDER BY week_from ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
ORDER BY week_from
