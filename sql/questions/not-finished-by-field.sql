-- vi: Bao nhiêu hồ sơ bị từ chối, công dân rút, hoặc dừng xử lý, ở lĩnh vực nào?
-- en: How many dossiers are refused, withdrawn or stopped, and in which fields?
-- audience: analyst, leader
-- chart: bar field_vi refused,withdrawn,stopped
-- unit: vi: hồ sơ | en: dossiers
-- basis: vi: từ chối trên tổng tiếp nhận và từ chối; rút, dừng trên tiếp nhận | en: refused of those received or refused; withdrawn and stopped of those received
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là 366 ngày cho đến ngày cuối | en: From day; empty: 366 days up to the last day
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT d.field AS field, any(f.vi) AS field_vi, sumIf(d.count, d.status = 2) AS received,
    sumIf(d.count, d.status = 3) AS refused, sumIf(d.count, d.status = 7) AS withdrawn, sumIf(d.count, d.status = 8) AS stopped,
    if(received + refused > 0, round(refused / (received + refused), 4), NULL) AS refused_share,
    if(received > 0, round(withdrawn / received, 4), NULL) AS withdrawn_share,
    if(received > 0, round(stopped / received, 4), NULL) AS stopped_share
FROM v_ward_day_detail AS d
LEFT JOIN (SELECT code, vi FROM r_words WHERE kind = 'field') AS f ON f.code = d.field
WHERE d.day BETWEEN ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 365)
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06')) AND ({ward:String} = '' OR d.ward = {ward:String})
GROUP BY field
ORDER BY refused + withdrawn + stopped DESC, field
