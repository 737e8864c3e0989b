-- vi: Dữ liệu đúng, đủ, sạch, sống ra sao qua từng ngày?
-- en: How accurate, complete, clean and live are the data, day by day?
-- audience: operator, analyst
-- chart: line day accurate,complete,clean,live
-- unit: vi: tỷ lệ | en: share
-- basis: vi: theo ngày dữ liệu đến | en: by the day on which data arrived
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là 90 ngày cho đến ngày cuối | en: From day; empty: 90 days up to the last day
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
SELECT day, round(q.accurate, 4) AS accurate, round(q.complete, 4) AS complete, round(q.clean, 4) AS clean,
    round(q.live, 4) AS live, messages, rejected, known, missing, events, conflicts, mismatches, wards
FROM v_quality_city AS q
WHERE day BETWEEN ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 89)
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06'))
ORDER BY day
