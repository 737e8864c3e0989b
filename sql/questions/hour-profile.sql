-- vi: Hồ sơ được tiếp nhận vào giờ nào trong ngày?
-- en: At which hours of the day are dossiers received?
-- audience: ward, analyst
-- chart: bar hour received,online
-- unit: vi: hồ sơ | en: dossiers
-- basis: vi: giờ Hà Nội của lúc tiếp nhận, theo từng hồ sơ | en: Hanoi's hour of the reception, dossier by dossier
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là từ đầu | en: From day; empty: the first
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT toHour(assumeNotNull(o.received_at)) AS hour, count() AS received, countIf(o.channel = 'online') AS online,
    countIf(o.channel = 'counter') AS counter, countIf(o.channel = 'post') AS post,
    round(received / sum(received) OVER (), 4) AS share
FROM v_dossiers AS o
WHERE o.accepted AND o.received_at IS NOT NULL AND toDate(o.received_at) BETWEEN ifNull({from:Nullable(Date)}, toDate('1970-01-01'))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06'))
    AND ({ward:String} = '' OR o.ward = {ward:String})
GROUP BY hour
ORDER BY hour
