-- vi: Tháng này chưa thể tin số liệu của phường, xã nào, vì sao?
-- en: Whose figures cannot be trusted this month, and why?
-- audience: leader, operator, analyst
-- chart: bar ward_name reasons_count
-- unit: vi: lý do | en: reasons
-- basis: vi: thiếu, im lặng, khác sổ là lúc được hỏi; từ chối, trùng theo ngày đến; kê khai, muộn theo ngày xảy ra | en: missing, silent and differing are as of the instant asked for; rejected and reused by day of arrival; declared and late by the day they happened
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là đầu tháng của ngày cuối | en: From day; empty: the first of the last day's month
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param late UInt32 default 10 -- vi: Từ bao nhiêu bước đến muộn thì nêu | en: Name late steps from so many on
WITH ifNull({from:Nullable(Date)}, toStartOfMonth(ifNull({to:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)))) AS first,
    ifNull({to:Nullable(Date)}, toDate('2149-06-06')) AS last,
    arrayFilter(r -> r.1 > 0,
    [
        (toUInt64(s.alive = 'never'), 'chưa từng có dữ liệu', 'never heard of'),
        (toUInt64(s.alive = 'silent' OR s.reason = 'silent_before_closing'), 'đang im lặng', 'silent now'),
        (s.missing, concat('thiếu ', toString(s.missing), ' sự kiện'), concat(toString(s.missing), ' events missing')),
        (q.rejected, concat(toString(q.rejected), ' thông điệp bị từ chối'), concat(toString(q.rejected), ' messages rejected')),
        (q.conflicts, concat(toString(q.conflicts), ' số thứ tự dùng lại'), concat(toString(q.conflicts), ' seqs used again')),
        (q.mismatches, concat('kê khai lệch ', toString(q.mismatches)), concat('declared totals differ by ', toString(q.mismatches))),
        (if(l.late >= {late:UInt32}, l.late, 0), concat(toString(l.late), ' bước đến sau ngày'), concat(toString(l.late), ' steps after their day')),
        (s.differences, concat(toString(s.differences), ' ô sổ khác dữ liệu gốc'), concat(toString(s.differences), ' cells of books differ from raw events'))
    ]) AS reasons
SELECT s.ward AS ward, s.ward_name AS ward_name, length(reasons) AS reasons_count,
    arrayStringConcat(arrayMap(r -> r.2, reasons), '; ') AS why_vi,
    arrayStringConcat(arrayMap(r -> r.3, reasons), '; ') AS why_en,
    s.missing AS missing, q.rejected AS rejected, q.conflicts AS conflicts, q.mismatches AS mismatches, l.late AS late,
    s.differences AS cells_differing
FROM v_ward_status AS s
LEFT JOIN
(
    SELECT ward, sum(a.rejected) AS rejected, sum(a.conflicts) AS conflicts, sum(a.mismatches) AS mismatches
    FROM v_quality AS a
    WHERE a.day BETWEEN first AND last
    GROUP BY ward
) AS q ON q.ward = s.ward
LEFT JOIN
(
    SELECT ward, count() AS late FROM v_corrections AS c
    WHERE c.cause = 'late' AND c.change > 0 AND c.day BETWEEN first AND last
    GROUP BY ward
) AS l ON l.ward = s.ward
WHERE notEmpty(reasons)
ORDER BY reasons_count DESC, missing DESC, mismatches DESC, ward
