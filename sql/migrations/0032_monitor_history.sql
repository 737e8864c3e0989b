-- What the monitor writes anew at each change, as it was: alerts with their words, acknowledgements, deliveries, double entry,
-- conservation, and how long loading took. `known_at` says from which instant on cuts see a row: a cut's worth of time after
-- it was written, so that no published cut sees one come. A row that is written again is known since its first time.

CREATE TABLE IF NOT EXISTS alert_history
(
    id String COMMENT 'vi: mã cảnh báo, từ luật, khóa và lúc thấy lần đầu | en: id of the alert, made of rule, key and when it was first seen',
    rule LowCardinality(String) COMMENT 'vi: tên luật, tệp trong sql/alerts | en: name of the rule, a file of sql/alerts',
    key String COMMENT 'vi: khóa: cùng luật và khóa là cùng một cảnh báo | en: key: the same rule and key is the same alert',
    state LowCardinality(String) COMMENT 'vi: pending (chưa giữ đủ lâu), open, ending (vừa hết, có thể trở lại), ended hoặc dropped (hết trước khi đủ lâu) | en: pending (has not held long enough), open, ending (just over, may return), ended or dropped (over before it held long enough)',
    seen_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: luật thấy lần đầu | en: when the rule found it first',
    started_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: thành cảnh báo từ lúc | en: when it became an alert',
    ended_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: luật không còn thấy từ lúc | en: when the rule no longer found it',
    last_seen_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: luật thấy lần cuối, ghi mỗi phút | en: when the rule found it last, written once a minute',
    since DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: sự việc có từ lúc | en: when the matter itself began',
    severity LowCardinality(String) COMMENT 'vi: warning hoặc critical | en: warning or critical',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã, rỗng nếu là chuyện chung | en: ward code, empty if it is nobody''s own',
    values Map(String, String) COMMENT 'vi: các số liệu mà luật thấy | en: the figures that the rule found',
    title_vi String COMMENT 'vi: tên cảnh báo, tiếng Việt | en: title, in Vietnamese',
    title_en String COMMENT 'vi: tên cảnh báo, tiếng Anh | en: title, in English',
    what_vi String COMMENT 'vi: chuyện gì xảy ra, tiếng Việt | en: what happened, in Vietnamese',
    what_en String COMMENT 'vi: chuyện gì xảy ra, tiếng Anh | en: what happened, in English',
    impact_vi String COMMENT 'vi: ảnh hưởng, tiếng Việt | en: impact, in Vietnamese',
    impact_en String COMMENT 'vi: ảnh hưởng, tiếng Anh | en: impact, in English',
    next_vi String COMMENT 'vi: việc cần làm, tiếng Việt | en: next step, in Vietnamese',
    next_en String COMMENT 'vi: việc cần làm, tiếng Anh | en: next step, in English',
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row',
    known_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: thấy được ở các mốc từ lúc này | en: seen as of the cuts from here on',
    rank UInt64 MATERIALIZED 9223372036854775807 - toUInt64(toUnixTimestamp64Milli(known_at)) COMMENT 'vi: biết trước thì cao hơn | en: what was known earlier is higher'
)
ENGINE = ReplacingMergeTree(rank)
ORDER BY (id, version)
COMMENT 'vi: cảnh báo qua từng lần ghi | en: alerts, each time that they were written';

CREATE MATERIALIZED VIEW IF NOT EXISTS alert_history_feed TO alert_history AS
SELECT *, now64(3, 'Asia/Ho_Chi_Minh') + toIntervalSecond(10) AS known_at
FROM alerts;

-- What came before: of each alert how it began and how it is now, with the words that it has now.
INSERT INTO alert_history
SELECT * REPLACE
    ('open' AS state, CAST(NULL AS Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh'))) AS ended_at, toUInt64(1) AS version),
    assumeNotNull(started_at) AS known_at
FROM (SELECT * FROM alerts FINAL WHERE started_at IS NOT NULL);

INSERT INTO alert_history
SELECT *, ifNull(ended_at, last_seen_at) + toIntervalSecond(10) AS known_at
FROM (SELECT * FROM alerts FINAL);

CREATE TABLE IF NOT EXISTS alert_ack_history
(
    id String COMMENT 'vi: mã cảnh báo | en: id of the alert',
    acked_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc ghi nhận | en: when it was acknowledged',
    acked_by String COMMENT 'vi: bộ phận ghi nhận, không ghi tên người | en: which desk acknowledged it, no person''s name',
    note String COMMENT 'vi: ghi chú, không ghi tên người | en: note, no person''s name',
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row',
    known_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: thấy được ở các mốc từ lúc này | en: seen as of the cuts from here on',
    rank UInt64 MATERIALIZED 9223372036854775807 - toUInt64(toUnixTimestamp64Milli(known_at)) COMMENT 'vi: biết trước thì cao hơn | en: what was known earlier is higher'
)
ENGINE = ReplacingMergeTree(rank)
ORDER BY (id, version)
COMMENT 'vi: các lần ghi nhận cảnh báo | en: acknowledgements of alerts, each of them';

CREATE MATERIALIZED VIEW IF NOT EXISTS alert_ack_history_feed TO alert_ack_history AS
SELECT *, now64(3, 'Asia/Ho_Chi_Minh') + toIntervalSecond(10) AS known_at
FROM alert_acks;

INSERT INTO alert_ack_history
SELECT *, acked_at + toIntervalSecond(10) AS known_at
FROM (SELECT * FROM alert_acks FINAL);

CREATE TABLE IF NOT EXISTS alert_delivery_history
(
    alert_id String COMMENT 'vi: mã cảnh báo | en: id of the alert',
    event LowCardinality(String) COMMENT 'vi: start hoặc end | en: start or end',
    channel LowCardinality(String) COMMENT 'vi: webhook hoặc mail | en: webhook or mail',
    message String COMMENT 'vi: mã thông điệp, giống nhau ở mỗi lần gửi lại | en: id of the message, the same at each attempt: the idempotency key',
    state LowCardinality(String) COMMENT 'vi: waiting, sent hoặc given_up | en: waiting, sent or given_up',
    attempts UInt32 COMMENT 'vi: số lần đã thử | en: attempts so far',
    created_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc cần gửi | en: when it was to be sent',
    next_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lần thử tới, hoặc lúc xong | en: next attempt, or when it was done',
    error String COMMENT 'vi: vì sao lần gần nhất không được | en: why the last attempt failed',
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row',
    known_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: thấy được ở các mốc từ lúc này | en: seen as of the cuts from here on',
    rank UInt64 MATERIALIZED 9223372036854775807 - toUInt64(toUnixTimestamp64Milli(known_at)) COMMENT 'vi: biết trước thì cao hơn | en: what was known earlier is higher'
)
ENGINE = ReplacingMergeTree(rank)
ORDER BY (alert_id, event, channel, version)
COMMENT 'vi: việc gửi cảnh báo qua từng lần ghi | en: deliveries of alerts, each time that they were written';

CREATE MATERIALIZED VIEW IF NOT EXISTS alert_delivery_history_feed TO alert_delivery_history AS
SELECT *, now64(3, 'Asia/Ho_Chi_Minh') + toIntervalSecond(10) AS known_at
FROM alert_deliveries;

INSERT INTO alert_delivery_history
SELECT *, if(state = 'waiting', created_at, next_at) + toIntervalSecond(10) AS known_at
FROM (SELECT * FROM alert_deliveries FINAL);

CREATE TABLE IF NOT EXISTS double_entry_history
(
    kind LowCardinality(String) COMMENT 'vi: finding, changed hoặc full | en: finding, or a run: changed (days that changed), full (all days)',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã, rỗng nếu là lượt chạy | en: ward code, empty for a run',
    day Date32 COMMENT 'vi: ngày của sổ, hoặc ngày chạy | en: day of the book, or day of the run',
    since DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: thấy lần đầu lúc | en: when it was seen first',
    checked_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: so lần cuối lúc | en: when it was compared last',
    cut UInt64 COMMENT 'vi: so tại mốc nào, 0 là hiện tại | en: compared as of this cut, 0 for now',
    cells UInt64 COMMENT 'vi: số ô khác nhau, 0 là đã khớp | en: cells that differ, 0 once they agree',
    book_steps Int64 COMMENT 'vi: trong các ô đó: số bước theo sổ | en: steps in those cells by the book',
    raw_steps Int64 COMMENT 'vi: trong các ô đó: số bước theo sự kiện thô | en: steps in those cells by raw events',
    checked UInt64 COMMENT 'vi: lượt chạy: số sổ đã so | en: of a run: books that were compared',
    took_ms UInt64 COMMENT 'vi: lượt chạy: mất bao lâu | en: of a run: how long it took',
    known_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: thấy được ở các mốc từ lúc này | en: seen as of the cuts from here on',
    rank UInt64 MATERIALIZED 9223372036854775807 - toUInt64(toUnixTimestamp64Milli(known_at)) COMMENT 'vi: biết trước thì cao hơn | en: what was known earlier is higher'
)
ENGINE = ReplacingMergeTree(rank)
ORDER BY (kind, ward, day, since, checked_at)
COMMENT 'vi: bút toán kép qua từng lần so | en: double entry, each time that was compared';

CREATE MATERIALIZED VIEW IF NOT EXISTS double_entry_history_feed TO double_entry_history AS
SELECT *, now64(3, 'Asia/Ho_Chi_Minh') + toIntervalSecond(10) AS known_at
FROM double_entry;

INSERT INTO double_entry_history
SELECT *, checked_at + toIntervalSecond(10) AS known_at
FROM (SELECT * FROM double_entry FINAL);

-- Every look of conservation, for as long as cuts can be asked; `conservation` itself is thinned after a day. Small granules:
-- a cut needs one row of each hop and partition.
CREATE TABLE IF NOT EXISTS conservation_history
(
    hop LowCardinality(String) COMMENT 'vi: chặng: outbox_kafka, kafka_loader, loader_rows, events_books | en: hop: outbox_kafka, kafka_loader, loader_rows, events_books',
    partition UInt16 COMMENT 'vi: phân vùng Kafka | en: Kafka partition',
    at DateTime64(3, 'Asia/Ho_Chi_Minh') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'vi: xét tại thời điểm này | en: judged for this instant',
    expected UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'vi: bên trước của chặng có bao nhiêu | en: how many the hop''s near side has',
    found UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'vi: bên sau của chặng có bao nhiêu trong số đó | en: how many of these the far side has',
    in_flight UInt64 CODEC(T64, ZSTD(1)) COMMENT 'vi: đang trên đường | en: on their way',
    broken UInt64 CODEC(T64, ZSTD(1)) COMMENT 'vi: mất hoặc sai, không phải đang trên đường | en: lost or wrong, and not on their way',
    detail_vi String CODEC(ZSTD(1)) COMMENT 'vi: chuyện gì, ở đâu | en: what and where, in Vietnamese',
    detail_en String CODEC(ZSTD(1)) COMMENT 'vi: bằng tiếng Anh | en: the same in English',
    known_at DateTime64(3, 'Asia/Ho_Chi_Minh') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'vi: thấy được ở các mốc từ lúc này | en: seen as of the cuts from here on',
    rank UInt64 MATERIALIZED 9223372036854775807 - toUInt64(toUnixTimestamp64Milli(known_at)) COMMENT 'vi: biết trước thì cao hơn | en: what was known earlier is higher'
)
ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(at)
ORDER BY (hop, partition, at)
SETTINGS index_granularity = 512
COMMENT 'vi: bảo toàn qua từng chặng, mọi lần xét | en: conservation per hop, every look';

CREATE MATERIALIZED VIEW IF NOT EXISTS conservation_history_feed TO conservation_history AS
SELECT hop, partition, at, expected, found, in_flight, broken, detail_vi, detail_en, now64(3, 'Asia/Ho_Chi_Minh') + toIntervalSecond(10) AS known_at
FROM conservation;

INSERT INTO conservation_history (hop, partition, at, expected, found, in_flight, broken, detail_vi, detail_en, known_at)
SELECT hop, partition, at, expected, found, in_flight, broken, detail_vi, detail_en, at + toIntervalSecond(10) AS known_at
FROM conservation;

-- The loader's delay in steps of ten seconds; its blocks are kept for days only.
CREATE TABLE IF NOT EXISTS load_delays
(
    kind LowCardinality(String) COMMENT 'vi: events hoặc books | en: events or books',
    at DateTime64(3, 'Asia/Ho_Chi_Minh') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'vi: mười giây bắt đầu lúc này | en: the ten seconds that begin here',
    delay_ms_max SimpleAggregateFunction(max, Int64) CODEC(T64, ZSTD(1)) COMMENT 'vi: độ trễ lớn nhất từ lúc Kafka nhận | en: greatest delay since Kafka had the message'
)
ENGINE = AggregatingMergeTree
ORDER BY (kind, at)
SETTINGS index_granularity = 512
COMMENT 'vi: độ trễ nạp theo từng mười giây | en: how late the loader was, in steps of ten seconds';

CREATE MATERIALIZED VIEW IF NOT EXISTS load_delays_feed TO load_delays AS
SELECT
    kind,
    toDateTime64(toStartOfInterval(stored_at, INTERVAL 10 SECOND), 3, 'Asia/Ho_Chi_Minh') AS at,
    max(dateDiff('millisecond', first_arrived_at, stored_at)) AS delay_ms_max
FROM loads
GROUP BY kind, at;

INSERT INTO load_delays
SELECT
    kind,
    toDateTime64(toStartOfInterval(stored_at, INTERVAL 10 SECOND), 3, 'Asia/Ho_Chi_Minh') AS at,
    max(dateDiff('millisecond', first_arrived_at, stored_at)) AS delay_ms_max
FROM loads
GROUP BY kind, at;
