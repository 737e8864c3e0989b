CREATE OR REPLACE VIEW v_ward_day_detail
(
    day Date32 COMMENT 'vi: ngày tại Hà Nội | en: day in Hanoi',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    field String COMMENT 'vi: lĩnh vực | en: field',
    channel String COMMENT 'vi: kênh nộp | en: channel',
    status UInt8 COMMENT 'vi: trạng thái 1..10 | en: status 1..10',
    timeliness String COMMENT 'vi: open, early, on_time, overdue | en: open, early, on_time, overdue',
    count Int64 COMMENT 'vi: số bước, đã trừ các bước bị rút lại | en: steps, net of retractions',
    minutes Int64 COMMENT 'vi: tổng phút làm việc | en: sum of working minutes'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    b.day AS day,
    b.ward AS ward,
    w.name AS ward_name,
    cell.1 AS field,
    cell.2 AS channel,
    cell.3 AS status,
    cell.4 AS timeliness,
    cell.5 AS count,
    cell.6 AS minutes
FROM
(
    SELECT day, ward, arrayJoin(arrayZip(field, channel, status, timeliness, count, minutes)) AS cell
    FROM r_book
) AS b
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = b.ward
COMMENT 'vi: chi tiết theo lĩnh vực, kênh, trạng thái và đúng hạn | en: the details by field, channel, status and timeliness';
