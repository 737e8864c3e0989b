CREATE OR REPLACE VIEW v_difficulties_by_owner
(
    owner String COMMENT 'vi: nơi được giao, rỗng là chưa giao | en: to whom they were assigned, empty: to nobody',
    open UInt64 COMMENT 'vi: số vướng mắc chưa giải quyết | en: open difficulties',
    overdue UInt64 COMMENT 'vi: trong đó đã quá hạn | en: of these past their due time',
    overdue_days Float64 COMMENT 'vi: quá hạn lâu nhất: số ngày | en: days past the due time, of the latest one',
    next_due_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: hạn gần nhất chưa qua | en: the next due time to come',
    oldest_days Float64 COMMENT 'vi: vướng mắc cũ nhất chưa giải quyết: số ngày | en: days since the oldest open one was reported',
    groups Array(UInt8) COMMENT 'vi: các nhóm có vướng mắc chưa giải quyết | en: groups with an open one',
    wards UInt64 COMMENT 'vi: số phường, xã có vướng mắc chưa giải quyết | en: wards with an open one',
    resolved UInt64 COMMENT 'vi: số đã giải quyết | en: resolved ones',
    resolved_late UInt64 COMMENT 'vi: trong đó giải quyết sau hạn | en: of these after their due time'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now) AS moment
SELECT
    d.owner AS owner,
    countIf(d.open) AS open,
    countIf(d.overdue) AS overdue,
    maxIf(ifNull(dateDiff('second', d.due_at, moment), 0), d.overdue) / 86400 AS overdue_days,
    minIf(d.due_at, d.open AND d.due_at >= moment) AS next_due_at,
    maxIf(d.age_days, d.open) AS oldest_days,
    arraySort(groupUniqArrayIf(d.difficulty_group, d.open)) AS groups,
    uniqExactIf(d.ward, d.open) AS wards,
    countIf(NOT d.open) AS resolved,
    countIf(d.resolved_at > d.due_at) AS resolved_late
FROM v_difficulties AS d
GROUP BY d.owner
COMMENT 'vi: vướng mắc theo nơi được giao: ai đang quá hạn | en: difficulties by owner: who is overdue';
