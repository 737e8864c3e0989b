-- vi: Thủ tục nào phải yêu cầu bổ sung giấy tờ nhiều nhất?
-- en: Which procedures ask for supplements most?
-- audience: analyst, ward
-- chart: bar procedure dossiers
-- unit: vi: hồ sơ | en: dossiers
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là 90 ngày cho đến ngày cuối | en: From day; empty: 90 days up to the last day
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT s.procedure AS procedure, any(p.name) AS procedure_name, countIf(s.status = 2) AS received,
    countIf(s.status = 5) AS requests, uniqExactIf((s.ward, s.dossier), s.status = 5) AS dossiers,
    round(dossiers / nullIf(received, 0), 4) AS dossiers_share
FROM v_steps AS s
LEFT JOIN (SELECT code, name FROM r_procedures) AS p ON p.code = s.procedure
WHERE s.status IN (2, 5) AND s.day BETWEEN ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 89)
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06')) AND ({ward:String} = '' OR s.ward = {ward:String})
GROUP BY procedure
ORDER BY dossiers DESC, procedure
