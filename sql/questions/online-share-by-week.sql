-- vi: Tỷ lệ hồ sơ nộp trực tuyến mỗi tuần là bao nhiêu?
-- en: What share of dossiers came online, week by week?
-- audience: analyst, leader
-- param from Date default '2020-01-01'
-- param to Date default '2099-12-31'
SELECT toMonday(toDate(day)) AS week, sum(d.received) AS received, sum(d.online) AS online,
    if(received > 0, round(online / received, 4), 0) AS online_share
FROM v_city_day AS d
WHERE day BETWEEN {from:Date} AND {to:Date}
GROUP BY week
ORDER BY week
