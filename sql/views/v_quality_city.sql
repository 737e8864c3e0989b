CREATE OR REPLACE VIEW v_quality_city
(
    day Date32 COMMENT 'vi: ngày Kafka nhận, tại Hà Nội | en: day of arrival in Hanoi',
    accurate Nullable(Float64) COMMENT 'vi: đúng: tỷ lệ thông điệp không bị từ chối = 1 - rejected / messages | en: accurate: share of messages that were not rejected = 1 - rejected / messages',
    complete Nullable(Float64) COMMENT 'vi: đủ: tỷ lệ sự kiện đã biết mà đã đến = 1 - missing / known | en: complete: share of known events that are here = 1 - missing / known',
    clean Nullable(Float64) COMMENT 'vi: sạch: 1 - (conflicts + mismatches) / events, không dưới 0 | en: clean: 1 - (conflicts + mismatches) / events, not below 0',
    live Nullable(Float64) COMMENT 'vi: sống: tỷ lệ sự kiện đến trong vòng 15 phút = timely / timely_of | en: live: share of events that arrived within 15 minutes = timely / timely_of',
    messages UInt64 COMMENT 'vi: sự kiện và thông điệp bị từ chối, không kể nhịp tim và lặp lại | en: events and rejected messages, without heartbeats and repeats',
    rejected UInt64 COMMENT 'vi: thông điệp bị từ chối, kể cả không rõ của ai | en: rejected messages, those of nobody that is known included',
    known UInt64 COMMENT 'vi: sự kiện đến trong ngày, và số còn thiếu mà trong ngày mới lộ ra | en: events that arrived on the day, and those missing that became known on it',
    missing UInt64 COMMENT 'vi: trong đó còn thiếu tính đến lúc hỏi | en: of these missing as of the instant asked for',
    events UInt64 COMMENT 'vi: sự kiện hợp lệ đến trong ngày | en: admitted events that arrived on the day',
    conflicts UInt64 COMMENT 'vi: trong đó dùng lại số thứ tự với nội dung khác | en: of these with a seq that was used already for other content',
    mismatches UInt64 COMMENT 'vi: số sự kiện lệch giữa kê khai và sổ của chính ngày này | en: events by which the declared totals of this very day differ from the books',
    timely_of UInt64 COMMENT 'vi: sự kiện đến trong ngày, trừ dữ liệu nạp bù | en: events that arrived on the day, without backfill',
    timely UInt64 COMMENT 'vi: trong đó đến trong vòng 15 phút từ lúc xảy ra | en: of these within 15 minutes of happening',
    backfill UInt64 COMMENT 'vi: dữ liệu nạp bù: xảy ra trước ngày phường, xã gửi lần đầu | en: backfill: happened before the day on which the ward was first heard',
    wards UInt64 COMMENT 'vi: số phường, xã có sự kiện đến trong ngày | en: wards of which events arrived on the day'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    q.day AS day,
    if(messages > 0, 1 - rejected / messages, NULL) AS accurate,
    if(known > 0, 1 - missing / known, NULL) AS complete,
    if(events > 0, greatest(0, 1 - (conflicts + mismatches) / events), NULL) AS clean,
    if(timely_of > 0, timely / timely_of, NULL) AS live,
    sum(q.messages) AS messages,
    sum(q.rejected) AS rejected,
    sum(q.known) AS known,
    sum(q.missing) AS missing,
    sum(q.events) AS events,
    sum(q.conflicts) AS conflicts,
    sum(q.mismatches) AS mismatches,
    sum(q.timely_of) AS timely_of,
    sum(q.timely) AS timely,
    sum(q.backfill) AS backfill,
    countIf(q.events > 0) AS wards
FROM v_quality AS q
GROUP BY q.day
COMMENT 'vi: chất lượng dữ liệu toàn thành phố theo ngày đến: đúng, đủ, sạch, sống | en: data quality of the whole city by day of arrival: accurate, complete, clean, live';
