CREATE OR REPLACE VIEW v_dossiers
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    dossier String COMMENT 'vi: mã hồ sơ | en: dossier code',
    procedure String COMMENT 'vi: mã thủ tục | en: procedure code',
    field String COMMENT 'vi: lĩnh vực | en: field',
    channel String COMMENT 'vi: kênh nộp | en: channel',
    status UInt8 COMMENT 'vi: trạng thái mới nhất chưa bị rút lại | en: newest status that was not taken back',
    status_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc có trạng thái đó | en: when it reached that status',
    open Bool COMMENT 'vi: chưa kết thúc (chưa có trạng thái 3, 7, 8, 9, 10) | en: not ended (no status 3, 7, 8, 9 or 10)',
    accepted Bool COMMENT 'vi: đã được tiếp nhận (có trạng thái từ 2 trở lên, trừ 3) | en: the desk has taken it (some status from 2 on, other than 3)',
    received_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc tiếp nhận | en: when the desk took it',
    due_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: hạn trả | en: due time',
    finished_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc xử lý xong | en: end of processing',
    ended_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc có trạng thái kết thúc đầu tiên | en: when it reached its first end status',
    steps UInt64 COMMENT 'vi: số bước | en: steps'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    ward,
    dossier,
    argMax(step.2, order) AS procedure,
    argMax(step.3, order) AS field,
    argMax(step.4, order) AS channel,
    argMax(step.1, order) AS status,
    max(step.5) AS status_at,
    countIf(step.1 IN (3, 7, 8, 9, 10)) = 0 AS open,
    countIf(step.1 >= 2 AND step.1 != 3) > 0 AS accepted,
    argMax(tuple(step.6), order).1 AS received_at,
    argMax(tuple(step.7), order).1 AS due_at,
    argMax(tuple(step.8), order).1 AS finished_at,
    minIf(toNullable(step.5), step.1 IN (3, 7, 8, 9, 10)) AS ended_at,
    count() AS steps
FROM
(
    SELECT
        ward,
        dossier,
        epoch,
        seq,
        any(tuple(status, procedure, field, channel, occurred_at, received_at, due_at, finished_at)) AS step,
        (step.5, epoch, seq) AS order
    FROM dossiers
    WHERE (ward, event_epoch, event_seq, content_hash) NOT IN
        (SELECT ward, epoch, seq, content_hash FROM v_conflicts WHERE NOT counted)
    GROUP BY ward, dossier, epoch, seq
    HAVING max(retracted) = 0
)
GROUP BY ward, dossier
COMMENT 'vi: tình trạng hiện tại của từng hồ sơ | en: the current state of each dossier';
