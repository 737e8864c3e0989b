-- Working minutes from receipt to end, of the dossiers that ended, from raw events. A seq counts by its first arrival,
-- and a step that was taken back does not count; both are settled within one ward, so a question about one ward
-- reads that ward's rows only. 480 working minutes are one working day.
CREATE OR REPLACE VIEW v_ward_processing
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    days UInt16 COMMENT 'vi: số ngày gần nhất được tính, 0 là từ đầu | en: of how many newest days, 0 for all since the start',
    field String COMMENT 'vi: lĩnh vực, rỗng là mọi lĩnh vực | en: field, empty for all fields together',
    finished UInt64 COMMENT 'vi: số hồ sơ đã xử lý xong | en: dossiers processed to the end',
    median_minutes UInt32 COMMENT 'vi: trung vị, phút làm việc | en: median, working minutes',
    p90_minutes UInt32 COMMENT 'vi: 90 % xong trong số phút làm việc này | en: 90% took no more working minutes',
    max_minutes UInt32 COMMENT 'vi: lâu nhất, phút làm việc | en: the longest, working minutes',
    median_days Float64 COMMENT 'vi: trung vị, ngày làm việc | en: median, working days',
    p90_days Float64 COMMENT 'vi: 90 % xong trong số ngày làm việc này | en: 90% took no more working days'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now) AS instant
SELECT
    p.ward AS ward,
    any(w.name) AS ward_name,
    p.slot.1 AS days,
    p.slot.2 AS field,
    count() AS finished,
    quantileExactLow(0.5)(p.minutes) AS median_minutes,
    quantileExactLow(0.9)(p.minutes) AS p90_minutes,
    max(p.minutes) AS max_minutes,
    median_minutes / 480 AS median_days,
    p90_minutes / 480 AS p90_days
FROM
(
    SELECT ward, minutes, slot
    FROM
    (
        SELECT
            ward,
            anyIf((first.3, first.4, first.5, first.6), first.2 = 0) AS step,
            step.1 AS status,
            step.2 AS minutes,
            step.3 AS ended_at,
            step.4 AS field,
            countIf(first.2 > 0) AS taken_back
        FROM
        (
            SELECT
                e.ward AS ward,
                e.epoch AS epoch,
                e.seq AS seq,
                argMax((e.of_epoch, e.of_seq, e.status, e.minutes, e.occurred_at, toString(e.field)), e.rank) AS first
            FROM r_event_rows AS e
            GROUP BY ward, epoch, seq
        )
        GROUP BY ward, if(first.2 = 0, epoch, first.1) AS step_epoch, if(first.2 = 0, seq, first.2) AS step_seq
    )
    -- Not the function arrayJoin: a condition on the ward would not reach the rows beneath it.
    ARRAY JOIN arrayConcat(
        [(0, ''), (0, field)], if(ended_at > instant - INTERVAL 30 DAY, [(30, ''), (30, field)], [])) AS slot
    WHERE status = 9 AND taken_back = 0
) AS p
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = p.ward
GROUP BY p.ward, p.slot
COMMENT 'vi: thời gian xử lý của từng phường, xã theo lĩnh vực: trung vị và mức mà 90 % không vượt | en: processing times of each ward by field: the median and what 90% stay within';
