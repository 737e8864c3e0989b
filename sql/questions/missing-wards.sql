-- vi: Phường, xã nào chưa có dữ liệu của ngày này, hoặc còn thiếu sự kiện?
-- en: Which wards have no data for this day, or have events missing?
-- audience: operator, leader
-- param day Nullable(Date) default '' -- vi: Ngày; trống là ngày mới nhất có dữ liệu | en: Day; empty: the newest with data
WITH ifNull({day:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)) AS asked
SELECT s.ward AS ward, s.ward_name AS ward_name,
    multiIf(s.events = 0, 'never_heard', s.missing > 0, 'events_missing', 'no_data_of_the_day') AS why,
    s.missing AS missing, s.event_at AS event_at, s.heard_at AS heard_at, s.pending AS pending
FROM v_ward_sync AS s
LEFT JOIN (SELECT ward, events FROM v_ward_day WHERE day = asked) AS d ON d.ward = s.ward
WHERE s.missing > 0 OR d.events = 0
ORDER BY why, ward
