-- vi: Hồ sơ được tiếp nhận vào giờ nào trong ngày?
-- en: At which hours of the day are dossiers received?
-- audience: ward, analyst
-- chart: bar hour received,online
-- unit: vi: hồ sơ | en: dossiers
-- basis: vi: giờ Hà Nội của lúc tiếp nhận, theo từng hồ sơ | en: Hanoi's hour of the reception, dossier by dossier
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là 90 ngày cho đến ngày cuối | en: From day; empty: 90 days up to the last day
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT toHour(assumeNotNull(o.received_at)) AS hour, count() AS received, countIf(o.channel = 'online') AS online,
    countIf(o.channel = 'counter') AS counter, countIf(o.channel = 'post') AS post,
    round(received / sum(received) OVER (), 4) AS share
FROM v_dossiers AS o
WHERE o.accepted AND o.received_at IS NOT NULL
    AND toDate(o.received_at) BETWEEN ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 89)
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06'))
    -- The newest step says when it was received, so a dossier of the period has such a step.
    AND (o.ward, o.dossier) IN
    (
        SELECT r.ward, r.dossier
        FROM v_receptions AS r
        WHERE r.received_at >= toDateTime64(ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 89), 3, 'Asia/Ho_Chi_Minh')
            AND r.received_at < toDateTime64(ifNull({to:Nullable(Date)}, toDate('2149-06-05')), 3, 'Asia/Ho_Chi_Minh') + INTERVAL 1 DAY
            AND ({ward:String} = '' OR r.ward = {ward:String})
    )
    AND ({ward:String} = '' OR o.ward = {ward:String})
GROUP BY hour
ORDER BY hour
