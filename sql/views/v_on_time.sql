CREATE OR REPLACE VIEW v_on_time
(
    day Date32 COMMENT 'vi: ngày xảy ra tại Hà Nội | en: day in Hanoi on which it happened',
    week Date32 COMMENT 'vi: thứ hai đầu tuần (ISO) của ngày đó | en: Monday of its ISO week',
    month Date32 COMMENT 'vi: ngày đầu tháng của ngày đó | en: first day of its month',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    field String COMMENT 'vi: lĩnh vực | en: field',
    procedure String COMMENT 'vi: mã thủ tục | en: procedure code',
    procedure_name String COMMENT 'vi: tên thủ tục, rỗng nếu không có trong danh mục | en: name of the procedure, empty if the list does not have it',
    policy String COMMENT 'vi: quy tắc hạn trả và tạm dừng, xem v_policies | en: rule of the due date and of supplements, see v_policies',
    finished UInt64 COMMENT 'vi: số hồ sơ xử lý xong (trạng thái 9) | en: dossiers processed to the end (status 9)',
    early UInt64 COMMENT 'vi: xong trước ngày hẹn | en: finished on a day before the due day',
    on_time UInt64 COMMENT 'vi: xong đúng ngày hẹn, hoặc không có hẹn | en: finished on the due day, or without one',
    overdue UInt64 COMMENT 'vi: xong sau ngày hẹn | en: finished on a day after the due day',
    no_due UInt64 COMMENT 'vi: trong on_time: không có ngày hẹn | en: of on_time: those without a due day',
    unjudged UInt64 COMMENT 'vi: không xét được: thiếu lúc xong, hoặc thủ tục không rõ thời hạn | en: not judged: no end of processing given, or the time limit of the procedure is not known',
    judged UInt64 COMMENT 'vi: mẫu số = early + on_time + overdue | en: the denominator = early + on_time + overdue',
    on_time_rate Nullable(Float64) COMMENT 'vi: tỷ lệ đúng hạn = (early + on_time) / judged, NULL nếu không có | en: on-time rate = (early + on_time) / judged, NULL if there is none',
    complete Bool COMMENT 'vi: ngày đã hết vào lúc hỏi | en: the day was over at the instant asked for'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    o.day AS day,
    toDate32(toMonday(o.day)) AS week,
    toDate32(toStartOfMonth(o.day)) AS month,
    o.ward AS ward,
    w.name AS ward_name,
    o.field AS field,
    o.procedure AS procedure,
    p.name AS procedure_name,
    o.policy AS policy,
    o.finished AS finished,
    o.early AS early,
    o.on_time AS on_time,
    o.overdue AS overdue,
    o.no_due AS no_due,
    o.unjudged AS unjudged,
    o.early + o.on_time + o.overdue AS judged,
    if(judged > 0, (o.early + o.on_time) / judged, NULL) AS on_time_rate,
    assumeNotNull(o.day < (SELECT toDate32(at) FROM r_now)) AS complete
FROM
(
    SELECT
        day,
        ward,
        field,
        procedure,
        policy,
        sum(dossiers) AS finished,
        sumIf(dossiers, code = 1) AS early,
        sumIf(dossiers, code = 2) AS on_time,
        sumIf(dossiers, code = 3) AS overdue,
        sumIf(dossiers, code = 2 AND without_due) AS no_due,
        sumIf(dossiers, code = 0) AS unjudged
    FROM
    (
        SELECT day, ward, field, procedure, f.due_day IS NULL AS without_due, f.timeliness AS codes, count() AS dossiers
        FROM v_finished AS f
        GROUP BY day, ward, field, procedure, without_due, codes
    )
    ARRAY JOIN
        [
            'due_date.reported@1', 'due_date.reported@1+supplement.pause@1', 'due_date.reported@1+supplement.restart@1',
            'due_date.procedure@1', 'due_date.procedure@1+supplement.pause@1', 'due_date.procedure@1+supplement.restart@1'
        ] AS policy,
        codes AS code
    GROUP BY day, ward, field, procedure, policy
) AS o
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = o.ward
LEFT JOIN (SELECT code, name FROM r_procedures) AS p ON p.code = o.procedure
COMMENT 'vi: đúng hạn theo ngày xử lý xong, phường, xã, lĩnh vực và thủ tục, dưới mỗi quy tắc: chọn một policy, rồi cộng các số đếm theo ngày, tuần, tháng | en: on time by day of the end, ward, field and procedure, under each rule: choose one policy, then add up the counts by day, week or month';
