-- vi: Phường, xã nào tiếp nhận nhiều hồ sơ nhất trong kỳ?
-- en: Which wards received the most dossiers in the period?
-- audience: analyst, leader
-- param from Date default '2020-01-01'
-- param to Date default '2099-12-31'
-- param top UInt32 default 126
SELECT ward, any(ward_name) AS ward_name, sum(d.received) AS received, sum(d.resolved) AS resolved,
    sum(d.overdue) AS overdue, if(resolved > 0, round(1 - overdue / resolved, 4), 1) AS in_time_share
FROM v_ward_day AS d
WHERE day BETWEEN {from:Date} AND {to:Date}
GROUP BY ward
ORDER BY received DESC, ward
LIMIT {top:UInt32}
