-- vi: Ngày nào trong tuần đông nhất?
-- en: Which days of the week are busiest?
-- audience: ward, analyst
-- chart: bar weekday_vi received_avg,resolved_avg
-- unit: vi: hồ sơ một ngày | en: dossiers a day
-- basis: vi: trung bình của những ngày có dữ liệu | en: the mean of days with data
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là từ đầu | en: From day; empty: the first
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT toDayOfWeek(d.day) AS weekday,
    ['thứ hai', 'thứ ba', 'thứ tư', 'thứ năm', 'thứ sáu', 'thứ bảy', 'chủ nhật'][weekday] AS weekday_vi, count() AS days,
    round(avg(d.received), 1) AS received_avg, min(d.received) AS received_min, max(d.received) AS received_max,
    round(avg(d.resolved), 1) AS resolved_avg, if(sum(d.received) > 0, round(sum(d.online) / sum(d.received), 4), NULL) AS online_share
FROM
(
    SELECT day, sum(w.received) AS received, sum(w.resolved) AS resolved, sum(w.online) AS online
    FROM v_ward_day AS w
    WHERE w.day BETWEEN ifNull({from:Nullable(Date)}, toDate('1970-01-01'))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06')) AND ({ward:String} = '' OR w.ward = {ward:String})
    GROUP BY day
) AS d
GROUP BY weekday
ORDER BY weekday
