-- The open rows of v_dossiers: what the monitor copied of them within the hour and, by the same definition, the steps of those
-- that were written since.
CREATE OR REPLACE VIEW v_open_dossiers
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
SELECT ward, dossier, procedure, field, channel, status, status_at, open, accepted, received_at, due_at, finished_at, ended_at, steps
FROM
(
    SELECT *
    FROM
    (
        SELECT
            ward, dossier, procedure, field, channel, status, status_at, true AS open, accepted, received_at, due_at, finished_at,
            CAST(NULL, 'Nullable(DateTime64(3, \'Asia/Ho_Chi_Minh\'))') AS ended_at, steps, 0 AS seen
        FROM r_open_states
        UNION ALL
        -- What the steps say goes before what the copy says, that nothing is left of a dossier too.
        (
            WITH
                argMaxIf(
                    (s.procedure, s.field, s.channel, s.status, s.received_at, s.due_at, s.finished_at),
                    (s.occurred_at, s.epoch, s.seq), s.counts) AS newest
            SELECT
                ward, dossier, newest.1 AS procedure, newest.2 AS field, newest.3 AS channel, newest.4 AS status,
                maxIf(s.occurred_at, s.counts) AS status_at,
                countIf(s.counts) > 0 AND countIf(s.counts AND s.status IN (3, 7, 8, 9, 10)) = 0 AS open,
                countIf(s.counts AND s.status >= 2 AND s.status != 3) > 0 AS accepted,
                newest.5 AS received_at, newest.6 AS due_at, newest.7 AS finished_at,
                minIf(toNullable(s.occurred_at), s.counts AND s.status IN (3, 7, 8, 9, 10)) AS ended_at,
                uniqExactIf((s.epoch, s.seq), s.counts) AS steps,
                1 AS seen
            FROM
            (
                -- A step and its retraction have the dossier in common, so one look at the rows settles both. What is left of a seq
                -- without the losers says one thing only.
                SELECT
                    ward, dossier, epoch, seq,
                    countIf(d.step) > 0 AND countIf(d.retracted = 1 AND NOT d.lost) = 0 AS counts,
                    anyIf(d.procedure, d.step) AS procedure,
                    anyIf(d.field, d.step) AS field,
                    anyIf(d.channel, d.step) AS channel,
                    anyIf(d.status, d.step) AS status,
                    anyIf(d.occurred_at, d.step) AS occurred_at,
                    anyIf(tuple(d.received_at), d.step).1 AS received_at,
                    anyIf(tuple(d.due_at), d.step).1 AS due_at,
                    anyIf(tuple(d.finished_at), d.step).1 AS finished_at
                FROM
                (
                    SELECT
                        *, (ward, event_epoch, event_seq, content_hash) IN (SELECT ward, epoch, seq, content_hash FROM r_losers) AS lost,
                        retracted = 0 AND NOT lost AS step
                    FROM r_open_steps
                ) AS d
                GROUP BY ward, dossier, epoch, seq
            ) AS s
            GROUP BY ward, dossier
        )
    )
    ORDER BY seen DESC
    LIMIT 1 BY ward, dossier
)
WHERE open
COMMENT 'vi: các hồ sơ chưa kết thúc: những dòng open của v_dossiers, nhanh hơn nhiều | en: the dossiers that are open: the open rows of v_dossiers, much faster';
