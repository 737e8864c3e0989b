CREATE OR REPLACE VIEW v_ward_day
(
    day Date32 COMMENT 'vi: ngày tại Hà Nội | en: day in Hanoi',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    kind String COMMENT 'vi: phuong hoặc xa | en: phuong (ward) or xa (commune)',
    registered Int64 COMMENT 'vi: mới đăng ký (trạng thái 1) | en: registered (status 1)',
    received Int64 COMMENT 'vi: được tiếp nhận (trạng thái 2) | en: received (status 2)',
    online Int64 COMMENT 'vi: tiếp nhận qua kênh trực tuyến | en: received through the online channel',
    refused Int64 COMMENT 'vi: không được tiếp nhận (trạng thái 3) | en: not accepted (status 3)',
    processing Int64 COMMENT 'vi: chuyển sang đang xử lý (trạng thái 4) | en: went into processing (status 4)',
    supplements Int64 COMMENT 'vi: yêu cầu bổ sung giấy tờ (trạng thái 5) | en: supplements requested (status 5)',
    payments Int64 COMMENT 'vi: yêu cầu nộp phí, thuế (trạng thái 6) | en: payments requested (status 6)',
    withdrawn Int64 COMMENT 'vi: công dân rút hồ sơ (trạng thái 7) | en: withdrawn by the applicant (status 7)',
    stopped Int64 COMMENT 'vi: dừng xử lý (trạng thái 8) | en: stopped (status 8)',
    resolved Int64 COMMENT 'vi: đã xử lý xong (trạng thái 9) | en: processed to the end (status 9)',
    returned Int64 COMMENT 'vi: đã trả kết quả (trạng thái 10) | en: result handed over (status 10)',
    early Int64 COMMENT 'vi: xử lý xong trước ngày hẹn | en: resolved on a day before the due day',
    on_time Int64 COMMENT 'vi: xử lý xong đúng ngày hẹn hoặc không có hẹn | en: resolved on the due day, or without one',
    overdue Int64 COMMENT 'vi: xử lý xong sau ngày hẹn | en: resolved on a day after the due day',
    minutes Int64 COMMENT 'vi: tổng phút làm việc của hồ sơ đã xử lý xong | en: working minutes of the resolved dossiers',
    events UInt64 COMMENT 'vi: số sự kiện trong sổ | en: events that have their place in the book',
    retracted UInt64 COMMENT 'vi: số bước bị rút lại | en: steps taken back',
    declared Bool COMMENT 'vi: đã chốt ngày chưa | en: whether the ward has closed the day',
    declared_received Int64 COMMENT 'vi: số tiếp nhận do phường, xã kê khai, -1 nếu chưa | en: received as declared, -1 if not declared',
    declared_resolved Int64 COMMENT 'vi: số xử lý xong do phường, xã kê khai, -1 nếu chưa | en: resolved as declared, -1 if not declared',
    revision UInt64 COMMENT 'vi: sổ đã sửa bao nhiêu lần | en: changes applied to the book',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận thay đổi mới nhất | en: when Kafka had the newest change'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    b.day AS day,
    b.ward AS ward,
    w.name AS ward_name,
    w.kind AS kind,
    arraySum((s, c) -> if(s = 1, c, 0), b.status, b.count) AS registered,
    arraySum((s, c) -> if(s = 2, c, 0), b.status, b.count) AS received,
    arraySum((s, k, c) -> if(s = 2 AND k = 'online', c, 0), b.status, b.channel, b.count) AS online,
    arraySum((s, c) -> if(s = 3, c, 0), b.status, b.count) AS refused,
    arraySum((s, c) -> if(s = 4, c, 0), b.status, b.count) AS processing,
    arraySum((s, c) -> if(s = 5, c, 0), b.status, b.count) AS supplements,
    arraySum((s, c) -> if(s = 6, c, 0), b.status, b.count) AS payments,
    arraySum((s, c) -> if(s = 7, c, 0), b.status, b.count) AS withdrawn,
    arraySum((s, c) -> if(s = 8, c, 0), b.status, b.count) AS stopped,
    arraySum((s, c) -> if(s = 9, c, 0), b.status, b.count) AS resolved,
    arraySum((s, c) -> if(s = 10, c, 0), b.status, b.count) AS returned,
    arraySum((s, t, c) -> if(s = 9 AND t = 'early', c, 0), b.status, b.timeliness, b.count) AS early,
    arraySum((s, t, c) -> if(s = 9 AND t = 'on_time', c, 0), b.status, b.timeliness, b.count) AS on_time,
    arraySum((s, t, c) -> if(s = 9 AND t = 'overdue', c, 0), b.status, b.timeliness, b.count) AS overdue,
    arraySum((s, m) -> if(s = 9, m, 0), b.status, b.minutes) AS minutes,
    b.events AS events,
    b.retracted AS retracted,
    b.declared AS declared,
    if(b.declared, toInt64(arraySum((s, c) -> if(s = 2, c, 0), b.declared_status, b.declared_count)), -1)
        AS declared_received,
    if(b.declared, toInt64(arraySum((s, c) -> if(s = 9, c, 0), b.declared_status, b.declared_count)), -1)
        AS declared_resolved,
    b.revision AS revision,
    b.arrived_at AS arrived_at
FROM r_book AS b
LEFT JOIN (SELECT code, name, kind FROM wards FINAL) AS w ON w.code = b.ward
COMMENT 'vi: mỗi phường, xã mỗi ngày một dòng, đã trừ các bước bị rút lại; một bước tính vào ngày nó xảy ra | en: one row a ward and day, net of retractions; a step counts on the day on which it happened';
