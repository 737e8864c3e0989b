CREATE OR REPLACE VIEW v_periods
(
    grain String COMMENT 'vi: day, week hoặc month: lọc theo cột này | en: day, week or month: filter on this',
    period Date32 COMMENT 'vi: ngày đầu kỳ; tuần ISO bắt đầu thứ hai | en: first day; an ISO week begins on Monday',
    last_day Date32 COMMENT 'vi: ngày cuối kỳ | en: last day',
    name String COMMENT 'vi: tên kỳ: 2025-07-21, 2025-W30, 2025-07 | en: its name: 2025-07-21, 2025-W30, 2025-07',
    working_days UInt64 COMMENT 'vi: số ngày làm việc trong kỳ | en: working days in it',
    complete Bool COMMENT 'vi: kỳ đã hết vào lúc hỏi | en: over at the instant asked for'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    p.grain AS grain,
    p.period AS period,
    any(p.last) AS last_day,
    multiIf(
        grain = 'day', toString(period),
        grain = 'week', format('{}-W{}', toString(toISOYear(period)), leftPad(toString(toISOWeek(period)), 2, '0')),
        formatDateTime(period, '%Y-%m')) AS name,
    countIf(p.working) AS working_days,
    assumeNotNull(last_day < (SELECT toDate32(at) FROM r_now)) AS complete
FROM
(
    SELECT
        d.working AS working,
        arrayJoin([
            ('day', d.day, d.day),
            ('week', toDate32(toMonday(d.day)), toDate32(toMonday(d.day)) + 6),
            ('month', toDate32(toStartOfMonth(d.day)), toDate32(toLastDayOfMonth(d.day)))
        ]) AS one,
        one.1 AS grain,
        one.2 AS period,
        one.3 AS last
    FROM r_office_days AS d
    WHERE d.day >= '2019-12-30'
) AS p
WHERE p.period <= (SELECT toDate32(at) FROM r_now) AND p.last >= '2020-01-01'
GROUP BY grain, period
COMMENT 'vi: ngày, tuần (ISO, từ thứ hai) và tháng từ 2020 đến lúc hỏi, kỳ nào đã hết | en: days, ISO weeks and months from 2020 to the instant asked for, and which of them are over';
