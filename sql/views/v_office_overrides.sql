-- now-only: vi: giờ riêng chỉ giữ bản mới nhất; tình trạng tại mốc (v_ward_status) đã tính theo giờ lúc đó | en: only the newest hours are kept; the states of a cut (v_ward_status) were judged by the hours of that time
CREATE OR REPLACE VIEW v_office_overrides
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    first_day Date32 COMMENT 'vi: từ ngày | en: first day',
    last_day Date32 COMMENT 'vi: đến ngày | en: last day',
    open_minutes Array(UInt16) COMMENT 'vi: giờ mở cửa, phút trong ngày: từ, đến, từ, đến; rỗng là đóng cửa | en: open hours, minutes of the day: from, to, from, to; empty means closed',
    silent_after_s UInt32 COMMENT 'vi: coi là im lặng sau bao nhiêu giây, 0 là như thường lệ | en: silent after so many seconds, 0 for the usual',
    note String COMMENT 'vi: ghi chú | en: note',
    version UInt64 COMMENT 'vi: ngày nào có nhiều dòng thì dòng mới nhất có hiệu lực | en: of rows that share a day the newest counts'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    o.ward AS ward,
    w.name AS ward_name,
    o.first_day AS first_day,
    o.last_day AS last_day,
    o.open_minutes AS open_minutes,
    o.silent_after_s AS silent_after_s,
    o.note AS note,
    o.version AS version
FROM r_office_overrides AS o
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = o.ward
COMMENT 'vi: giờ làm việc riêng của phường, xã | en: office hours that wards have for themselves';
