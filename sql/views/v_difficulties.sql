CREATE OR REPLACE VIEW v_difficulties
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    difficulty String COMMENT 'vi: mã vướng mắc | en: code of the difficulty',
    difficulty_group UInt8 COMMENT 'vi: nhóm vướng mắc 1..25 | en: group 1..25',
    group_vi String COMMENT 'vi: tên nhóm | en: name of the group in Vietnamese',
    group_en String COMMENT 'vi: tên nhóm bằng tiếng Anh | en: name of the group',
    responsible String COMMENT 'vi: bộ, ngành hoặc địa phương chịu trách nhiệm về nhóm | en: the ministry or locality that is responsible for the group',
    owner_kind String COMMENT 'vi: ministry (bộ, ngành) hoặc locality (địa phương) | en: ministry or locality',
    step String COMMENT 'vi: reported, assigned hoặc resolved | en: reported, assigned or resolved',
    open Bool COMMENT 'vi: chưa giải quyết, hoặc báo lại sau khi giải quyết | en: not resolved, or reported again after it was',
    owner String COMMENT 'vi: nơi được giao, rỗng nếu chưa giao | en: to whom it was assigned, empty if to nobody',
    due_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: hạn xử lý | en: due time',
    overdue Bool COMMENT 'vi: chưa giải quyết và đã quá hạn | en: open and past its due time',
    age_days Float64 COMMENT 'vi: số ngày từ lúc báo đến lúc giải quyết, hoặc đến bây giờ | en: days from the report until it was resolved, or until now',
    reports UInt64 COMMENT 'vi: được báo mấy lần | en: how often it was reported',
    first_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc có bước đầu tiên | en: when its first step happened',
    reported_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc báo; nếu báo lại thì lúc báo lại | en: when it was reported; of one that was reported again, then',
    assigned_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc giao lần cuối | en: when it was assigned last',
    resolved_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc giải quyết | en: when it was resolved',
    changed_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc có bước mới nhất | en: when its newest step happened'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now) AS moment
SELECT
    d.ward AS ward,
    w.name AS ward_name,
    d.difficulty AS difficulty,
    steps[-1].6 AS difficulty_group,
    g.vi AS group_vi,
    g.en AS group_en,
    g.owner AS responsible,
    g.owner_kind AS owner_kind,
    multiIf(NOT open, 'resolved', arrayExists(s -> s.2 = 2, life), 'assigned', 'reported') AS step,
    done = 0 OR told > done AS open,
    arrayLast(s -> s.3 != '', life).3 AS owner,
    arrayLast(s -> isNotNull(s.4), life).4 AS due_at,
    ifNull(open AND due_at < moment, false) AS overdue,
    ifNull(dateDiff('second', reported_at, ifNull(resolved_at, moment)), 0) / 86400 AS age_days,
    arrayCount(s -> s.2 = 1, steps) AS reports,
    steps[1].1 AS first_at,
    life[1].1 AS reported_at,
    if(arrayExists(s -> s.2 = 2, life), arrayLast(s -> s.2 = 2, life).1, NULL) AS assigned_at,
    if(open, NULL, steps[done].1) AS resolved_at,
    steps[-1].1 AS changed_at
FROM
(
    SELECT
        ward,
        difficulty,
        -- In the order of their time: a report after the resolution opens it again, and what was said before is over.
        arraySort(groupArray((
            occurred_at,
            indexOf(['reported', 'assigned', 'resolved'], toString(step)),
            owner,
            due_at,
            code,
            difficulty_group,
            toString(epoch),
            seq))) AS steps,
        arrayLastIndex(s -> s.2 = 3, steps) AS done,
        arrayLastIndex(s -> s.2 = 1, steps) AS told,
        if(done > 0 AND told > done, arraySlice(steps, done + 1), steps) AS life
    FROM r_difficulties
    WHERE (ward, epoch, seq, content_hash) IN
    (
        -- Of a seq that was used twice, the first arrival counts.
        SELECT ward, epoch, seq, argMax(content_hash, rank)
        FROM r_event_rows
        WHERE (ward, epoch, seq) IN (SELECT ward, epoch, seq FROM r_difficulties)
        GROUP BY ward, epoch, seq
    )
    GROUP BY ward, difficulty
) AS d
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = d.ward
LEFT JOIN (SELECT number, vi, en, owner, owner_kind FROM r_difficulty_groups) AS g ON g.number = difficulty_group
COMMENT 'vi: tình trạng hiện tại của từng vướng mắc | en: the current state of each difficulty';
