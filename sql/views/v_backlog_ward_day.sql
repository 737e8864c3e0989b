CREATE OR REPLACE VIEW v_backlog_ward_day
(
    period Date32 COMMENT 'vi: ngày | en: the day',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    policy String COMMENT 'vi: quy tắc hạn trả và tạm dừng, xem v_policies | en: rule of the due date and of supplements, see v_policies',
    backlog Int64 COMMENT 'vi: đã tiếp nhận, chưa kết thúc vào cuối ngày | en: received and not ended at the end of the day',
    within Int64 COMMENT 'vi: trong backlog: còn hạn (ngày hẹn từ hôm đó trở đi) hoặc không có hẹn | en: of the backlog: within its time (due on that day or later), or without a due day',
    due_soon Int64 COMMENT 'vi: trong within: hẹn trong ngày đó hoặc ngày sau | en: of those within: due on that day or the next',
    overdue Int64 COMMENT 'vi: trong backlog: ngày hẹn trước ngày đó | en: of the backlog: due on a day before',
    no_due Int64 COMMENT 'vi: trong within: không có ngày hẹn | en: of those within: without a due day',
    week_end Bool COMMENT 'vi: ngày cuối tuần, hoặc ngày mới nhất: lọc để có số cuối tuần | en: last day of its week, or the newest day: filter on it for the end of each week',
    month_end Bool COMMENT 'vi: ngày cuối tháng, hoặc ngày mới nhất: lọc để có số cuối tháng | en: last day of its month, or the newest day: filter on it for the end of each month',
    complete Bool COMMENT 'vi: ngày đã hết vào lúc hỏi | en: the day was over at the instant asked for'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT toDate32(at) FROM r_now) AS today
SELECT
    q.row.1 AS period,
    q.ward AS ward,
    w.name AS ward_name,
    q.policy AS policy,
    q.sums.1 AS backlog,
    backlog - overdue AS within,
    q.sums.2 AS due_soon,
    q.sums.3 AS overdue,
    q.sums.4 AS no_due,
    period = least(toDate32(toMonday(period)) + 6, assumeNotNull(today)) AS week_end,
    period = least(toDate32(toLastDayOfMonth(period)), assumeNotNull(today)) AS month_end,
    assumeNotNull(q.row.1 < today) AS complete
FROM
(
    SELECT ward, policy, row, sums
    FROM
    (
        SELECT
            ward, policy,
            arraySort(one -> one.1, groupArray((period, n1, n2, n3, n4))) AS list,
            arrayZip(
                arrayCumSum(one -> one.2, list), arrayCumSum(one -> one.3, list),
                arrayCumSum(one -> one.4, list), arrayCumSum(one -> one.5, list)) AS running
        FROM
        (
            SELECT ward, policy, change.1 AS period, sum(change.2) AS n1, sum(change.3) AS n2, sum(change.4) AS n3, sum(change.5) AS n4
            FROM
            (
                SELECT ward, policy, groupArray((period, n1, n2, n3, n4)) AS known, min(period) AS first
                FROM
                (
                    SELECT ward, due.1 AS policy, change.1 AS period,
                        toInt64(sum(change.2)) AS n1, toInt64(sum(change.3)) AS n2, toInt64(sum(change.4)) AS n3, toInt64(sum(change.5)) AS n4
                    FROM
                    (
                        -- Ended on the day of its receipt: it was never there at the end of a day.
                        SELECT ward, entered, ifNull(gone, toDate32('2200-01-01')) AS left, due_day, due_day_procedure
                        FROM v_cases
                        WHERE left > entered AND entered <= today
                    )
                    ARRAY JOIN [('due_date.reported@1', due_day), ('due_date.procedure@1', due_day_procedure)] AS due
                    ARRAY JOIN arrayFilter(
                        one -> one.1 <= today,
                        if(
                            due.2 IS NULL,
                            [(entered, 1, 0, 0, 1), (left, -1, 0, 0, -1)],
                            [
                                (entered, 1, 0, 0, 0), (left, -1, 0, 0, 0),
                                -- Soon: from the day before the due day on; overdue: from the day after it on.
                                (least(left, greatest(entered, assumeNotNull(due.2) - 1)), 0, 1, 0, 0),
                                (least(left, greatest(entered, assumeNotNull(due.2) + 1)), 0, -1, 1, 0),
                                (left, 0, 0, -1, 0)
                            ])) AS change
                    GROUP BY ward, policy, period
                )
                GROUP BY ward, policy
            )
            -- Zeros, so that no period is missing.
            ARRAY JOIN arrayConcat(
                known,
                arrayMap(
                    period -> (period, toInt64(0), toInt64(0), toInt64(0), toInt64(0)),
                    arrayDistinct(arrayMap(n -> first + n, range(toUInt32(dateDiff('day', first, today) + 1)))))) AS change
            GROUP BY ward, policy, period
        )
        GROUP BY ward, policy
    )
    ARRAY JOIN list AS row, running AS sums
) AS q
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = q.ward
COMMENT 'vi: hồ sơ tồn và quá hạn vào cuối mỗi ngày của từng phường, xã, đếm theo hồ sơ, dưới mỗi quy tắc hạn trả | en: backlog and overdue at the end of each day by ward, in dossiers, under each rule of the due day';
