-- vi: Một phường, xã đứng ở đâu so với toàn thành phố?
-- en: Where does a ward stand against the city?
-- audience: ward, leader
-- basis: vi: số toàn thành phố là tổng chia tổng; vị trí 1 là trị lớn nhất, không có nghĩa là tốt nhất | en: the city's figure is sum by sum; place 1 is the greatest value, which does not mean the best
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là từ đầu | en: From day; empty: the first
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là nơi đông nhất | en: Ward; empty: the busiest
WITH
    (SELECT any(ward) FROM (SELECT ward FROM v_ward_day AS b WHERE b.day BETWEEN ifNull({from:Nullable(Date)}, toDate('1970-01-01'))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06')) GROUP BY ward ORDER BY sum(b.received) DESC, ward LIMIT 1)) AS busiest,
    if({ward:String} = '', busiest, {ward:String}) AS one
SELECT measure.1 AS measure_vi, measure.2 AS measure_en, round(anyIf(measure.3, w.ward = one), 4) AS value,
    round(sum(measure.4) / nullIf(sum(measure.5), 0), 4) AS city, round(quantileExact(0.5)(measure.3), 4) AS median,
    if(value IS NULL, NULL, 1 + arrayCount(x -> round(x, 4) > value, groupArray(measure.3))) AS place, count(measure.3) AS wards
FROM
(
    SELECT d.ward AS ward, sum(d.received) AS received, sum(d.resolved) AS resolved,
        sum(d.early) + sum(d.on_time) AS in_time, sum(d.online) AS online, sum(d.refused) AS refused,
        sum(d.withdrawn) AS withdrawn, sum(d.supplements) AS supplements, sum(d.minutes) AS minutes, countIf(d.received > 0) AS days
    FROM v_ward_day AS d
    WHERE d.day BETWEEN ifNull({from:Nullable(Date)}, toDate('1970-01-01'))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06'))
    GROUP BY d.ward
) AS w
ARRAY JOIN
[
    ('tiếp nhận một ngày', 'received a day', w.received / nullIf(w.days, 0), toFloat64(w.received), toFloat64(w.days)),
    ('tỷ lệ đúng hạn', 'share in time', w.in_time / nullIf(w.resolved, 0), toFloat64(w.in_time), toFloat64(w.resolved)),
    ('tỷ lệ trực tuyến', 'online share', w.online / nullIf(w.received, 0), toFloat64(w.online), toFloat64(w.received)),
    ('yêu cầu bổ sung mỗi hồ sơ', 'supplements a dossier', w.supplements / nullIf(w.received, 0), toFloat64(w.supplements), toFloat64(w.received)),
    ('tỷ lệ rút hồ sơ', 'share withdrawn', w.withdrawn / nullIf(w.received, 0), toFloat64(w.withdrawn), toFloat64(w.received)),
    ('phút làm việc mỗi hồ sơ', 'working minutes a dossier', w.minutes / nullIf(w.resolved, 0), toFloat64(w.minutes), toFloat64(w.resolved))
] AS measure
GROUP BY measure_vi, measure_en
ORDER BY measure_en
