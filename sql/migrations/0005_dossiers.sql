-- The steps that each dossier took, sorted by dossier. A retraction is a row of its own beside the step that it
-- takes back (same epoch and seq), never in its place: so steps and retractions may come in any order, any number
-- of times, and a reused seq is still told apart by the identity of the event that a row was made from.

CREATE TABLE IF NOT EXISTS dossiers
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    dossier String COMMENT 'vi: mã hồ sơ | en: dossier code',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi của bước | en: epoch of the step',
    seq UInt64 COMMENT 'vi: số thứ tự của bước | en: seq of the step',
    retracted UInt8 COMMENT 'vi: 1 nếu dòng này rút lại bước | en: 1 if this row takes the step back',
    event_epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi của sự kiện tạo dòng này | en: epoch of the event behind this row',
    event_seq UInt64 COMMENT 'vi: số thứ tự của sự kiện tạo dòng này | en: seq of the event behind this row',
    content_hash UInt64 COMMENT 'vi: dấu vân tay của sự kiện đó | en: fingerprint of that event',
    rank UInt64 COMMENT 'vi: thứ bậc, đến trước thì cao hơn | en: precedence, the earlier arrival is higher',
    status UInt8 COMMENT 'vi: trạng thái 1..10 | en: status 1..10',
    occurred_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc xảy ra | en: when it happened',
    procedure LowCardinality(String) COMMENT 'vi: mã thủ tục | en: procedure code',
    field LowCardinality(String) COMMENT 'vi: lĩnh vực | en: field',
    channel LowCardinality(String) COMMENT 'vi: kênh nộp | en: channel',
    received_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc tiếp nhận | en: when the desk took it',
    due_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: hạn trả | en: due time',
    finished_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc xử lý xong | en: end of processing',
    timeliness LowCardinality(String) COMMENT 'vi: open, early, on_time, overdue | en: open, early, on_time, overdue'
)
ENGINE = ReplacingMergeTree(rank)
ORDER BY (ward, dossier, epoch, seq, retracted, event_epoch, event_seq, content_hash)
COMMENT 'vi: các bước của từng hồ sơ | en: the steps of each dossier';

CREATE MATERIALIZED VIEW IF NOT EXISTS dossiers_feed TO dossiers AS
SELECT
    ward,
    dossier,
    if(of_seq = 0, e.epoch, e.of_epoch) AS epoch,
    if(of_seq = 0, e.seq, e.of_seq) AS seq,
    of_seq != 0 AS retracted,
    e.epoch AS event_epoch,
    e.seq AS event_seq,
    content_hash,
    rank,
    status,
    occurred_at,
    procedure,
    field,
    channel,
    received_at,
    due_at,
    finished_at,
    timeliness
FROM events AS e
WHERE status > 0;

CREATE TABLE IF NOT EXISTS difficulties
(
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    difficulty String COMMENT 'vi: mã vướng mắc | en: code of the difficulty',
    epoch LowCardinality(String) COMMENT 'vi: đời hộp gửi | en: life of the ward''s outbox',
    seq UInt64 COMMENT 'vi: số thứ tự | en: seq',
    content_hash UInt64 COMMENT 'vi: dấu vân tay nội dung | en: fingerprint of the content',
    rank UInt64 COMMENT 'vi: thứ bậc, đến trước thì cao hơn | en: precedence, the earlier arrival is higher',
    step LowCardinality(String) COMMENT 'vi: reported, assigned hoặc resolved | en: reported, assigned or resolved',
    occurred_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc xảy ra | en: when it happened',
    difficulty_group UInt8 COMMENT 'vi: nhóm vướng mắc 1..25 | en: group 1..25',
    owner String COMMENT 'vi: nơi chịu trách nhiệm | en: who owns it',
    due_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: hạn xử lý | en: due time',
    code String COMMENT 'vi: mã thêm | en: further code'
)
ENGINE = ReplacingMergeTree(rank)
ORDER BY (ward, difficulty, epoch, seq, content_hash)
COMMENT 'vi: các bước của từng vướng mắc | en: the steps of each difficulty';

CREATE MATERIALIZED VIEW IF NOT EXISTS difficulties_feed TO difficulties AS
SELECT
    ward,
    JSONExtractString(body, 'data', 'difficulty') AS difficulty,
    epoch,
    seq,
    content_hash,
    rank,
    splitByChar('.', type)[3] AS step,
    occurred_at,
    toUInt8(JSONExtractUInt(body, 'data', 'group')) AS difficulty_group,
    JSONExtractString(body, 'data', 'owner') AS owner,
    parseDateTime64BestEffortOrNull(JSONExtractString(body, 'data', 'due'), 3, 'Asia/Ho_Chi_Minh') AS due_at,
    JSONExtractString(body, 'data', 'code') AS code
FROM events
WHERE startsWith(type, 'dongbo.difficulty.');
