CREATE OR REPLACE VIEW v_alerts
(
    id String COMMENT 'vi: mã cảnh báo | en: id of the alert',
    rule String COMMENT 'vi: tên luật | en: name of the rule',
    key String COMMENT 'vi: khóa trong luật | en: key within the rule',
    severity String COMMENT 'vi: warning hoặc critical | en: warning or critical',
    open Bool COMMENT 'vi: đang mở | en: open now',
    ward String COMMENT 'vi: mã phường, xã, rỗng nếu là chuyện chung | en: ward code, empty if it is nobody''s own',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    since DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: sự việc có từ lúc | en: when the matter itself began',
    started_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: thành cảnh báo từ lúc | en: when it became an alert',
    ended_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: hết lúc, trống nếu đang mở | en: when it ended, empty while open',
    age_s Int64 COMMENT 'vi: đã kéo dài bao nhiêu giây | en: how many seconds it lasts, or lasted',
    last_seen_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: luật thấy lần cuối, ghi mỗi phút | en: when the rule found it last, written once a minute',
    acked_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc có người ghi nhận | en: when somebody acknowledged it',
    acked_by String COMMENT 'vi: bộ phận ghi nhận | en: which desk acknowledged it',
    note String COMMENT 'vi: ghi chú | en: note',
    title_vi String COMMENT 'vi: tên cảnh báo, tiếng Việt | en: title, in Vietnamese',
    title_en String COMMENT 'vi: tên cảnh báo, tiếng Anh | en: title, in English',
    what_vi String COMMENT 'vi: chuyện gì xảy ra, tiếng Việt | en: what happened, in Vietnamese',
    what_en String COMMENT 'vi: chuyện gì xảy ra, tiếng Anh | en: what happened, in English',
    impact_vi String COMMENT 'vi: ảnh hưởng, tiếng Việt | en: impact, in Vietnamese',
    impact_en String COMMENT 'vi: ảnh hưởng, tiếng Anh | en: impact, in English',
    next_vi String COMMENT 'vi: việc cần làm, tiếng Việt | en: next step, in Vietnamese',
    next_en String COMMENT 'vi: việc cần làm, tiếng Anh | en: next step, in English',
    values Map(String, String) COMMENT 'vi: các số liệu mà luật thấy | en: the figures that the rule found'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    a.id AS id,
    a.rule AS rule,
    a.key AS key,
    a.severity AS severity,
    a.ended_at IS NULL AS open,
    a.ward AS ward,
    w.name AS ward_name,
    a.since AS since,
    assumeNotNull(a.started_at) AS started_at,
    a.ended_at AS ended_at,
    dateDiff('second', assumeNotNull(a.started_at), assumeNotNull(ifNull(a.ended_at, (SELECT at FROM r_now)))) AS age_s,
    a.last_seen_at AS last_seen_at,
    nullIf(k.acked_at, toDateTime64(0, 3, 'Asia/Ho_Chi_Minh')) AS acked_at,
    k.acked_by AS acked_by,
    k.note AS note,
    a.title_vi AS title_vi,
    a.title_en AS title_en,
    a.what_vi AS what_vi,
    a.what_en AS what_en,
    a.impact_vi AS impact_vi,
    a.impact_en AS impact_en,
    a.next_vi AS next_vi,
    a.next_en AS next_en,
    a.values AS values
FROM (SELECT * FROM r_alerts WHERE state IN ('open', 'ending', 'ended')) AS a
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = a.ward
LEFT JOIN (SELECT * FROM r_alert_acks) AS k ON k.id = a.id
COMMENT 'vi: mọi cảnh báo, đang mở và đã hết, với lời và ai đã nhận | en: all alerts, open and ended, with their words and who has them in hand';
