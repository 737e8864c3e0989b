-- vi: Mỗi nhóm vướng mắc còn bao nhiêu việc chưa giải quyết, cũ đến đâu, nơi nào chịu trách nhiệm?
-- en: How many difficulties are open in each group, how old are they, and who is responsible?
-- audience: leader
-- chart: bar group_vi open,overdue
-- unit: vi: vướng mắc | en: difficulties
SELECT difficulty_group, group_vi, responsible, owner_kind, open, unassigned, overdue, open_week, open_month, open_older,
    round(oldest_days, 1) AS oldest_days, wards, resolved, round(resolved_days, 1) AS resolved_days
FROM v_difficulties_by_group
WHERE open > 0 OR resolved > 0
ORDER BY overdue DESC, open DESC, difficulty_group
