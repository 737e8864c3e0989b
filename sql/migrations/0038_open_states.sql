-- A copy held the steps of each open dossier, four and more rows, which every question put together again: in a country 12 s
-- of processor time and more than a reader's memory. What was made of them is copied now, one row a dossier, by the words of
-- `v_dossiers`; whoever asks looks at the steps of those only that were written since, and of those with a seq used twice.

CREATE TABLE IF NOT EXISTS open_states
(
    made DateTime('Asia/Ho_Chi_Minh') COMMENT 'vi: bản sao được làm lúc | en: when the copy was begun',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    dossier String COMMENT 'vi: mã hồ sơ | en: dossier code',
    procedure LowCardinality(String) COMMENT 'vi: mã thủ tục | en: procedure code',
    field LowCardinality(String) COMMENT 'vi: lĩnh vực | en: field',
    channel LowCardinality(String) COMMENT 'vi: kênh nộp | en: channel',
    status UInt8 COMMENT 'vi: trạng thái mới nhất chưa bị rút lại | en: newest status that was not taken back',
    status_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc có trạng thái đó | en: when it reached that status',
    accepted Bool COMMENT 'vi: đã được tiếp nhận | en: the desk has taken it',
    received_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc tiếp nhận | en: when the desk took it',
    due_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: hạn trả | en: due time',
    finished_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc xử lý xong | en: end of processing',
    steps UInt64 COMMENT 'vi: số bước | en: steps'
)
ENGINE = MergeTree
-- A copy goes as a whole, long after nobody reads it any more.
PARTITION BY made
ORDER BY (ward, dossier)
TTL made + INTERVAL 12 HOUR
SETTINGS ttl_only_drop_parts = 1
COMMENT 'vi: bản sao tình trạng của hồ sơ chưa kết thúc | en: copies of the state of dossiers that are open';

-- Copies of the old kind say nothing of these rows; the monitor makes another when it starts.
ALTER TABLE open_copies DELETE WHERE 1;

DROP TABLE IF EXISTS open_steps;
