CREATE OR REPLACE VIEW v_backlog_procedure_month
(
    period Date32 COMMENT 'vi: ngày đầu tháng | en: the first day of the month',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    field String COMMENT 'vi: lĩnh vực | en: field',
    procedure String COMMENT 'vi: mã thủ tục | en: procedure code',
    procedure_name String COMMENT 'vi: tên thủ tục, rỗng nếu không có trong danh mục | en: name of the procedure, empty if the list does not have it',
    policy String COMMENT 'vi: quy tắc hạn trả và tạm dừng, xem v_policies | en: rule of the due date and of supplements, see v_policies',
    backlog Int64 COMMENT 'vi: đã tiếp nhận, chưa kết thúc vào cuối ngày | en: received and not ended at the end of the day',
    within Int64 COMMENT 'vi: trong backlog: còn hạn (ngày hẹn từ hôm đó trở đi) hoặc không có hẹn | en: of the backlog: within its time (due on that day or later), or without a due day',
    due_soon Int64 COMMENT 'vi: trong within: hẹn trong ngày đó hoặc ngày sau | en: of those within: due on that day or the next',
    overdue Int64 COMMENT 'vi: trong backlog: ngày hẹn trước ngày đó | en: of the backlog: due on a day before',
    no_due Int64 COMMENT 'vi: trong within: không có ngày hẹn | en: of those within: without a due day',
    complete Bool COMMENT 'vi: tháng đã hết vào lúc hỏi; nếu chưa, số liệu còn tăng | en: the month was over at the instant asked for; if not, the figures still grow'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT toDate32(at) FROM r_now) AS today
SELECT
    q.row.1 AS period,
    q.ward AS ward,
    w.name AS ward_name,
    q.field AS field,
    q.procedure AS procedure,
    p.name AS procedure_name,
    q.policy AS policy,
    q.sums.1 AS backlog,
    backlog - overdue AS within,
    q.sums.2 AS due_soon,
    q.sums.3 AS overdue,
    q.sums.4 AS no_due,
    assumeNotNull(toDate32(toLastDayOfMonth(q.row.1)) < today) AS complete
FROM
(
    SELECT ward, field, procedure, policy, row, sums
    FROM
    (
        SELECT
            ward, field, procedure, policy,
            arraySort(one -> one.1, groupArray((period, n1, n2, n3, n4))) AS list,
            arrayZip(
                arrayCumSum(one -> one.2, list), arrayCumSum(one -> one.3, list),
                arrayCumSum(one -> one.4, list), arrayCumSum(one -> one.5, list)) AS running
        FROM
        (
            SELECT ward, field, procedure, policy, change.1 AS period, sum(change.2) AS n1, sum(change.3) AS n2, sum(change.4) AS n3, sum(change.5) AS n4
            FROM
            (
                SELECT ward, field, procedure, policy, groupArray((period, n1, n2, n3, n4)) AS known, min(period) AS first
                FROM
                (
                    SELECT ward, field, procedure, due.1 AS policy, toDate32(toStartOfMonth(change.1)) AS period,
                        toInt64(sum(change.2)) AS n1, toInt64(sum(change.3)) AS n2, toInt64(sum(change.4)) AS n3, toInt64(sum(change.5)) AS n4
                    FROM
                    (
                        -- Ended on the day of its receipt: it was never there at the end of a day.
                        SELECT ward, field, procedure, entered, ifNull(gone, toDate32('2200-01-01')) AS left, due_day, due_day_procedure
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
                    GROUP BY ward, field, procedure, policy, period
                )
                GROUP BY ward, field, procedure, policy
            )
            -- Zeros, so that no period is missing.
            ARRAY JOIN arrayConcat(
                known,
                arrayMap(
                    period -> (period, toInt64(0), toInt64(0), toInt64(0), toInt64(0)),
                    arrayDistinct(arrayMap(n -> toDate32(toStartOfMonth(first + n)), range(toUInt32(dateDiff('day', first, today) + 1)))))) AS change
            GROUP BY ward, field, procedure, policy, period
        )
        GROUP BY ward, field, procedure, policy
    )
    ARRAY JOIN list AS row, running AS sums
) AS q
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = q.ward
LEFT JOIN (SELECT code, name FROM r_procedures) AS p ON p.code = q.procedure
COMMENT 'vi: hồ sơ tồn và quá hạn vào cuối mỗi tháng theo thủ tục của từng phường, xã, dưới mỗi quy tắc hạn trả | en: backlog and overdue at the end of each month by procedure and ward, under each rule of the due day';
