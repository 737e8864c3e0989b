-- vi: Lĩnh vực nào nhiều hồ sơ nhất, lĩnh vực nào quá hạn nhiều nhất?
-- en: Which fields have most dossiers, and which are overdue most?
-- audience: analyst, leader
-- chart: bar field_vi received,resolved
-- unit: vi: hồ sơ | en: dossiers
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là 366 ngày cho đến ngày cuối | en: From day; empty: 366 days up to the last day
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT d.field AS field, any(f.vi) AS field_vi, sumIf(d.count, d.status = 2) AS received,
    round(received / nullIf(sum(received) OVER (), 0), 4) AS share, sumIf(d.count, d.status = 9) AS resolved,
    sumIf(d.count, d.status = 9 AND d.timeliness = 'overdue') AS overdue,
    if(resolved > 0, round(overdue / resolved, 4), NULL) AS overdue_share
FROM v_ward_day_detail AS d
LEFT JOIN (SELECT code, vi FROM r_words WHERE kind = 'field') AS f ON f.code = d.field
WHERE d.day BETWEEN ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 365)
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06')) AND ({ward:String} = '' OR d.ward = {ward:String})
GROUP BY field
ORDER BY received DESC, field
