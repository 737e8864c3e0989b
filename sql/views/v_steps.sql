CREATE OR REPLACE VIEW v_steps
(
    day Date32 COMMENT 'vi: ngày xảy ra tại Hà Nội | en: day in Hanoi on which it happened',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    dossier String COMMENT 'vi: mã hồ sơ | en: dossier code',
    procedure String COMMENT 'vi: mã thủ tục | en: procedure code',
    field String COMMENT 'vi: lĩnh vực | en: field',
    channel String COMMENT 'vi: kênh nộp | en: channel',
    status UInt8 COMMENT 'vi: trạng thái 1..10 | en: status 1..10',
    occurred_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc xảy ra | en: when it happened',
    received_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc tiếp nhận | en: when the desk took it',
    due_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: hạn trả mà phường, xã báo | en: due time as the ward reports it',
    finished_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc xử lý xong | en: end of processing',
    timeliness String COMMENT 'vi: open, early, on_time, overdue theo hạn được báo | en: open, early, on_time, overdue by the reported due time',
    minutes UInt32 COMMENT 'vi: phút làm việc từ lúc tiếp nhận đến lúc xong | en: working minutes from receipt to end',
    paid_online Int8 COMMENT 'vi: nộp phí trực tuyến: 1, 0, -1 là không nói | en: paid online: 1, 0, -1 if not said',
    digitised Int8 COMMENT 'vi: đã số hóa: 1, 0, -1 là không nói | en: digitised: 1, 0, -1 if not said',
    epoch String COMMENT 'vi: đời hộp gửi của phường, xã | en: life of the outbox',
    seq UInt64 COMMENT 'vi: số thứ tự trong đời hộp gửi | en: number within the epoch',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận | en: when Kafka had it'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    toDate32(e.occurred_at) AS day,
    e.ward AS ward,
    e.dossier AS dossier,
    e.procedure AS procedure,
    e.field AS field,
    e.channel AS channel,
    e.status AS status,
    e.occurred_at AS occurred_at,
    e.received_at AS received_at,
    e.due_at AS due_at,
    e.finished_at AS finished_at,
    e.timeliness AS timeliness,
    e.minutes AS minutes,
    e.paid_online AS paid_online,
    e.digitised AS digitised,
    e.epoch AS epoch,
    e.seq AS seq,
    e.arrived_at AS arrived_at
FROM r_events AS e
WHERE e.counted AND e.status > 0 AND e.of_seq = 0
    AND (e.ward, e.dossier, e.epoch, e.seq) NOT IN (SELECT ward, dossier, epoch, seq FROM r_retracted)
-- A seq's contents all lie in the month in which they happened, so no merge crosses it.
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'vi: từng bước được tính, đã trừ bước bị rút lại và số thứ tự dùng lại | en: each step that counts: net of retractions and of seqs that were used again';
