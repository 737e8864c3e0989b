-- vi: Bao nhiêu hồ sơ được số hóa, bao nhiêu lệ phí nộp trực tuyến, ở từng phường, xã?
-- en: What share of dossiers is digitised, and of fees paid online, by ward?
-- audience: leader, analyst, ward
-- chart: bar ward_name digitised_share,paid_online_share
-- unit: vi: tỷ lệ | en: share
-- basis: vi: trên hồ sơ đã xử lý xong có nói; không nói thì không tính là không | en: of resolved dossiers that say so; not said is never counted as no
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ tháng của ngày này; trống là từ 61 ngày trước ngày cuối | en: From this day's month; empty: from 61 days before the last day
-- param to Nullable(Date) default '' -- vi: Đến tháng của ngày này; trống là đến nay | en: To this day's month; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT s.ward AS ward, any(s.ward_name) AS ward_name, sum(s.finished) AS finished, sum(s.digitised) AS digitised,
    sum(s.not_digitised) AS not_digitised, round(digitised / nullIf(digitised + not_digitised, 0), 4) AS digitised_share,
    sum(s.paid_online) AS paid_online, sum(s.paid_otherwise) AS paid_otherwise,
    round(paid_online / nullIf(paid_online + paid_otherwise, 0), 4) AS paid_online_share,
    sum(s.digitised_unknown) AS digitised_unknown, sum(s.paid_unknown) AS paid_unknown
FROM v_service_ward_month AS s
WHERE s.period BETWEEN toStartOfMonth(ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 61))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06')) AND ({ward:String} = '' OR s.ward = {ward:String})
GROUP BY ward
HAVING finished > 0
ORDER BY digitised_share, ward
