-- vi: Tỷ lệ đúng hạn thay đổi thế nào tùy cách tính hạn và lúc chờ bổ sung?
-- en: How does the on-time rate depend on the due date and on how supplements are counted?
-- audience: analyst, leader
-- chart: bar policy on_time_rate
-- unit: vi: tỷ lệ | en: share
-- basis: vi: theo tháng xử lý xong, so theo ngày; mỗi quy tắc nói rõ trong v_policies | en: by the month of the end, judged by date; each rule is said in v_policies
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ tháng của ngày này; trống là từ 61 ngày trước ngày cuối | en: From this day's month; empty: from 61 days before the last day
-- param to Nullable(Date) default '' -- vi: Đến tháng của ngày này; trống là đến nay | en: To this day's month; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT o.policy AS policy, sum(o.finished) AS finished, sum(o.early) AS early, sum(o.on_time) AS on_time,
    sum(o.overdue) AS overdue, sum(o.unjudged) AS unjudged,
    round((early + on_time) / nullIf(early + on_time + overdue, 0), 4) AS on_time_rate
FROM v_on_time_ward_month AS o
WHERE o.period BETWEEN toStartOfMonth(ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 61))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06')) AND ({ward:String} = '' OR o.ward = {ward:String})
GROUP BY policy
ORDER BY policy
