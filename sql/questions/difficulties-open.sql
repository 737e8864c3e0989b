-- vi: Những vướng mắc nào chưa giải quyết, của nhóm nào, ai được giao, đã bao nhiêu ngày?
-- en: Which difficulties are open, in which group, who owns them, and for how many days?
-- audience: leader, operator
-- ward: ward
-- param group UInt8 default 0 -- vi: Nhóm vướng mắc 1-25; 0 là mọi nhóm | en: Group of difficulties 1-25; 0 for all
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT ward, ward_name, difficulty, difficulty_group, group_vi, step, owner, due_at, overdue, round(age_days, 1) AS days,
    reported_at
FROM v_difficulties
WHERE open AND ({ward:String} = '' OR ward = {ward:String}) AND ({group:UInt8} = 0 OR difficulty_group = {group:UInt8})
ORDER BY overdue DESC, age_days DESC, ward, difficulty
