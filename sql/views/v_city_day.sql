CREATE OR REPLACE VIEW v_city_day
(
    day Date32 COMMENT 'vi: ngày tại Hà Nội | en: day in Hanoi',
    received Int64 COMMENT 'vi: số hồ sơ được tiếp nhận (trạng thái 2) | en: dossiers received (status 2)',
    resolved Int64 COMMENT 'vi: số hồ sơ xử lý xong (trạng thái 9) | en: dossiers processed to the end (status 9)',
    returned Int64 COMMENT 'vi: số hồ sơ đã trả kết quả (trạng thái 10) | en: results handed over (status 10)',
    early Int64 COMMENT 'vi: xử lý xong trước ngày hẹn | en: resolved on a day before the due day',
    on_time Int64 COMMENT 'vi: xử lý xong đúng ngày hẹn hoặc không có hẹn | en: resolved on the due day, or without one',
    overdue Int64 COMMENT 'vi: xử lý xong sau ngày hẹn | en: resolved on a day after the due day',
    refused Int64 COMMENT 'vi: không được tiếp nhận (trạng thái 3) | en: not accepted (status 3)',
    withdrawn Int64 COMMENT 'vi: công dân rút hồ sơ (trạng thái 7) | en: withdrawn by the applicant (status 7)',
    stopped Int64 COMMENT 'vi: dừng xử lý (trạng thái 8) | en: stopped (status 8)',
    supplements Int64 COMMENT 'vi: yêu cầu bổ sung giấy tờ (trạng thái 5) | en: supplements requested (status 5)',
    online Int64 COMMENT 'vi: tiếp nhận qua kênh trực tuyến | en: received through the online channel',
    online_share Float64 COMMENT 'vi: tỷ lệ trực tuyến trong số tiếp nhận, 0 nếu không có | en: online share of those received, 0 if none',
    minutes Int64 COMMENT 'vi: tổng phút làm việc của hồ sơ đã xử lý xong | en: working minutes of the resolved dossiers',
    wards_reporting UInt64 COMMENT 'vi: số phường, xã có sự kiện trong ngày | en: wards with events on that day',
    wards_closed UInt64 COMMENT 'vi: số phường, xã đã chốt ngày | en: wards that have closed the day',
    events UInt64 COMMENT 'vi: số sự kiện | en: events',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận thay đổi mới nhất | en: when Kafka had the newest change'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    day,
    sum(d.received) AS received,
    sum(d.resolved) AS resolved,
    sum(d.returned) AS returned,
    sum(d.early) AS early,
    sum(d.on_time) AS on_time,
    sum(d.overdue) AS overdue,
    sum(d.refused) AS refused,
    sum(d.withdrawn) AS withdrawn,
    sum(d.stopped) AS stopped,
    sum(d.supplements) AS supplements,
    sum(d.online) AS online,
    if(sum(d.received) > 0, sum(d.online) / sum(d.received), 0) AS online_share,
    sum(d.minutes) AS minutes,
    countIf(d.events > 0) AS wards_reporting,
    countIf(d.declared) AS wards_closed,
    sum(d.events) AS events,
    max(d.arrived_at) AS arrived_at
FROM r_day AS d
GROUP BY day
COMMENT 'vi: toàn thành phố theo ngày, đã trừ các bước bị rút lại | en: the whole city by day, net of retractions';
