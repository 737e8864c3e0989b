-- vi: Mỗi tuần hồ sơ đến qua kênh nào?
-- en: Through which channels do dossiers come, week by week?
-- audience: analyst, leader
-- chart: line week received channel_vi
-- unit: vi: hồ sơ | en: dossiers
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là 366 ngày cho đến ngày cuối | en: From day; empty: 366 days up to the last day
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT toMonday(toDate(d.day)) AS week, d.channel AS channel, any(c.vi) AS channel_vi, sum(d.count) AS received,
    round(received / sum(received) OVER (PARTITION BY week), 4) AS share
FROM v_ward_day_detail AS d
LEFT JOIN (SELECT code, vi FROM r_words WHERE kind = 'channel') AS c ON c.code = d.channel
WHERE d.status = 2 AND d.day BETWEEN ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 365)
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06')) AND ({ward:String} = '' OR d.ward = {ward:String})
GROUP BY week, channel
ORDER BY week, received DESC, channel
