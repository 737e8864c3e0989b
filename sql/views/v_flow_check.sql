CREATE OR REPLACE VIEW v_flow_check
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    by_steps Int64 COMMENT 'vi: tồn theo bước: received - resolved - withdrawn - stopped từ đầu, theo sổ | en: backlog in steps: received - resolved - withdrawn - stopped since the start, by the books',
    by_dossiers Int64 COMMENT 'vi: tồn theo từng hồ sơ (v_backlog) | en: backlog dossier by dossier (v_backlog)',
    difference Int64 COMMENT 'vi: by_steps - by_dossiers: khác 0 nếu hồ sơ thiếu hoặc lặp bước tiếp nhận hay kết thúc | en: by_steps - by_dossiers: not 0 where dossiers lack or repeat a step of receipt or end'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT c.ward AS ward, w.name AS ward_name, c.by_steps AS by_steps, c.by_dossiers AS by_dossiers, c.by_steps - c.by_dossiers AS difference
FROM
(
    SELECT ward, sum(n_steps) AS by_steps, sum(n_dossiers) AS by_dossiers
    FROM
    (
        SELECT ward, toInt64(sum(d.received - d.resolved - d.withdrawn - d.stopped)) AS n_steps, toInt64(0) AS n_dossiers
        FROM r_day AS d
        GROUP BY ward
        UNION ALL
        SELECT ward, toInt64(0), toInt64(sum(b.backlog)) FROM v_backlog AS b GROUP BY ward
    )
    GROUP BY ward
) AS c
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = c.ward
COMMENT 'vi: tồn theo bước so với tồn theo hồ sơ, từng phường, xã: dữ liệu có giữ đúng trình tự không | en: the backlog in steps against the backlog in dossiers, by ward: whether the data keeps to the order of steps';
