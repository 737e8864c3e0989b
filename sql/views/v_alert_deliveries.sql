CREATE OR REPLACE VIEW v_alert_deliveries
(
    alert_id String COMMENT 'vi: mã cảnh báo | en: id of the alert',
    rule String COMMENT 'vi: tên luật | en: name of the rule',
    key String COMMENT 'vi: khóa trong luật | en: key within the rule',
    event String COMMENT 'vi: start hoặc end | en: start or end',
    channel String COMMENT 'vi: webhook hoặc mail | en: webhook or mail',
    message String COMMENT 'vi: mã thông điệp, giống nhau ở mỗi lần gửi lại | en: id of the message, the same at each attempt',
    state String COMMENT 'vi: waiting, sent hoặc given_up | en: waiting, sent or given_up',
    attempts UInt32 COMMENT 'vi: số lần đã thử | en: attempts so far',
    created_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc cần gửi | en: when it was to be sent',
    next_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lần thử tới, hoặc lúc xong | en: next attempt, or when it was done',
    error String COMMENT 'vi: vì sao lần gần nhất không được | en: why the last attempt failed'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    d.alert_id AS alert_id,
    a.rule AS rule,
    a.key AS key,
    d.event AS event,
    d.channel AS channel,
    d.message AS message,
    d.state AS state,
    d.attempts AS attempts,
    d.created_at AS created_at,
    d.next_at AS next_at,
    d.error AS error
FROM (SELECT * FROM r_alert_deliveries) AS d
LEFT JOIN (SELECT id, rule, key FROM r_alerts) AS a ON a.id = d.alert_id
COMMENT 'vi: cảnh báo nào đã gửi, đang chờ gửi, vì sao chưa được | en: which alerts were sent, which wait, and why';
