CREATE OR REPLACE VIEW v_on_time_ward_month
(
    period Date32 COMMENT 'vi: ngày đầu tháng | en: the first day of the month',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    policy String COMMENT 'vi: quy tắc hạn trả và tạm dừng, xem v_policies | en: rule of the due date and of supplements, see v_policies',
    finished UInt64 COMMENT 'vi: số hồ sơ xử lý xong (trạng thái 9) | en: dossiers processed to the end (status 9)',
    early UInt64 COMMENT 'vi: xong trước ngày hẹn | en: finished on a day before the due day',
    on_time UInt64 COMMENT 'vi: xong đúng ngày hẹn, hoặc không có hẹn | en: finished on the due day, or without one',
    overdue UInt64 COMMENT 'vi: xong sau ngày hẹn | en: finished on a day after the due day',
    no_due UInt64 COMMENT 'vi: trong on_time: không có ngày hẹn | en: of on_time: those without a due day',
    unjudged UInt64 COMMENT 'vi: không xét được: thiếu lúc xong, hoặc thủ tục không rõ thời hạn | en: not judged: no end of processing given, or the time limit of the procedure is not known',
    judged UInt64 COMMENT 'vi: mẫu số = early + on_time + overdue | en: the denominator = early + on_time + overdue',
    on_time_rate Nullable(Float64) COMMENT 'vi: tỷ lệ đúng hạn = (early + on_time) / judged, NULL nếu không có | en: on-time rate = (early + on_time) / judged, NULL if there is none',
    complete Bool COMMENT 'vi: tháng đã hết vào lúc hỏi; nếu chưa, số liệu còn tăng | en: the month was over at the instant asked for; if not, the figures still grow'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    o.month AS period,
    o.ward AS ward,
    any(o.ward_name) AS ward_name,
    o.policy AS policy,
    sum(o.finished) AS finished,
    sum(o.early) AS early,
    sum(o.on_time) AS on_time,
    sum(o.overdue) AS overdue,
    sum(o.no_due) AS no_due,
    sum(o.unjudged) AS unjudged,
    sum(o.judged) AS judged,
    if(judged > 0, (early + on_time) / judged, NULL) AS on_time_rate,
    assumeNotNull(toDate32(toLastDayOfMonth(period)) < (SELECT toDate32(at) FROM r_now)) AS complete
FROM v_on_time AS o
GROUP BY period, ward, policy
COMMENT 'vi: tỷ lệ đúng hạn của từng phường, xã theo tháng xử lý xong, dưới mỗi quy tắc | en: on-time rate of each ward by month of the end, under each rule';
