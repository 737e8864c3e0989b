-- Working minutes from a to b, with m(t) the minute of the day of t and the row of its day, which has no hours when off:
--   until(t) = minutes_before + arraySum((o, c) -> greatest(0, least(m(t), c) - o), opens, closes)
--   greatest(0, until(b) - until(a)), which is what streams/domain/calendar.py does.
CREATE OR REPLACE VIEW v_office_days
(
    day Date32 COMMENT 'vi: ngày | en: day',
    working Bool COMMENT 'vi: ngày làm việc, kể cả thứ bảy làm bù | en: a working day, make-up Saturdays included',
    workday_number UInt32 COMMENT 'vi: số ngày làm việc từ đầu lịch đến hết ngày này | en: working days from the beginning of the calendar to the end of this day',
    minutes_before UInt32 COMMENT 'vi: số phút làm việc từ đầu lịch đến trước ngày này | en: working minutes from the beginning of the calendar to before this day',
    opens Array(UInt16) COMMENT 'vi: giờ mở cửa, phút trong ngày; giờ theo trí nhớ, chưa đọc trong văn bản | en: opening times, minutes of the day; recalled, not read in a source',
    closes Array(UInt16) COMMENT 'vi: giờ đóng cửa, phút trong ngày | en: closing times, minutes of the day',
    name_vi String COMMENT 'vi: tên ngày lễ, rỗng nếu không phải | en: name of the holiday in Vietnamese, empty if none',
    name_en String COMMENT 'vi: tên ngày lễ bằng tiếng Anh | en: name of the holiday in English'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT d.day AS day, d.working AS working, d.workday_number AS workday_number, d.minutes_before AS minutes_before,
    d.opens AS opens, d.closes AS closes, d.name_vi AS name_vi, d.name_en AS name_en
FROM (SELECT * FROM r_office_days) AS d
-- So that a cut that was not published is refused.
WHERE (SELECT cut FROM r_now) >= 0
COMMENT 'vi: lịch công sở 2019-2040 kèm phút làm việc cộng dồn, để tính phút làm việc bằng SQL như hệ thống tính | en: the office calendar 2019 to 2040 with running working minutes, so that SQL counts working minutes as the system does';
