-- vi: Dữ liệu đúng, đủ, sạch, sống đến đâu, phường, xã nào yếu nhất?
-- en: How accurate, complete, clean and live are the data, and which wards are weakest?
-- audience: leader, operator
-- ward: ward
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là 90 ngày cho đến ngày cuối | en: From day; empty: 90 days up to the last day
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT ward, ward_name,
    round(1 - sum(q.rejected) / sum(q.messages), 4) AS accurate,
    round(1 - sum(q.missing) / sum(q.known), 4) AS complete,
    round(greatest(0, 1 - (sum(q.conflicts) + sum(q.mismatches)) / sum(q.events)), 4) AS clean,
    round(sum(q.timely) / sum(q.timely_of), 4) AS live,
    sum(q.rejected) AS rejected, sum(q.messages) AS messages, sum(q.missing) AS missing, sum(q.known) AS known,
    sum(q.conflicts) AS conflicts, sum(q.mismatches) AS mismatches, sum(q.events) AS events,
    sum(q.timely) AS timely, sum(q.timely_of) AS timely_of, sum(q.backfill) AS backfill
FROM v_quality AS q
WHERE ({ward:String} = '' OR ward = {ward:String}) AND day BETWEEN ifNull({from:Nullable(Date)}, ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) - 89)
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06'))
GROUP BY ward, ward_name
ORDER BY least(ifNotFinite(accurate, 1), ifNotFinite(complete, 1), ifNotFinite(clean, 1), ifNotFinite(live, 1)), ward
