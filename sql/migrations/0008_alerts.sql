-- Alerts: what a rule found, from when to when, and what became of telling somebody. An alert's row is written anew
-- with a higher version at each change; who acknowledged it is kept apart, because a person and the monitor write at
-- the same time.

CREATE TABLE IF NOT EXISTS alerts
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
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id
COMMENT 'vi: cảnh báo, đang mở và đã hết | en: alerts, open and ended';

CREATE TABLE IF NOT EXISTS alert_acks
(
    id String COMMENT 'vi: mã cảnh báo | en: id of the alert',
    acked_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc ghi nhận | en: when it was acknowledged',
    acked_by String COMMENT 'vi: bộ phận ghi nhận, không ghi tên người | en: which desk acknowledged it, no person''s name',
    note String COMMENT 'vi: ghi chú, không ghi tên người | en: note, no person''s name',
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id
COMMENT 'vi: cảnh báo đã có người nhận xử lý | en: alerts that somebody has acknowledged';

CREATE TABLE IF NOT EXISTS alert_deliveries
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
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (alert_id, event, channel)
COMMENT 'vi: việc gửi từng cảnh báo qua từng kênh | en: how each alert was sent over each channel';
