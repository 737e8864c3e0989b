-- vi: Hai phường, xã khác nhau thế nào?
-- en: How do two wards differ?
-- audience: ward, analyst, leader
-- chart: bar ward_name received,resolved
-- unit: vi: hồ sơ | en: dossiers
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là từ đầu | en: From day; empty: the first
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã thứ nhất; trống là nơi đông nhất | en: First ward; empty: the busiest
-- param other String default '' choices ward -- vi: Phường, xã thứ hai; trống là nơi đông nhất còn lại | en: Second ward; empty: the busiest of the others
WITH
    (SELECT groupArray(ward) FROM (SELECT ward FROM v_ward_day AS b WHERE b.day BETWEEN ifNull({from:Nullable(Date)}, toDate('1970-01-01'))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06')) GROUP BY ward ORDER BY sum(b.received) DESC, ward LIMIT 2)) AS busiest,
    if({ward:String} = '', busiest[1], {ward:String}) AS one,
    if({other:String} = '', if(one = busiest[1], busiest[2], busiest[1]), {other:String}) AS two
SELECT w.ward AS ward, w.ward_name AS ward_name, w.received AS received, round(w.received / w.days, 2) AS received_a_day,
    w.resolved AS resolved, round(w.in_time / nullIf(w.resolved, 0), 4) AS in_time_share,
    round(w.online / nullIf(w.received, 0), 4) AS online_share, round(w.supplements / nullIf(w.received, 0), 4) AS supplements_each,
    round(w.refused / nullIf(w.received + w.refused, 0), 4) AS refused_share,
    round(w.withdrawn / nullIf(w.received, 0), 4) AS withdrawn_share, round(w.minutes / nullIf(w.resolved, 0)) AS minutes_avg
FROM
(
    SELECT d.ward AS ward, any(d.ward_name) AS ward_name, sum(d.received) AS received, sum(d.resolved) AS resolved,
        sum(d.early) + sum(d.on_time) AS in_time, sum(d.online) AS online, sum(d.refused) AS refused,
        sum(d.withdrawn) AS withdrawn, sum(d.supplements) AS supplements, sum(d.minutes) AS minutes, countIf(d.received > 0) AS days
    FROM v_ward_day AS d
    WHERE d.ward IN (one, two) AND d.day BETWEEN ifNull({from:Nullable(Date)}, toDate('1970-01-01'))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06'))
    GROUP BY d.ward
) AS w
ORDER BY w.ward != one
