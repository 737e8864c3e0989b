-- vi: Phường, xã nào tăng, giảm nhiều nhất trong bảy ngày so với bảy ngày trước?
-- en: Which wards rose or fell most in seven days against the seven days before?
-- audience: leader, analyst
-- chart: bar ward_name received,received_before
-- unit: vi: hồ sơ | en: dossiers
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là ngày trọn vẹn mới nhất | en: To day; empty: the newest whole day
WITH toDate(ifNull({to:Nullable(Date)}, least((SELECT max(day) FROM v_ward_day), toDate((SELECT at FROM r_now)) - 1))) AS last
SELECT ward, any(d.ward_name) AS ward_name, sumIf(d.received, d.day > last - 7) AS received,
    sumIf(d.received, d.day <= last - 7) AS received_before, received - received_before AS change,
    if(received_before > 0, round(received / received_before - 1, 4), NULL) AS growth
FROM v_ward_day AS d
WHERE d.day BETWEEN last - 13 AND last
GROUP BY ward
ORDER BY growth DESC NULLS LAST, ward
