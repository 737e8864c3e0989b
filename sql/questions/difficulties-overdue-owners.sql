-- vi: Nơi nào đang quá hạn giải quyết vướng mắc, quá bao nhiêu ngày?
-- en: Who is past due with difficulties, and by how many days?
-- audience: leader
-- chart: bar owner overdue
-- unit: vi: vướng mắc | en: difficulties
SELECT owner, overdue, round(overdue_days, 1) AS overdue_days, open, groups, wards, resolved, resolved_late
FROM v_difficulties_by_owner
WHERE overdue > 0
ORDER BY overdue_days DESC, owner
