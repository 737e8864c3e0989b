-- vi: Vướng mắc quá hạn xử lý
-- en: A difficulty is past its due time
-- severity: warning
-- every: 60
-- what-vi: {ward_name} ({ward}): vướng mắc {difficulty} (nhóm {difficulty_group}, {group_vi}) do {owner} xử lý đã quá hạn {due_at}
-- what-en: {ward_name} ({ward}): difficulty {difficulty} (group {difficulty_group}, {group_en}), owned by {owner}, was due at {due_at}
-- impact-vi: Hồ sơ của người dân vướng ở đó tiếp tục chờ, đã {age} ngày
-- impact-en: Citizens' dossiers that hang on it go on waiting, for {age} days now
-- next-vi: Nhắc nơi chịu trách nhiệm; xem: dongbo sql "SELECT * FROM v_difficulties WHERE difficulty = '{difficulty}'"
-- next-en: Remind its owner; see: dongbo sql "SELECT * FROM v_difficulties WHERE difficulty = '{difficulty}'"
SELECT
    concat(ward, '/', difficulty) AS key,
    ward,
    assumeNotNull(due_at) AS since,
    difficulty,
    difficulty_group,
    group_vi,
    group_en,
    if(owner != '', owner, if(responsible != '', responsible, '-')) AS owner,
    due_at,
    toUInt32(age_days) AS age
FROM v_difficulties
WHERE overdue
ORDER BY key
