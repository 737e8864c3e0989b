-- vi: Mỗi lĩnh vực còn tồn bao nhiêu hồ sơ, cũ nhất bao lâu?
-- en: How many dossiers of each field are open, and how old is the oldest?
-- audience: ward, leader
-- chart: bar field backlog,waiting,overdue
-- unit: vi: hồ sơ | en: dossiers
SELECT field, sum(b.backlog) AS backlog, sum(b.waiting) AS waiting, sum(b.overdue) AS overdue, round(max(b.days_max), 1) AS days_max,
    uniqExact(ward) AS wards
FROM v_backlog AS b
GROUP BY field
ORDER BY backlog DESC, field
