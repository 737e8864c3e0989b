-- vi: Phường, xã nào tiếp nhận nhiều hồ sơ nhất trong kỳ?
-- en: Which wards received the most dossiers in the period?
-- audience: analyst, leader
-- chart: bar ward_name received,resolved
-- unit: vi: hồ sơ | en: dossiers
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là từ đầu | en: From day; empty: the first
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param top UInt32 default 126 -- vi: Bao nhiêu dòng đầu | en: How many of the first
SELECT ward, any(ward_name) AS ward_name, sum(d.received) AS received, sum(d.resolved) AS resolved,
    sum(d.overdue) AS overdue, if(resolved > 0, round(1 - overdue / resolved, 4), 1) AS in_time_share
FROM v_ward_day AS d
WHERE day BETWEEN ifNull({from:Nullable(Date)}, toDate('1970-01-01'))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06'))
GROUP BY ward
ORDER BY received DESC, ward
LIMIT {top:UInt32}
