-- vi: Số liệu để dự báo: mỗi ngày bao nhiêu hồ sơ, bao nhiêu nơi đã báo?
-- en: What a forecast needs: dossiers of each day, and how many wards have reported
-- audience: analyst
-- chart: line day received,resolved
-- unit: vi: hồ sơ | en: dossiers
-- basis: vi: ngày đang diễn ra chưa trọn (whole = 0) | en: the running day is not whole (whole = 0)
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là từ đầu | en: From day; empty: the first
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
SELECT d.day AS day, toDayOfWeek(d.day) AS weekday, d.received AS received, d.resolved AS resolved, d.online AS online,
    d.wards_reporting AS wards_reporting, d.wards_closed AS wards_closed, d.day < toDate((SELECT at FROM r_now)) AS whole
FROM v_city_day AS d
WHERE d.day BETWEEN ifNull({from:Nullable(Date)}, toDate('1970-01-01'))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06'))
ORDER BY day
