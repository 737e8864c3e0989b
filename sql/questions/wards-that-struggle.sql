-- vi: Phường, xã nào đang gặp khó: quá hạn nhiều, hồ sơ tồn nhiều so với sức làm?
-- en: Which wards struggle: much overdue, a large backlog against what they get done?
-- audience: leader, ward
-- chart: bar ward_name overdue_share
-- unit: vi: tỷ lệ | en: share
-- basis: vi: quá hạn theo ngày hẹn trên sự kiện; một ngày làm là ngày có hồ sơ xử lý xong; hồ sơ tồn là hiện tại, quá hạn tính đến ngày mới nhất có dữ liệu | en: overdue by the due day in the events; a day of work is one on which something was resolved; the backlog is the present one, overdue as of the newest day with data
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là từ đầu | en: From day; empty: the first
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param least UInt32 default 20 -- vi: Chỉ xếp nơi đã xử lý xong ít nhất chừng này hồ sơ | en: Rank only wards with at least so many resolved
WITH (SELECT max(day) FROM v_ward_day) AS newest
SELECT w.ward AS ward, w.ward_name AS ward_name, w.received AS received, w.resolved AS resolved, w.overdue AS overdue,
    if(resolved > 0, round(w.overdue / w.resolved, 4), NULL) AS overdue_share,
    b.backlog AS backlog, b.backlog_overdue AS backlog_overdue,
    if(w.days_worked > 0, round(w.resolved / w.days_worked, 2), 0) AS resolved_a_day,
    if(w.resolved > 0, round(b.backlog * w.days_worked / w.resolved, 1), NULL) AS backlog_days
FROM
(
    SELECT d.ward AS ward, any(d.ward_name) AS ward_name, sum(d.received) AS received, sum(d.resolved) AS resolved,
        sum(d.overdue) AS overdue, countIf(d.resolved > 0) AS days_worked
    FROM v_ward_day AS d
    WHERE d.day BETWEEN ifNull({from:Nullable(Date)}, toDate('1970-01-01'))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06'))
    GROUP BY d.ward
) AS w
LEFT JOIN
(
    SELECT o.ward AS ward, count() AS backlog, countIf(toDate(o.due_at) < newest) AS backlog_overdue
    FROM v_open_dossiers AS o
    WHERE o.open AND o.accepted
    GROUP BY o.ward
) AS b ON b.ward = w.ward
WHERE w.resolved >= {least:UInt32}
ORDER BY overdue_share DESC, backlog_days DESC, ward
