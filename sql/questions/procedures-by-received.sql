-- vi: Thủ tục nào nhiều hồ sơ nhất, còn dở và quá hạn bao nhiêu?
-- en: Which procedures have most dossiers, and how many are open and overdue?
-- audience: analyst, leader, ward
-- chart: bar procedure received,open
-- unit: vi: hồ sơ | en: dossiers
-- basis: vi: theo từng hồ sơ, ngày tiếp nhận trong kỳ; quá hạn tính đến ngày mới nhất có dữ liệu | en: dossier by dossier, received within the period; overdue as of the newest day with data
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là 90 ngày cho đến ngày cuối | en: From day; empty: 90 days up to the last day
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
WITH (SELECT max(day) FROM v_ward_day) AS newest
SELECT o.procedure AS procedure, any(p.name) AS procedure_name, any(o.field) AS field, count() AS received,
    round(countIf(o.channel = 'online') / received, 4) AS online_share, countIf(o.open) AS open,
    countIf(o.open AND toDate(o.due_at) < newest) AS overdue
FROM v_dossiers AS o
LEFT JOIN (SELECT code, name FROM r_procedures) AS p ON p.code = o.procedure
WHERE o.accepted AND toDate(o.received_at) BETWEEN ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 89)
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
GROUP BY procedure
ORDER BY received DESC, procedure
