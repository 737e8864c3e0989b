CREATE OR REPLACE VIEW v_difficulties
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    difficulty String COMMENT 'vi: mã vướng mắc | en: code of the difficulty',
    difficulty_group UInt8 COMMENT 'vi: nhóm vướng mắc 1..25 | en: group 1..25',
    step String COMMENT 'vi: reported, assigned hoặc resolved | en: reported, assigned or resolved',
    open Bool COMMENT 'vi: chưa giải quyết | en: not resolved',
    owner String COMMENT 'vi: nơi chịu trách nhiệm | en: who owns it',
    due_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: hạn xử lý | en: due time',
    reported_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc có bước đầu tiên | en: when its first step happened',
    changed_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc có bước mới nhất | en: when its newest step happened'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    ward,
    difficulty,
    argMax(d.difficulty_group, (d.occurred_at, d.seq)) AS difficulty_group,
    argMax(d.step, (d.occurred_at, d.seq)) AS step,
    countIf(d.step = 'resolved') = 0 AS open,
    argMaxIf(d.owner, (d.occurred_at, d.seq), d.owner != '') AS owner,
    argMaxIf(d.due_at, (d.occurred_at, d.seq), isNotNull(d.due_at)) AS due_at,
    min(d.occurred_at) AS reported_at,
    max(d.occurred_at) AS changed_at
FROM r_difficulties AS d
WHERE (d.ward, d.epoch, d.seq, d.content_hash) NOT IN
    (SELECT ward, epoch, seq, content_hash FROM v_conflicts WHERE NOT counted)
GROUP BY ward, difficulty
COMMENT 'vi: tình trạng hiện tại của từng vướng mắc | en: the current state of each difficulty';
