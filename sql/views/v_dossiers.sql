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
WITH
    -- One for all columns: which step is the newest is found out once a step, and not once a step and column.
    argMax(
        (s.procedure, s.field, s.channel, s.status, s.received_at, s.due_at, s.finished_at),
        (s.occurred_at, s.epoch, s.seq)) AS newest
SELECT
    ward,
    dossier,
    newest.1 AS procedure,
    newest.2 AS field,
    newest.3 AS channel,
    newest.4 AS status,
    max(s.occurred_at) AS status_at,
    countIf(s.status IN (3, 7, 8, 9, 10)) = 0 AS open,
    countIf(s.status >= 2 AND s.status != 3) > 0 AS accepted,
    newest.5 AS received_at,
    newest.6 AS due_at,
    newest.7 AS finished_at,
    minIf(toNullable(s.occurred_at), s.status IN (3, 7, 8, 9, 10)) AS ended_at,
    uniqExact(s.epoch, s.seq) AS steps
FROM r_dossiers AS s
WHERE s.retracted = 0
    AND (s.ward, s.epoch, s.seq, s.content_hash) NOT IN
        (SELECT ward, epoch, seq, content_hash FROM r_losers)
    AND (s.ward, s.dossier, s.epoch, s.seq) NOT IN (SELECT ward, dossier, epoch, seq FROM r_retracted)
GROUP BY ward, dossier
COMMENT 'vi: tình trạng hiện tại của từng hồ sơ | en: the current state of each dossier';
