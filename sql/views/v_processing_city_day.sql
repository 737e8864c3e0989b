CREATE OR REPLACE VIEW v_processing_city_day
(
    period Date32 COMMENT 'vi: ngày | en: the day',
    field String COMMENT 'vi: lĩnh vực, rỗng là mọi lĩnh vực | en: field, empty for all fields together',
    procedure String COMMENT 'vi: mã thủ tục, rỗng là mọi thủ tục | en: procedure code, empty for all procedures together',
    procedure_name String COMMENT 'vi: tên thủ tục, rỗng nếu không có trong danh mục | en: name of the procedure, empty if the list does not have it',
    policy String COMMENT 'vi: quy tắc hạn trả và tạm dừng, xem v_policies | en: rule of the due date and of supplements, see v_policies',
    timed UInt64 COMMENT 'vi: số hồ sơ xử lý xong có ghi lúc xong | en: dossiers processed to the end whose end is given',
    p50_minutes UInt32 COMMENT 'vi: trung vị, phút làm việc | en: median, working minutes',
    p75_minutes UInt32 COMMENT 'vi: 75 % không quá, phút làm việc | en: 75% took no more, working minutes',
    p90_minutes UInt32 COMMENT 'vi: 90 % không quá, phút làm việc | en: 90% took no more, working minutes',
    p95_minutes UInt32 COMMENT 'vi: 95 % không quá, phút làm việc | en: 95% took no more, working minutes',
    max_minutes UInt32 COMMENT 'vi: lâu nhất, phút làm việc | en: the longest, working minutes',
    mean_minutes Float64 COMMENT 'vi: trung bình, phút làm việc | en: mean, working minutes',
    p50_days Float64 COMMENT 'vi: trung vị, ngày làm việc 480 phút | en: median, working days of 480 minutes',
    p90_days Float64 COMMENT 'vi: 90 % không quá, ngày làm việc 480 phút | en: 90% took no more, working days of 480 minutes',
    complete Bool COMMENT 'vi: ngày đã hết vào lúc hỏi | en: the day was over at the instant asked for'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    q.period AS period,
    q.field AS field,
    q.procedure AS procedure,
    p.name AS procedure_name,
    q.policy AS policy,
    q.timed AS timed,
    q.levels[1] AS p50_minutes,
    q.levels[2] AS p75_minutes,
    q.levels[3] AS p90_minutes,
    q.levels[4] AS p95_minutes,
    q.longest AS max_minutes,
    q.mean AS mean_minutes,
    p50_minutes / 480 AS p50_days,
    p90_minutes / 480 AS p90_days,
    assumeNotNull(period < (SELECT toDate32(at) FROM r_now)) AS complete
FROM
(
    SELECT
        period,
        pair.1.1 AS field,
        pair.1.2 AS procedure,
        pair.2.1 AS policy,
        count() AS timed,
        quantilesExactLow(0.5, 0.75, 0.9, 0.95)(pair.2.2) AS levels,
        max(pair.2.2) AS longest,
        avg(pair.2.2) AS mean
    FROM
    (
        SELECT
            f.day AS period,
            [('', ''), (f.field, ''), (f.field, f.procedure)] AS slots,
            [
                ('supplement.none@1', f.minutes),
                ('supplement.pause@1', f.minutes_paused),
                ('supplement.restart@1', f.minutes_restarted)
            ] AS clocks
        FROM v_finished AS f
        WHERE f.finished_at IS NOT NULL
    )
    ARRAY JOIN arrayFlatten(arrayMap(slot -> arrayMap(clock -> (slot, clock), clocks), slots)) AS pair
    GROUP BY period, field, procedure, policy
) AS q
LEFT JOIN (SELECT code, name FROM r_procedures) AS p ON p.code = q.procedure
COMMENT 'vi: thời gian xử lý toàn thành phố theo ngày xử lý xong, theo lĩnh vực và thủ tục: phút làm việc, đã hoặc chưa trừ thời gian chờ bổ sung; rỗng là tất cả | en: processing times of the whole city by day of the end, field and procedure: working minutes, net of supplements or not; empty means all';
