CREATE OR REPLACE VIEW v_supplements
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    dossier String COMMENT 'vi: mã hồ sơ | en: dossier code',
    epoch String COMMENT 'vi: bước xử lý xong: đời hộp gửi | en: the finishing step: life of the outbox',
    seq UInt64 COMMENT 'vi: bước xử lý xong: số thứ tự | en: the finishing step: its number',
    requests UInt64 COMMENT 'vi: số khoảng chờ bổ sung | en: times that a supplement was waited for',
    paused_seconds Int64 COMMENT 'vi: tổng thời gian chờ, giây đồng hồ | en: time waited in all, seconds of the clock',
    paused_minutes UInt32 COMMENT 'vi: tổng thời gian chờ, phút làm việc | en: time waited in all, working minutes',
    resumed_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc hết chờ lần cuối | en: end of the last wait',
    minutes_restarted UInt32 COMMENT 'vi: phút làm việc từ lúc hết chờ lần cuối đến lúc xong | en: working minutes from the end of the last wait to the end',
    due_day_restarted Nullable(Date32) COMMENT 'vi: ngày hẹn được báo, dời đi số ngày làm việc từ tiếp nhận đến hết chờ | en: the reported due day, moved by the working days from receipt to the end of the last wait',
    due_day_procedure_restarted Nullable(Date32) COMMENT 'vi: ngày hẹn theo thời hạn của thủ tục, tính lại từ lúc hết chờ | en: due day by the time limit of the procedure, counted anew from the end of the last wait'
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
        -1)) AS due_of,
    (SELECT groupArray(minutes_before) FROM (SELECT minutes_before FROM r_office_days ORDER BY day)) AS minutes,
    (SELECT (any(opens), any(closes)) FROM r_office_days WHERE working) AS hours,
    t -> toInt64(minutes[place(toDate32(t))]) + if(is_off(toDate32(t)), 0, arraySum(
        (o, c) -> greatest(0, least(toHour(t) * 60 + toMinute(t), c) - o), hours.1, hours.2)) AS worked_until
SELECT
    ward,
    any(x.dossier) AS dossier,
    epoch,
    seq,
    count() AS requests,
    sum(toUnixTimestamp(until) - toUnixTimestamp(since)) AS paused_seconds,
    toUInt32(sum(worked_until(until) - worked_until(since))) AS paused_minutes,
    toNullable(max(until)) AS resumed_at,
    toUInt32(greatest(0, worked_until(any(finished)) - worked_until(max(until)))) AS minutes_restarted,
    if(
        any(due_day) = '2200-01-01', NULL,
        greatest(
            any(due_day),
            workday(greatest(1, number_of(any(due_day)) + number_of(toDate32(max(until))) - number_of(toDate32(any(received))))))
    ) AS due_day_restarted,
    due_of(any(procedure), toDate32(max(until)), toHour(max(until))) AS due_day_procedure_restarted
FROM
(
    SELECT
        ward, dossier, ended.1 AS epoch, ended.2 AS seq, toString(ended.3) AS procedure, assumeNotNull(ended.4) AS received,
        assumeNotNull(ended.5) AS finished, ifNull(toDate32(ended.6), toDate32('2200-01-01')) AS due_day,
        greatest(wait.1, received) AS since, least(wait.2, finished) AS until
    FROM
    (
        SELECT
            ward,
            dossier,
            arraySort(groupUniqArray((s.occurred_at, s.epoch, s.seq, s.status))) AS path,
            groupUniqArrayIf(
                (s.epoch, s.seq, s.procedure, s.received_at, s.finished_at, s.due_at),
                s.status = 9 AND s.received_at IS NOT NULL AND s.finished_at IS NOT NULL) AS ends,
            -- From a request to the next step, whatever that is.
            arrayFilter(
                one -> one.3 = 5,
                arrayMap((one, next) -> (one.1, next.1, one.4), arrayPopBack(path), arrayPopFront(path))) AS waits
        FROM r_dossiers AS s
        WHERE s.retracted = 0
            AND (s.ward, s.dossier) IN (SELECT ward, dossier FROM r_dossiers WHERE status = 5)
            AND (s.ward, s.epoch, s.seq, s.content_hash) NOT IN (SELECT ward, epoch, seq, content_hash FROM r_losers)
            AND (s.ward, s.dossier, s.epoch, s.seq) NOT IN (SELECT ward, dossier, epoch, seq FROM r_retracted)
        GROUP BY ward, dossier
    )
    ARRAY JOIN ends AS ended
    ARRAY JOIN waits AS wait
    -- Only what lies between receipt and end.
    WHERE since < until
) AS x
GROUP BY ward, epoch, seq
SETTINGS optimize_aggregation_in_order = 1
COMMENT 'vi: hồ sơ đã xử lý xong mà có yêu cầu bổ sung: chờ bao lâu, từ trạng thái 5 đến bước kế tiếp, và hạn trả nếu tính lại | en: finished dossiers for which supplements were asked: how long was waited, from status 5 to the next step, and the due day if time begins anew';
