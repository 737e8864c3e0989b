-- vi: Tỷ lệ hồ sơ nộp trực tuyến mỗi tuần là bao nhiêu?
-- en: What share of dossiers came online, week by week?
-- audience: analyst, leader
-- chart: line week online_share
-- unit: vi: tỷ lệ | en: share
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là từ đầu | en: From day; empty: the first
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
SELECT toMonday(toDate(day)) AS week, sum(d.received) AS received, sum(d.online) AS online,
    if(received > 0, round(online / received, 4), 0) AS online_share
FROM v_city_day AS d
WHERE day BETWEEN ifNull({from:Nullable(Date)}, toDate('1970-01-01'))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06'))
GROUP BY week
ORDER BY week
