-- vi: Phường, xã nào không chốt ngày hoặc chốt không khớp?
-- en: Which wards do not close their days, or close them with other totals?
-- audience: operator, ward
-- chart: bar ward_name short,over,not_declared
-- unit: vi: ngày | en: days
-- basis: vi: chỉ ngày làm việc phải chốt | en: only working days have to be closed
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là từ đầu | en: From day; empty: the first
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT t.ward AS ward, any(t.ward_name) AS ward_name, countIf(t.state = 'not_declared') AS not_declared,
    countIf(t.state = 'short') AS short, countIf(t.state = 'over') AS over, countIf(t.state = 'matched') AS matched,
    sum(t.short_by) AS short_by, sum(t.over_by) AS over_by,
    arrayStringConcat(arraySort(groupArrayIf(toString(t.day), t.state IN ('short', 'over'))), ', ') AS wrong_days
FROM v_control_totals AS t
WHERE t.day BETWEEN ifNull({from:Nullable(Date)}, toDate('1970-01-01'))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06')) AND ({ward:String} = '' OR t.ward = {ward:String})
GROUP BY ward
HAVING not_declared + short + over > 0
ORDER BY short + over DESC, not_declared DESC, ward
