CREATE OR REPLACE VIEW v_city_cut
(
    number UInt64 COMMENT 'vi: số của mốc: số lần 10 giây từ 00:00 ngày 01/01/2025 tại Hà Nội đến at | en: number of the cut: tens of seconds from 2025-01-01 00:00 in Hanoi to `at`',
    at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: gồm mọi điều Kafka đã nhận đến lúc này | en: holds all that Kafka had by this instant',
    complete_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: số liệu tính đến: mọi phường, xã được tính đều đủ đến lúc này | en: complete up to here in every ward that is covered',
    published_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc công bố | en: when it was published',
    lag_ms Int64 COMMENT 'vi: từ at đến lúc công bố | en: from `at` to its publication',
    wards_total UInt16 COMMENT 'vi: số phường, xã | en: wards of the city',
    covered UInt16 COMMENT 'vi: số phường, xã được tính là đủ | en: wards that are covered',
    left_out Array(String) COMMENT 'vi: phường, xã không được tính | en: wards that are left out',
    left_out_name Array(String) COMMENT 'vi: tên các phường, xã không được tính | en: names of the wards that are left out',
    left_out_reason Array(String) COMMENT 'vi: vì sao: mã lý do | en: why: codes of reasons',
    events UInt64 COMMENT 'vi: số sự kiện trong sổ | en: events in the books',
    missing UInt64 COMMENT 'vi: số sự kiện còn thiếu | en: events missing',
    rejected UInt64 COMMENT 'vi: số thông điệp bị từ chối | en: messages rejected',
    received Int64 COMMENT 'vi: tổng tiếp nhận từ đầu | en: dossiers received since the start',
    resolved Int64 COMMENT 'vi: tổng xử lý xong từ đầu | en: resolved since the start',
    returned Int64 COMMENT 'vi: tổng trả kết quả từ đầu | en: handed over since the start',
    online Int64 COMMENT 'vi: tổng tiếp nhận trực tuyến từ đầu | en: received online since the start',
    early Int64 COMMENT 'vi: tổng xử lý xong trước hạn | en: resolved early since the start',
    on_time Int64 COMMENT 'vi: tổng xử lý xong đúng hạn | en: resolved on time since the start',
    overdue Int64 COMMENT 'vi: tổng xử lý xong quá hạn | en: resolved after the due day since the start',
    day Date32 COMMENT 'vi: ngày tại Hà Nội của mốc | en: day in Hanoi of the cut',
    day_received Int64 COMMENT 'vi: tiếp nhận trong ngày | en: received on that day',
    day_resolved Int64 COMMENT 'vi: xử lý xong trong ngày | en: resolved on that day',
    day_returned Int64 COMMENT 'vi: trả kết quả trong ngày | en: handed over on that day',
    generation UInt32 COMMENT 'vi: đời sổ cao nhất lúc đó | en: highest generation of the books then'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT mapFromArrays(groupArray(code), groupArray(name)) FROM r_wards) AS names
SELECT
    c.number AS number,
    c.at AS at,
    c.complete_at AS complete_at,
    c.published_at AS published_at,
    c.lag_ms AS lag_ms,
    c.wards_total AS wards_total,
    c.covered AS covered,
    c.left_out AS left_out,
    arrayMap(x -> names[x], c.left_out) AS left_out_name,
    c.left_out_reason AS left_out_reason,
    c.events AS events,
    c.missing AS missing,
    c.rejected AS rejected,
    c.received AS received,
    c.resolved AS resolved,
    c.returned AS returned,
    c.online AS online,
    c.early AS early,
    c.on_time AS on_time,
    c.overdue AS overdue,
    c.day AS day,
    c.day_received AS day_received,
    c.day_resolved AS day_resolved,
    c.day_returned AS day_returned,
    c.generation AS generation
FROM r_city_cut AS c
ORDER BY number DESC
COMMENT 'vi: các mốc đồng bộ của thành phố, mới nhất trước: số liệu tính đến đâu, gồm bao nhiêu phường, xã, thiếu ai và vì sao | en: the city''s cuts, newest first: complete up to when, in how many wards, who is left out and why'
