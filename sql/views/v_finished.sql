CREATE OR REPLACE VIEW v_finished
(
    day Date32 COMMENT 'vi: ngày xảy ra tại Hà Nội | en: day in Hanoi on which it happened',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    dossier String COMMENT 'vi: mã hồ sơ | en: dossier code',
    procedure String COMMENT 'vi: mã thủ tục | en: procedure code',
    field String COMMENT 'vi: lĩnh vực | en: field',
    channel String COMMENT 'vi: kênh nộp | en: channel',
    received_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc tiếp nhận | en: when the desk took it',
    due_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: hạn trả mà phường, xã báo | en: due time as the ward reports it',
    finished_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc xử lý xong | en: end of processing',
    due_day Nullable(Date32) COMMENT 'vi: ngày hẹn mà phường, xã báo (due_date.reported@1) | en: due day as the ward reports it (due_date.reported@1)',
    due_day_procedure Nullable(Date32) COMMENT 'vi: ngày hẹn tính theo thời hạn của thủ tục (due_date.procedure@1) | en: due day by the time limit of the procedure (due_date.procedure@1)',
    requests UInt64 COMMENT 'vi: số lần chờ bổ sung | en: times that a supplement was waited for',
    paused_seconds Int64 COMMENT 'vi: thời gian chờ bổ sung, giây đồng hồ | en: time waited for supplements, seconds of the clock',
    resumed_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc hết chờ lần cuối | en: end of the last wait',
    minutes UInt32 COMMENT 'vi: phút làm việc từ tiếp nhận đến xong, chưa trừ gì (supplement.none@1) | en: working minutes from receipt to end, nothing subtracted (supplement.none@1)',
    minutes_paused UInt32 COMMENT 'vi: phút làm việc đã trừ thời gian chờ (supplement.pause@1) | en: working minutes net of the waits (supplement.pause@1)',
    minutes_restarted UInt32 COMMENT 'vi: phút làm việc từ lúc hết chờ lần cuối (supplement.restart@1) | en: working minutes since the end of the last wait (supplement.restart@1)',
    timeliness Array(UInt8) COMMENT 'vi: 0 không xét, 1 sớm, 2 đúng, 3 quá hạn: hạn được báo, có trừ chờ, tính lại; rồi hạn theo thủ tục, có trừ chờ, tính lại | en: 0 not judged, 1 early, 2 on time, 3 overdue: reported due day, with pause, with restart; then the due day of the procedure, with pause, with restart',
    epoch String COMMENT 'vi: đời hộp gửi của bước | en: life of the outbox of the step',
    seq UInt64 COMMENT 'vi: số thứ tự của bước | en: number of the step'
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
    toDate32(s.finished_at) AS finished_day,
    if(u.requests = 0, finished_day, toDate32(s.finished_at - toIntervalSecond(u.paused_seconds))) AS paused_day,
    -- By date, not by time.
    (done, due) -> toUInt8(multiIf(done IS NULL OR due IS NULL, 0, done < due, 1, done = due, 2, 3)) AS judged,
    s.due_at IS NULL AND s.finished_at IS NOT NULL AS without_due
SELECT
    s.day AS day, s.ward AS ward, s.dossier AS dossier, s.procedure AS procedure, s.field AS field, s.channel AS channel,
    s.received_at AS received_at, s.due_at AS due_at, s.finished_at AS finished_at,
    toDate32(s.due_at) AS due_day,
    due_of(s.procedure, toDate32(assumeNotNull(s.received_at)), toHour(assumeNotNull(s.received_at))) AS due_day_procedure,
    u.requests AS requests,
    u.paused_seconds AS paused_seconds,
    u.resumed_at AS resumed_at,
    s.minutes AS minutes,
    if(u.requests = 0, s.minutes, toUInt32(s.minutes - least(s.minutes, u.paused_minutes))) AS minutes_paused,
    if(u.requests = 0, s.minutes, u.minutes_restarted) AS minutes_restarted,
    [
        if(without_due, 2, judged(finished_day, due_day)),
        if(without_due, 2, judged(paused_day, due_day)),
        if(without_due, 2, judged(finished_day, if(u.requests = 0, due_day, u.due_day_restarted))),
        judged(finished_day, due_day_procedure),
        judged(paused_day, due_day_procedure),
        judged(finished_day, if(u.requests = 0, due_day_procedure, u.due_day_procedure_restarted))
    ] AS timeliness,
    s.epoch AS epoch,
    s.seq AS seq
FROM v_steps AS s
LEFT JOIN v_supplements AS u ON u.ward = s.ward AND u.epoch = s.epoch AND u.seq = s.seq
WHERE s.status = 9
COMMENT 'vi: từng hồ sơ xử lý xong, với hạn trả và thời gian theo mỗi quy tắc: bằng chứng của v_on_time và v_processing | en: each dossier processed to the end, with its due day and its time under each rule: the evidence behind v_on_time and v_processing';
