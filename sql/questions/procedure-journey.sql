-- vi: Hồ sơ đi từ bước này sang bước sau mất bao lâu?
-- en: How long do dossiers take from one status to the next?
-- audience: analyst, ward
-- chart: bar to_vi hours_median from_vi
-- unit: vi: giờ đồng hồ | en: hours of the clock
-- basis: vi: giờ đồng hồ, không phải giờ làm việc; bước đã rút lại không tính | en: hours of the clock, not of work; steps taken back do not count
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là 90 ngày cho đến ngày cuối | en: From day; empty: 90 days up to the last day
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param procedure String default '' choices procedure -- vi: Thủ tục; trống là mọi thủ tục | en: Procedure; empty: all
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT step.1 AS from_status, step.2 AS to_status, any(a.vi) AS from_vi, any(b.vi) AS to_vi, count() AS dossiers,
    round(quantileExact(0.5)(step.3) / 3600, 2) AS hours_median, round(max(step.3) / 3600, 2) AS hours_max
FROM
(
    SELECT arrayJoin(arrayMap((x, y) -> (x.2, y.2, toInt64(y.1 - x.1)), arrayPopBack(path), arrayPopFront(path))) AS step
    FROM
    (
        SELECT arraySort(groupArray((toUnixTimestamp(s.occurred_at), s.status))) AS path
        FROM v_steps AS s
        WHERE s.day BETWEEN ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 89)
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06')) AND ({procedure:String} = '' OR s.procedure = {procedure:String})
            AND ({ward:String} = '' OR s.ward = {ward:String})
        GROUP BY s.ward, s.dossier
    )
) AS j
LEFT JOIN (SELECT code, vi FROM r_words WHERE kind = 'status') AS a ON a.code = toString(j.step.1)
LEFT JOIN (SELECT code, vi FROM r_words WHERE kind = 'status') AS b ON b.code = toString(j.step.2)
GROUP BY from_status, to_status
ORDER BY dossiers DESC, from_status, to_status
