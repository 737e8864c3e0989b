CREATE OR REPLACE VIEW v_cases
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    dossier String COMMENT 'vi: mã hồ sơ | en: dossier code',
    procedure String COMMENT 'vi: mã thủ tục | en: procedure code',
    field String COMMENT 'vi: lĩnh vực | en: field',
    channel String COMMENT 'vi: kênh nộp | en: channel',
    entered Date32 COMMENT 'vi: ngày tiếp nhận, từ ngày này là tồn | en: day of receipt, from which on it is part of the backlog',
    gone Nullable(Date32) COMMENT 'vi: ngày kết thúc, từ ngày này không còn tồn; NULL nếu chưa | en: day of the end, from which on it is no more; NULL if not ended',
    due_day Nullable(Date32) COMMENT 'vi: ngày hẹn được báo (due_date.reported@1) | en: due day as reported (due_date.reported@1)',
    due_day_procedure Nullable(Date32) COMMENT 'vi: ngày hẹn theo thủ tục (due_date.procedure@1) | en: due day by the time limit of the procedure (due_date.procedure@1)'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    -- The office calendar as constants: working days up to each day, minutes before it, and the day of each number.
    (SELECT toInt64(min(day)) FROM r_office_days) AS first_day,
    (SELECT groupArray(workday_number) FROM (SELECT workday_number FROM r_office_days ORDER BY day)) AS numbers,
    (SELECT groupArray(day) FROM (SELECT day FROM r_office_days WHERE working ORDER BY day)) AS workdays,
    (SELECT (groupArray(code), groupArray(unit), groupArray(time_limit)) FROM r_procedures) AS limits,
    d -> least(greatest(toInt64(d) - first_day + 1, 2), toInt64(length(numbers))) AS place,
    d -> toInt64(numbers[place(d)]) AS number_of,
    d -> numbers[place(d)] = numbers[place(d) - 1] AS is_off,
    n -> if(n BETWEEN 1 AND toInt64(length(workdays)), toNullable(workdays[n]), NULL) AS workday,
    -- The due day by the time limit of a procedure: on the day itself if it is a working day and before 15:00, else on the
    -- next working day; so many working days after the day of receipt, which does not count itself; so many days after it,
    -- or the next working day if that one is off.
    (code, day, hour) -> workday(multiIf(
        transform(code, limits.1, limits.2, '') = 'cutoff15h', number_of(day) + if(NOT is_off(day) AND hour < 15, 0, 1),
        transform(code, limits.1, limits.2, '') = 'workday', number_of(day) + transform(code, limits.1, limits.3, toUInt32(0)),
        transform(code, limits.1, limits.2, '') = 'day',
            number_of(day + transform(code, limits.1, limits.3, toUInt32(0)))
            + if(is_off(day + transform(code, limits.1, limits.3, toUInt32(0))), 1, 0),
        -1)) AS due_of
SELECT
    d.ward AS ward, d.dossier AS dossier, d.procedure AS procedure, d.field AS field, d.channel AS channel,
    least(toDate32(assumeNotNull(d.received_at)), ifNull(gone, toDate32('2200-01-01'))) AS entered,
    toDate32(d.ended_at) AS gone,
    toDate32(d.due_at) AS due_day,
    due_of(d.procedure, toDate32(assumeNotNull(d.received_at)), toHour(assumeNotNull(d.received_at))) AS due_day_procedure
FROM v_dossiers AS d
WHERE d.accepted AND d.received_at IS NOT NULL
COMMENT 'vi: từng hồ sơ được tiếp nhận: từ ngày nào đến ngày nào là tồn, và ngày hẹn: bằng chứng của v_backlog_ward_day | en: each dossier received: from which to which day it is part of the backlog, and its due days: the evidence behind v_backlog_ward_day';
