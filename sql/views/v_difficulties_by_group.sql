CREATE OR REPLACE VIEW v_difficulties_by_group
(
    difficulty_group UInt8 COMMENT 'vi: nhóm vướng mắc 1..25 | en: group 1..25',
    group_vi String COMMENT 'vi: tên nhóm | en: name of the group in Vietnamese',
    group_en String COMMENT 'vi: tên nhóm bằng tiếng Anh | en: name of the group',
    responsible String COMMENT 'vi: bộ, ngành hoặc địa phương chịu trách nhiệm | en: the ministry or locality that is responsible',
    owner_kind String COMMENT 'vi: ministry (bộ, ngành) hoặc locality (địa phương) | en: ministry or locality',
    placeholder Bool COMMENT 'vi: tên tạm, chưa có tên chính thức | en: a placeholder, not the official name',
    open UInt64 COMMENT 'vi: số vướng mắc chưa giải quyết | en: open difficulties',
    unassigned UInt64 COMMENT 'vi: trong đó chưa giao cho ai | en: of these not assigned to anybody',
    overdue UInt64 COMMENT 'vi: trong đó đã quá hạn | en: of these past their due time',
    open_week UInt64 COMMENT 'vi: chưa giải quyết, báo trong 7 ngày | en: open, reported within 7 days',
    open_month UInt64 COMMENT 'vi: chưa giải quyết, báo từ 7 đến 30 ngày trước | en: open, reported 7 to 30 days ago',
    open_older UInt64 COMMENT 'vi: chưa giải quyết, báo hơn 30 ngày trước | en: open, reported more than 30 days ago',
    oldest_days Float64 COMMENT 'vi: vướng mắc cũ nhất chưa giải quyết: số ngày | en: days since the oldest open one was reported',
    wards UInt64 COMMENT 'vi: số phường, xã có vướng mắc chưa giải quyết | en: wards with an open one',
    resolved UInt64 COMMENT 'vi: số đã giải quyết | en: resolved ones',
    resolved_days Float64 COMMENT 'vi: số ngày trung bình để giải quyết | en: mean days until they were resolved'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    g.number AS difficulty_group,
    g.vi AS group_vi,
    g.en AS group_en,
    g.owner AS responsible,
    g.owner_kind AS owner_kind,
    g.placeholder AS placeholder,
    d.open_count AS open,
    d.unassigned AS unassigned,
    d.overdue_count AS overdue,
    d.open_week AS open_week,
    d.open_month AS open_month,
    d.open_older AS open_older,
    d.oldest_days AS oldest_days,
    d.wards AS wards,
    d.resolved AS resolved,
    d.resolved_days AS resolved_days
FROM (SELECT * FROM r_difficulty_groups) AS g
LEFT JOIN
(
    SELECT
        difficulty_group,
        countIf(open) AS open_count,
        countIf(open AND owner = '') AS unassigned,
        countIf(overdue) AS overdue_count,
        countIf(open AND age_days < 7) AS open_week,
        countIf(open AND age_days >= 7 AND age_days <= 30) AS open_month,
        countIf(open AND age_days > 30) AS open_older,
        maxIf(age_days, open) AS oldest_days,
        uniqExactIf(ward, open) AS wards,
        countIf(NOT open) AS resolved,
        if(resolved > 0, avgIf(age_days, NOT open), 0) AS resolved_days
    FROM v_difficulties
    GROUP BY difficulty_group
) AS d ON d.difficulty_group = g.number
COMMENT 'vi: vướng mắc theo nhóm, tuổi và nơi chịu trách nhiệm; mỗi nhóm một dòng | en: difficulties by group, age and responsible party; one row a group';
